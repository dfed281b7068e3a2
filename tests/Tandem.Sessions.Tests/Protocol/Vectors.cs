using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests.Protocol;

/// <summary>The vectors that C# and TypeScript share, and the file that has them.</summary>
internal static class Vectors
{
    private const long Max = ProtocolLimits.MaxInteger;
    private static readonly string Long255 = new('x', 255);
    private static readonly string Token = string.Concat(Enumerable.Repeat("AbCd-_0123456789", 3))[..43];

    /// <summary>Well-formed frames of every type: ordinary ones, least ones, and ones at their bounds.</summary>
    public static readonly (string Name, byte[] Bytes)[] Frames =
    [
        ("a new session", Bytes(new OpenFrame { Version = 1, Publisher = 0x0123456789abcdef })),
        ("resume", Bytes(new OpenFrame { Version = 1, Publisher = 0x0123456789abcdef, Received = 1, Token = Utf8(Token) })),
        ("open with a ticket", Bytes(new OpenFrame { Version = 1, Publisher = ulong.MaxValue, Received = 0, Ticket = Utf8("0123456789abcdefghijkl") })),
        ("open at its bounds", Bytes(new OpenFrame { Version = Max, Publisher = 1, Received = Max, Token = Utf8(Long255[..64]), Ticket = Utf8(Long255[..64]) })),
        ("opened", Bytes(Opened(OpenedFlags.None, 0))),
        ("resumed", Bytes(Opened(OpenedFlags.Resumed, 2))),
        ("ack of nothing", Bytes(new AckFrame())),
        ("ack of 127", Bytes(new AckFrame { Received = 127 })),
        ("ack of 128", Bytes(new AckFrame { Received = 128 })),
        ("ack of 2^32", Bytes(new AckFrame { Received = 1L << 32 })),
        ("ack of 2^53 - 1", Bytes(new AckFrame { Received = Max })),
        ("ping", Bytes(new PingFrame { Opaque = 300 })),
        ("pong", Bytes(new PongFrame { Opaque = 300 })),
        ("close", Bytes(new CloseFrame())),
        ("close with a reason", Bytes(new CloseFrame { Code = SessionCode.ProtocolError, Reason = Utf8("an integer is not in its shortest form") })),
        ("close with a code of a later version", Bytes(new CloseFrame { Code = (SessionCode)255, Reason = Utf8(Long255) })),
        ("subscribe", Bytes(new SubscribeFrame { Request = 1, Topic = Utf8("chat") })),
        ("subscribe with presence", Bytes(new SubscribeFrame { Request = 1, Flags = SubscribeFlags.Presence, Topic = Utf8("聊天") })),
        ("subscribe from a position", Bytes(new SubscribeFrame { Request = 200, Flags = SubscribeFlags.Recover, Topic = Utf8("chat"), Position = new([new(1234567890, 41), new(1, 0)]) })),
        ("subscribe from nothing", Bytes(new SubscribeFrame { Request = 200, Flags = SubscribeFlags.Recover | SubscribeFlags.Presence, Topic = Utf8("chat") })),
        ("subscribe at its bounds", Bytes(new SubscribeFrame { Request = Max, Flags = SubscribeFlags.Recover, Topic = Utf8(Long255), Position = new(MaxPositions()) })),
        ("unsubscribe", Bytes(new UnsubscribeFrame { Request = 3, TopicId = 7 })),
        ("publish", Bytes(new PublishFrame { Request = 2, Flags = MessageFlags.Text, Topic = Utf8("chat"), Payload = Utf8("hi") })),
        ("publish with a key", Bytes(new PublishFrame { Request = 2, Flags = MessageFlags.Text | MessageFlags.Key, Topic = Utf8("prices"), Key = Utf8("€"), Payload = Utf8("1.0825") })),
        ("publish once more", Bytes(new PublishFrame { Request = 2, Flags = MessageFlags.Text | MessageFlags.Redelivered, Topic = Utf8("chat"), Payload = Utf8("hi") })),
        ("publish nothing", Bytes(new PublishFrame { Request = 2, Topic = Utf8("x") })),
        ("mailbox send", Bytes(new MailboxSendFrame { Request = 4, Mailbox = Utf8("alice"), Payload = [0, 0xFF, 0x80] })),
        ("mailbox open", Bytes(new MailboxOpenFrame { Request = 5, Prefetch = 256, Mailbox = Utf8("alice") })),
        ("mailbox settle", Bytes(new MailboxSettleFrame { MailboxId = 1, Delivery = 129 })),
        ("mailbox close", Bytes(new MailboxCloseFrame { Request = 6, MailboxId = 1 })),
        ("client message", Bytes(new ClientMessageFrame { Flags = MessageFlags.Text, Payload = Utf8("Grüße") })),
        ("empty client message", Bytes(new ClientMessageFrame())),
        ("reply", Bytes(new ReplyFrame { Request = 2 })),
        ("reply with a text", Bytes(new ReplyFrame { Request = 2, Status = SessionCode.Busy, Text = Utf8("subscriber behind") })),
        ("subscribed", Bytes(new SubscribedFrame { Request = 1, TopicId = 7, Presence = 1, Position = new([new(1234567890, 41)]) })),
        ("subscribed and recovered", Bytes(new SubscribedFrame { Request = 1, TopicId = 7, Flags = SubscribedFlags.Recovered })),
        ("subscribed at its bounds", Bytes(new SubscribedFrame { Request = Max, TopicId = Max, Presence = Max, Position = new(MaxPositions()) })),
        ("event", Bytes(new EventFrame { TopicId = 7, Origin = 1234567890, Offset = 42, Flags = MessageFlags.Text, Payload = Utf8("hi") })),
        ("event with a key", Bytes(new EventFrame { TopicId = 7, Origin = uint.MaxValue, Offset = Max, Flags = MessageFlags.Key, Key = Utf8(Long255), Payload = [1, 2, 3] })),
        ("gap", Bytes(new GapFrame { TopicId = 7, Missed = 3, Position = new([new(1234567890, 45)]) })),
        ("gap of unknown size", Bytes(new GapFrame { TopicId = 7 })),
        ("presence", Bytes(new PresenceFrame { TopicId = 7, Count = 1000 })),
        ("mailbox opened", Bytes(new MailboxOpenedFrame { Request = 5, MailboxId = 1 })),
        ("delivery", Bytes(new DeliveryFrame { MailboxId = 1, Delivery = 1, Flags = MessageFlags.Text, Payload = Utf8("for you") })),
        ("redelivery", Bytes(new DeliveryFrame { MailboxId = 1, Delivery = 2, Flags = MessageFlags.Redelivered, Payload = [] })),
        ("mailbox closed", Bytes(new MailboxClosedFrame { MailboxId = 1, Code = SessionCode.TakenOver })),
        ("server message", Bytes(new ServerMessageFrame { Payload = [0xCA, 0xFE] })),
    ];

    /// <summary>Frames that break one rule each.</summary>
    public static readonly (string Name, string Hex, SessionFault Fault)[] Malformed =
    [
        ("no bytes", "", SessionFault.EmptyFrame),
        ("a type that does not exist", "00", SessionFault.UnknownType),
        ("a type after the last", "29", SessionFault.UnknownType),
        ("an integer that is not there", "03", SessionFault.Truncated),
        ("an integer that goes on", "0380", SessionFault.Truncated),
        ("zero in two bytes", "038000", SessionFault.IntegerNotShortest),
        ("one in two bytes", "038100", SessionFault.IntegerNotShortest),
        ("2^53", "0380808080808080" + "10", SessionFault.IntegerTooLarge),
        ("an integer of nine bytes", "03ffffffffffffffff01", SessionFault.IntegerTooLarge),
        ("an ack that goes on behind its end", "030000", SessionFault.TrailingBytes),
        ("a code above 255", "06800200", SessionFault.NumberOutOfRange),
        ("a request 0", "10000001" + "78", SessionFault.NumberOutOfRange),
        ("a topic of no bytes", "10010000", SessionFault.StringTooShort),
        ("a topic of 256 bytes", "1001008002" + string.Concat(Enumerable.Repeat("78", 256)), SessionFault.StringTooLong),
        ("a topic of 256 bytes that are not there", "1001008002", SessionFault.StringTooLong),
        ("a topic that ends early", "1001000478", SessionFault.Truncated),
        ("a topic with half a character", "10010001c3", SessionFault.InvalidUtf8),
        ("a topic with a surrogate", "10010003eda080", SessionFault.InvalidUtf8),
        ("a topic with an overlong character", "10010002c080", SessionFault.InvalidUtf8),
        ("a topic with a line break", "10010003610a62", SessionFault.ControlCharacterInName),
        ("a topic with a DEL", "100100017f", SessionFault.ControlCharacterInName),
        ("a flag that subscribe does not know", "10010401" + "78", SessionFault.ReservedFlag),
        ("a flag that publish does not know", "12010801" + "78", SessionFault.ReservedFlag),
        ("a flag in open", "0101010123456789abcdef000000", SessionFault.ReservedFlag),
        ("a publisher of seven bytes", "0101000123456789abcd", SessionFault.Truncated),
        ("an empty key", "1201020178" + "00", SessionFault.StringTooShort),
        ("65 origins", "1001010178" + "41" + string.Concat(Enumerable.Range(1, 65).Select(origin => $"{origin:x2}00")), SessionFault.TooManyPositions),
        ("the same origin twice", "1001010178" + "02" + "0501" + "0502", SessionFault.RepeatedOrigin),
        ("origin 0", "1001010178" + "01" + "0001", SessionFault.NumberOutOfRange),
        ("origin 2^32", "1001010178" + "01" + "8080808010" + "01", SessionFault.NumberOutOfRange),
        ("a position that ends early", "1001010178" + "02" + "0501", SessionFault.Truncated),
        ("prefetch 0", "14010001" + "78", SessionFault.NumberOutOfRange),
        ("prefetch 257", "140181020178", SessionFault.NumberOutOfRange),
        ("a heartbeat of 0", "0200016101620001" + "00" + "8010" + "01", SessionFault.NumberOutOfRange),
        ("a redelivered event", "2207010104", SessionFault.ReservedFlag),
        ("a delivery with a key", "2601010200", SessionFault.ReservedFlag),
        ("offset 0 of an event", "2207010000", SessionFault.NumberOutOfRange),
    ];

    /// <summary>Bodies of HTTP carriers.</summary>
    public static readonly (string Name, long First, byte[][] Frames)[] Bodies =
    [
        ("nothing", 0, []),
        ("an ack", 0, [Bytes(new AckFrame { Received = 3 })]),
        ("a publish, which is frame 2", 2, [Bytes(new PublishFrame { Request = 2, Flags = MessageFlags.Text, Topic = Utf8("chat"), Payload = Utf8("hi") })]),
        ("link frames between reliable ones", 300, [Bytes(new PingFrame { Opaque = 1 }), Bytes(new ClientMessageFrame()), Bytes(new AckFrame { Received = 9 }), Bytes(new ClientMessageFrame { Payload = new byte[200] })]),
    ];

    /// <summary>Bodies that break a rule, with a bound of 2048 bytes for a frame.</summary>
    public static readonly (string Name, string Hex, SessionFault Fault)[] MalformedBodies =
    [
        ("not even a number", "", SessionFault.Truncated),
        ("a frame of no bytes", "0000", SessionFault.EmptyFrame),
        ("a frame that ends early", "000303", SessionFault.Truncated),
        ("a length that ends early", "0080", SessionFault.Truncated),
        ("a frame above the bound", "00811000", SessionFault.FrameTooLarge),
        ("a length above every bound", "00ffffffffffffff0f", SessionFault.FrameTooLarge),
    ];

    public static string Path { get; } = System.IO.Path.Combine(Root(), "tests", "vectors", "session-frames.json");

    public static byte[] Body(long first, byte[][] frames)
    {
        byte[] body = new byte[8 + frames.Sum(frame => FrameBody.LengthOf(frame))];
        int length = FrameBody.WriteFirst(first, body);
        foreach (byte[] frame in frames) length += FrameBody.WriteFrame(frame, body.AsSpan(length));
        return body[..length];
    }

    /// <summary>The text of the file.</summary>
    public static string Json()
    {
        var file = new JsonObject
        {
            ["about"] = "Written by Tandem.Sessions.Tests (run it with TANDEM_WRITE_VECTORS=1). Payloads and publishers are hexadecimal; bodies have frames of at most 2048 bytes.",
            ["frames"] = Array(Frames, vector =>
            {
                Assert.Equal(SessionFault.None, FrameText.Read(vector.Bytes, out JsonObject fields));
                return new JsonObject
                {
                    ["name"] = vector.Name, ["frame"] = ((FrameType)vector.Bytes[0]).ToString(), ["fields"] = fields, ["hex"] = Convert.ToHexStringLower(vector.Bytes),
                };
            }),
            ["malformed"] = Array(Malformed, vector => new JsonObject { ["name"] = vector.Name, ["hex"] = vector.Hex, ["fault"] = vector.Fault.ToString() }),
            ["bodies"] = Array(Bodies, vector => new JsonObject
            {
                ["name"] = vector.Name, ["first"] = vector.First, ["frames"] = Array(vector.Frames, frame => Convert.ToHexStringLower(frame)),
                ["hex"] = Convert.ToHexStringLower(Body(vector.First, vector.Frames)),
            }),
            ["malformedBodies"] = Array(MalformedBodies, vector => new JsonObject { ["name"] = vector.Name, ["hex"] = vector.Hex, ["fault"] = vector.Fault.ToString() }),
        };
        var options = new JsonSerializerOptions { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        return file.ToJsonString(options) + "\n";
    }

    private static JsonArray Array<T>(IEnumerable<T> items, Func<T, JsonNode> node) => [.. items.Select(node)];

    private static OpenedFrame Opened(OpenedFlags flags, long received) => new()
    {
        Flags = flags, Session = Utf8(Token[..22]), Token = Utf8(Token), Received = received, TimeToLive = 60, Heartbeat = 25, MaxFrame = 131072, MaxRequests = 256,
    };

    private static TopicPosition[] MaxPositions() => [.. Enumerable.Range(0, 64).Select(i => new TopicPosition(uint.MaxValue - (uint)i, Max))];

    private static byte[] Utf8(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static string Root()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(System.IO.Path.Combine(directory, "Tandem.slnx"))) directory = System.IO.Path.GetDirectoryName(directory)!;
        return directory;
    }

    private static byte[] Bytes(OpenFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(OpenedFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(AckFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(PingFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(PongFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(CloseFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(SubscribeFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(UnsubscribeFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(PublishFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(MailboxSendFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(MailboxOpenFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(MailboxSettleFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(MailboxCloseFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(ClientMessageFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(ReplyFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(SubscribedFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(EventFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(GapFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(PresenceFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(MailboxOpenedFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(DeliveryFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(MailboxClosedFrame frame) => frame.ToShared().Span.ToArray();

    private static byte[] Bytes(ServerMessageFrame frame) => frame.ToShared().Span.ToArray();
}
