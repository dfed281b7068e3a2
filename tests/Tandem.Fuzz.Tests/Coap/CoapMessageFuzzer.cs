using System.Text;
using Tandem.Coap;

namespace Tandem.Fuzz.Tests.Coap;

/// <summary>The reader of CoAP messages against a naive one; what it reads is written as it was.</summary>
internal sealed class CoapMessageFuzzer : Fuzzer<byte[]>
{
    protected override string Target => "coap";

    // Not the option numbers above 65,535 and the 65th option, which take more luck than a run of a few seconds has.
    protected override IEnumerable<string> Expected =>
        ["None", "TooShort", "UnknownVersion", "ReservedTokenLength", "EmptyWithContent", "ReservedCodeClass", "AcknowledgedRequest", "ReservedOptionDelta", "ReservedOptionLength", "TruncatedOption", "EmptyPayload"];

    protected override byte[] Create(Random random) => CoapGenerator.Datagram(random);

    protected override ValueTask<string?> Judge(byte[] input)
    {
        string? expected = NaiveCoap.Read(input);
        bool isMessage = CoapMessage.TryParse(input, out CoapMessage? message, out CoapFault fault);
        Count(fault.ToString());
        if (isMessage != (fault == CoapFault.None)) return new($"it is a message: {isMessage}, and its fault is {fault}");
        string? actual = isMessage ? Describe(message!) : null;
        if (actual != expected) return new($"{actual ?? fault.ToString()}\ninstead of\n{expected ?? "no message"}");
        // There is one way to write each message.
        return new(isMessage && !message!.ToArray().AsSpan().SequenceEqual(input) ? $"it is written as {Convert.ToHexString(message.ToArray())}" : null);
    }

    protected override IEnumerable<byte[]> Smaller(byte[] input) => Bytes.Smaller(input);

    protected override string Describe(byte[] input) => Convert.ToHexString(input);

    private static string Describe(CoapMessage message)
    {
        var text = new StringBuilder($"{(int)message.Type} {message.Code.Value} {message.MessageId} {message.Token}");
        foreach (CoapOption option in message.Options) text.Append($" {(int)option.Number}={Convert.ToHexString(option.Value.Span)}");
        return text.Append(" : ").Append(Convert.ToHexString(message.Payload.Span)).ToString();
    }
}
