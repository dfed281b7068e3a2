using System.Text;
using System.Text.Json.Nodes;
using Tandem.Link.Protocol;

namespace Tandem.Link.Tests.Vectors;

/// <summary>Messages with their bytes, right and wrong: tests/vectors/link-messages.json.</summary>
internal static class MessageVectors
{
    public const string FileName = "link-messages.json";

    private const long Max = LinkLimits.MaxInteger;
    private static readonly byte[] Sequence = [.. Enumerable.Range(0, 65).Select(value => (byte)value)];

    public static readonly (string Name, byte[] Bytes)[] Messages =
    [
        ("nonce", new NonceMessage { Nonce = Sequence.AsSpan(0, 32) }.ToArray()),
        ("reveal", new RevealMessage { Nonce = Sequence.AsSpan(32, 32) }.ToArray()),
        ("confirmed", default(ConfirmedMessage).ToArray()),
        ("end, unlinked", new EndMessage { Code = EndCode.Unlinked }.ToArray()),
        ("end, a rule is broken", new EndMessage { Code = EndCode.ProtocolError, Reason = "a string is not UTF-8"u8 }.ToArray()),
        ("end, the phone has linked again", new EndMessage { Code = EndCode.Replaced }.ToArray()),
        ("end at its bounds", new EndMessage { Code = (EndCode)255, Reason = Repeat('x', 255) }.ToArray()),
        ("hello", new HelloMessage { Instance = 1234567890123, LargestChunk = 32768, Name = "Ana's phone"u8, Platform = "Firefox on Android"u8 }.ToArray()),
        ("hello that answers, after a loss", new HelloMessage { Flags = HelloFlags.Answer | HelloFlags.Resync, LargestChunk = 1024 }.ToArray()),
        ("hello at its bounds", new HelloMessage { Flags = HelloFlags.Resync, Instance = Max, LargestChunk = Max, Name = Repeat('n', 64), Platform = Repeat('p', 64) }.ToArray()),
        ("ping", new PingMessage { Opaque = 1 }.ToArray()),
        ("pong at its bound", new PongMessage { Opaque = Max }.ToArray()),
        ("an empty text", default(TextStateMessage).ToArray()),
        ("a text that is being composed", new TextStateMessage { Revision = 17, CompositionStart = 2, CompositionEnd = 4, Content = "您好世界"u8 }.ToArray()),
        ("a text with a surrogate pair", new TextStateMessage { Revision = 300, Content = "a\U0001F600b"u8 }.ToArray()),
        ("an edit", new TextEditMessage { BaseRevision = 300, Position = 1, Deleted = 2, Inserted = "—"u8 }.ToArray()),
        ("an edit at its bounds", new TextEditMessage { BaseRevision = Max, Position = Max, Deleted = Max, CompositionStart = Max, CompositionEnd = Max }.ToArray()),
        ("a text that was seen", new TextSeenMessage { Revision = 301 }.ToArray()),
        ("a text that is wanted", default(TextWantMessage).ToArray()),
        ("chat", new ChatMessage { Id = 1, Time = 1700000000000, Text = "hello, 世界"u8 }.ToArray()),
        ("a clipboard", new ChatMessage { Id = 2, Time = 1700000000001, Flags = ChatFlags.Clipboard, Text = "https://example.org/"u8 }.ToArray()),
        ("chat at its bounds", new ChatMessage { Id = Max, Time = Max }.ToArray()),
        ("chat that was seen", new ChatSeenMessage { Id = 128 }.ToArray()),
        ("an offer", new FileOfferMessage { Id = 4503599627370497, Size = 5000000000, Name = "holiday.jpg"u8, MediaType = "image/jpeg"u8 }.ToArray()),
        ("an offer at its bounds", new FileOfferMessage { Id = Max, Size = Max, Name = Repeat('f', 255), MediaType = Repeat('m', 127) }.ToArray()),
        ("an acceptance", new FileAcceptMessage { Id = 7, Offset = 65536 }.ToArray()),
        ("a chunk", new FileChunkMessage { Id = 7, Offset = 65536, Payload = [0xCA, 0xFE, 0xBA, 0xBE] }.ToArray()),
        ("a chunk of no bytes", new FileChunkMessage { Id = 7, Offset = 0 }.ToArray()),
        ("what was taken", new FileTakenMessage { Id = 7, Offset = 131072 }.ToArray()),
        ("the end of a file", new FileEndMessage { Id = 7, Hash = Sequence.AsSpan(1, 32) }.ToArray()),
        ("a file is done", new FileDoneMessage { Id = 7 }.ToArray()),
        ("a file is damaged", new FileCancelMessage { Id = 7, Code = FileCancelCode.Damaged }.ToArray()),
        ("trust", new TrustMessage { PublicKey = Sequence }.ToArray()),
        ("trust that is agreed", new TrustMessage { Flags = TrustFlags.Agreed, PublicKey = Sequence }.ToArray()),
        ("trust is revoked", default(TrustRevokedMessage).ToArray()),
        ("a login is approved", default(LoginApprovedMessage).ToArray()),
    ];

    /// <summary>Messages that break one rule each.</summary>
    public static readonly (string Name, string Hex, LinkFault Fault)[] Malformed =
    [
        ("no bytes", "", LinkFault.EmptyMessage),
        ("a type that does not exist", "00", LinkFault.UnknownType),
        ("a type between two that do", "08", LinkFault.UnknownType),
        ("the last type", "ff", LinkFault.UnknownType),
        ("a nonce of 31 bytes", "01" + string.Concat(Enumerable.Repeat("00", 31)), LinkFault.Truncated),
        ("a nonce of 33 bytes", "01" + string.Concat(Enumerable.Repeat("00", 33)), LinkFault.TrailingBytes),
        ("a confirmation that says more", "0300", LinkFault.TrailingBytes),
        ("a code above 255", "04800200", LinkFault.NumberOutOfRange),
        ("a code that ends early", "0480", LinkFault.Truncated),
        ("a reason of 256 bytes", "0400" + "8002" + string.Concat(Enumerable.Repeat("78", 256)), LinkFault.StringTooLong),
        ("a reason of 256 bytes that are not there", "0400" + "8002", LinkFault.StringTooLong),
        ("a reason with half a character", "040001c3", LinkFault.InvalidUtf8),
        ("a reason with a surrogate", "040003eda080", LinkFault.InvalidUtf8),
        ("a flag that hello does not know", "05040080080000", LinkFault.ReservedFlag),
        ("hello with chunks of 1023 bytes", "050000ff070000", LinkFault.NumberOutOfRange),
        ("a name of 65 bytes", "0500008008" + "41" + string.Concat(Enumerable.Repeat("78", 65)) + "00", LinkFault.StringTooLong),
        ("an integer that is not there", "06", LinkFault.Truncated),
        ("zero in two bytes", "068000", LinkFault.IntegerNotShortest),
        ("2^53", "06808080808080" + "8010", LinkFault.IntegerTooLarge),
        ("an integer of nine bytes", "06ffffffffffffffff01", LinkFault.IntegerTooLarge),
        ("a content of 49153 bytes", "10000000" + "818003", LinkFault.StringTooLong),
        ("an edit that ends early", "1100000000", LinkFault.Truncated),
        ("a want that says more", "1301", LinkFault.TrailingBytes),
        ("chat 0", "2000000000", LinkFault.NumberOutOfRange),
        ("a flag that chat does not know", "2001000200", LinkFault.ReservedFlag),
        ("chat 0 that was seen", "2100", LinkFault.NumberOutOfRange),
        ("a name of a file of 256 bytes", "30000080" + "02", LinkFault.StringTooLong),
        ("a media type of 128 bytes", "300000008001", LinkFault.StringTooLong),
        ("a chunk without an offset", "3207", LinkFault.Truncated),
        ("a hash of 31 bytes", "3407" + string.Concat(Enumerable.Repeat("00", 31)), LinkFault.Truncated),
        ("a public key of 64 bytes", "4000" + string.Concat(Enumerable.Repeat("04", 64)), LinkFault.Truncated),
        ("a flag that trust does not know", "4002" + string.Concat(Enumerable.Repeat("04", 65)), LinkFault.ReservedFlag),
    ];

    public static JsonObject Json() => new()
    {
        ["about"] = "Written by Tandem.Link.Tests (run it with TANDEM_WRITE_VECTORS=1). Bytes and payloads are hexadecimal.",
        ["messages"] = VectorFile.Array(Messages, vector =>
        {
            Assert.Equal(LinkFault.None, MessageText.Read(vector.Bytes, out JsonObject fields));
            return new JsonObject { ["name"] = vector.Name, ["message"] = ((MessageType)vector.Bytes[0]).ToString(), ["fields"] = fields, ["hex"] = VectorFile.Hex(vector.Bytes) };
        }),
        ["malformed"] = VectorFile.Array(Malformed, vector => new JsonObject { ["name"] = vector.Name, ["hex"] = vector.Hex, ["fault"] = vector.Fault.ToString() }),
    };

    private static byte[] Repeat(char letter, int count) => Encoding.ASCII.GetBytes(new string(letter, count));
}
