using Tandem.Protocol.Handshake;
using static Tandem.Protocol.Tests.Handshake.HandshakeText;

namespace Tandem.Protocol.Tests.Handshake;

/// <summary>RFC 6455 section 4: what this client asks this server answers, and this client accepts. And neither end throws at random bytes.</summary>
public sealed class HandshakeRoundTripTests
{
    [Theory]
    [InlineData("/", "h", "", "v1", null)]
    [InlineData("/chat?x=1", "example.com:8080", "v1", "v1", "v1")]
    [InlineData("/a/b", "[::1]:80", "v3 v2 v1", "v1 v2", "v2")]
    [InlineData("/", "h", "v3", "v1 v2", null)]
    public void What_a_client_asks_a_server_answers_and_the_client_accepts(string target, string host, string offered, string supported, string? expected)
    {
        string[] offers = offered.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var random = new Random(4);
        for (int i = 0; i < 100; i++)
        {
            byte[] nonce = new byte[16];
            random.NextBytes(nonce);
            byte[] key = new byte[AcceptKey.KeyLength];
            ClientHandshake.EncodeKey(nonce, key);
            byte[] wire = new byte[1000];
            int asked = ClientHandshake.WriteRequest(wire, target, host, key, offers, "permessage-deflate; client_max_window_bits", [new("Origin", "http://o")]);

            UpgradeRequest request = Accepted(Text(wire.AsSpan(0, asked)));
            Assert.Equal((asked, target, host, "http://o"), (request.Head.Length, Text(request.Target), Text(request.Host), Text(request.Origin)));
            byte[] answer = new byte[1000];
            int answered = ServerHandshake.WriteAccepted(answer, in request, request.SelectSubprotocol(supported.Split(' ')), extensions: null, [new("X", "y")]);

            for (int cut = 0; cut < answered; cut++) Assert.Equal(HttpHeadStatus.NeedMoreData, HttpHead.Parse(answer.AsSpan(0, cut), out _));
            Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(answer.AsSpan(0, answered), out HttpHead head));
            Assert.Equal(answered, head.Length);
            Assert.Equal(ClientHandshakeFault.None, ClientHandshake.Judge(in head, key, offers, ["permessage-deflate"], out string? subprotocol));
            Assert.Equal(expected, subprotocol);

            key[0] = key[0] == (byte)'A' ? (byte)'B' : (byte)'A';
            Assert.Equal(ClientHandshakeFault.WrongAccept, ClientHandshake.Judge(in head, key, offers, [], out _));
        }
    }

    [Fact]
    public void Section_4_1_a_client_is_told_the_status_of_every_refusal()
    {
        foreach (HandshakeRefusal refusal in Enum.GetValues<HandshakeRefusal>().Where(refusal => refusal != HandshakeRefusal.None))
        {
            byte[] answer = new byte[512];
            int written = HandshakeRefusals.Write(answer, refusal);
            Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(answer.AsSpan(0, written), out HttpHead head));
            Assert.Equal(ClientHandshakeFault.UnexpectedStatus, ClientHandshake.Judge(in head, "dGhlIHNhbXBsZSBub25jZQ=="u8, [], [], out _));
        }
    }

    [Fact]
    public void Mutated_handshakes_never_throw_on_either_side()
    {
        byte[] interesting = "\r\n\0 \t:,;=\"\\/?#@A\u007F"u8.ToArray();
        for (int seed = 0; seed < 10_000; seed++)
        {
            var random = new Random(seed);
            var bytes = new List<byte>(Bytes(random.Next(2) == 0 ? Example : ExampleAnswer));
            for (int i = random.Next(1, 5); i > 0; i--)
            {
                int at = random.Next(bytes.Count);
                byte b = random.Next(3) == 0 ? (byte)random.Next(256) : interesting[random.Next(interesting.Length)];
                switch (random.Next(4))
                {
                    case 0:
                        bytes.Insert(at, b);
                        break;
                    case 1:
                        bytes.RemoveAt(at);
                        break;
                    case 2:
                        // Repeat a part, a line perhaps.
                        bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(60), bytes.Count - at)));
                        break;
                    default:
                        bytes[at] = b;
                        break;
                }
            }

            try
            {
                Use([.. bytes]);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}: {e}");
            }
        }
    }

    private static void Use(byte[] bytes)
    {
        if (UpgradeRequest.Parse(bytes, out UpgradeRequest request, out HandshakeRefusal refusal) && refusal == HandshakeRefusal.None)
        {
            refusal = request.Judge();
            _ = request.GetCookie("a") ?? request.GetQuery("a") ?? request.GetHeader("Origin") ?? request.SelectSubprotocol(["superchat"]);
            if (refusal == HandshakeRefusal.None) Assert.InRange(ServerHandshake.WriteAccepted(new byte[300], in request, null), 100, 300);
        }

        if (HttpHead.Parse(bytes, out HttpHead head) == HttpHeadStatus.Complete)
        {
            Assert.InRange(head.Length, 4, bytes.Length);
            ClientHandshake.Judge(in head, "dGhlIHNhbXBsZSBub25jZQ=="u8, ["chat"], [], out _);
        }
    }
}
