using System.Text;
using Tandem.Protocol.Handshake;

namespace Tandem.Fuzz.Tests.Handshake;

/// <summary>Answers as a client judges them, against a naive parser.</summary>
internal sealed class ResponseFuzzer : Fuzzer<byte[]>
{
    private static readonly string[] Extensions = ["permessage-deflate"];
    private static readonly string[] Protocols = ["chat", "mqtt"];

    protected override string Target => "responses";

    // All but the one that only negotiation can find, which is a target of its own.
    protected override IEnumerable<string> Expected => Enum.GetValues<ClientHandshakeFault>().Except([ClientHandshakeFault.InvalidDeflateAnswer]).Select(fault => fault.ToString());

    protected override byte[] Create(Random random) => new HeadGenerator(random).Response(NaiveHead.AcceptOf(Wire.Key));

    protected override ValueTask<string?> Judge(byte[] input)
    {
        NaiveHead naive = NaiveHead.Parse(input);
        HttpHeadStatus status = HttpHead.Parse(input, out HttpHead head);
        NaiveVerdict verdict = status switch { HttpHeadStatus.Complete => NaiveVerdict.WellFormed, HttpHeadStatus.NeedMoreData => NaiveVerdict.NeedsMore, _ => NaiveVerdict.Refused };
        if (verdict != naive.Verdict) return new($"{status} instead of {naive.Verdict}");
        if (status != HttpHeadStatus.Complete) return default;
        ClientHandshakeFault fault = ClientHandshake.Judge(in head, Encoding.ASCII.GetBytes(Wire.Key), Protocols, Extensions, out string? protocol);
        Count(fault.ToString());
        bool accepted = naive.IsAccepted(Wire.Key, Protocols, Extensions, out string? expected);
        if (accepted != (fault == ClientHandshakeFault.None)) return new($"{fault}; the naive parser says {(accepted ? "accepted" : "refused")}");
        return new(accepted && protocol != expected ? $"subprotocol {protocol} instead of {expected}" : null);
    }

    protected override IEnumerable<byte[]> Smaller(byte[] input) => Bytes.Smaller(input);

    protected override string Describe(byte[] input) => $"{Encoding.Latin1.GetString(input)}\n  {Convert.ToHexString(input)}";
}
