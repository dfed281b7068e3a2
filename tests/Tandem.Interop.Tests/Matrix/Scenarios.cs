using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.Interop.Tests.Matrix;

/// <summary>What each scenario is. The peer does the same in all of them: it echoes and obeys.</summary>
internal static class Scenarios
{
    /// <summary>The subprotocol that every peer's server supports.</summary>
    public const string Subprotocol = "tandem.test";

    /// <summary>The smaller window that is asked for: 1 KiB.</summary>
    public const int WindowBits = 10;

    private const string Reason = "bye, 再见";

    // 1 MiB of the kind that compression is for: alike, but not the same.
    private static readonly byte[] Json = MakeJson(1024 * 1024);

    public static Task RunAsync(Peer peer, Direction direction, Scenario scenario)
    {
        var run = new Run(peer, direction);
        return scenario switch
        {
            Scenario.Text => run.EchoAsync(WebSocketMessageType.Text, [.. TextMessages.Select(Encoding.UTF8.GetBytes)]),
            Scenario.Binary => run.EchoAsync(WebSocketMessageType.Binary, [.. ((int[])[1, 125, 126, 65_535, 65_536]).Select(length => Wire.Noise(length))]),
            Scenario.Empty => run.EmptyAsync(),
            Scenario.OneMiB => run.EchoAsync(WebSocketMessageType.Binary, [Wire.Noise(1 << 20)]),
            Scenario.SixteenMiB => run.EchoAsync(WebSocketMessageType.Binary, [Wire.Noise(16 << 20)]),
            Scenario.FragmentsFromUs => run.FragmentsFromUsAsync(),
            Scenario.FragmentsFromPeer => run.FragmentsFromPeerAsync(),
            Scenario.PingFromUs => run.PingFromUsAsync(),
            Scenario.PingFromPeer => run.PingFromPeerAsync(),
            Scenario.Subprotocol => run.SubprotocolAsync(),
            Scenario.Burst => run.BurstAsync(),
            Scenario.CloseFromUs => run.CloseFromUsAsync([1000, 1001, 3000, 4999]),
            Scenario.CloseFromUsWithoutCode => run.CloseFromUsAsync([1005]),
            Scenario.CloseFromPeer => run.CloseFromPeerAsync([1000, 3000, 4999]),
            Scenario.CloseFromPeer1001 => run.CloseFromPeerAsync([1001]),
            Scenario.CloseFromPeerWithoutCode => run.CloseFromPeerAsync([1005]),
            Scenario.NoDeflate => run.NoDeflateAsync(),
            Scenario.Deflate => run.DeflateAsync(new DeflateOptions(), Profile.Deflate, []),
            Scenario.NoContextAskedByUs => run.DeflateAsync(
                new DeflateOptions { ServerNoContextTakeover = true, ClientNoContextTakeover = true }, Profile.Deflate, ["server_no_context_takeover"]),
            Scenario.NoContextAskedByPeer => run.DeflateAsync(new DeflateOptions(), Profile.NoContext, peer.Asks(direction, Profile.NoContext)),
            Scenario.WindowsAskedByUs => run.DeflateAsync(
                new DeflateOptions { ServerMaxWindowBits = WindowBits, ClientMaxWindowBits = WindowBits }, Profile.Deflate, [$"server_max_window_bits={WindowBits}"]),
            Scenario.WindowsAskedByPeer => run.DeflateAsync(new DeflateOptions(), Profile.Window, peer.Asks(direction, Profile.Window)),
            _ => throw new ArgumentOutOfRangeException(nameof(scenario)),
        };
    }

    private static readonly string[] TextMessages = ["Hello", "a", "Grüße, 您好, 𝄞", new string('é', 63), new string('€', 30_000)];

    private static byte[] MakeJson(int length)
    {
        var random = new Random(1);
        var json = new StringBuilder("[");
        while (json.Length < length) json.Append(CultureInfo.InvariantCulture, $"{{\"id\":{json.Length},\"value\":{random.Next()},\"name\":\"sensor {random.Next(100)}\"}},");
        json.Length = length - 1;
        return Encoding.UTF8.GetBytes(json.Append(']').ToString());
    }

    private sealed class Run(Peer peer, Direction direction)
    {
        public async Task EchoAsync(WebSocketMessageType type, byte[][] messages)
        {
            await using Link link = await OpenAsync();
            foreach (byte[] message in messages) await link.EchoAsync(type, message);
            await link.FinishAsync();
        }

        public async Task EmptyAsync()
        {
            await using Link link = await OpenAsync();
            await link.EchoAsync(WebSocketMessageType.Text, []);
            await link.EchoAsync(WebSocketMessageType.Binary, []);
            await link.FinishAsync();
        }

        // RFC 6455 section 5.4, with a code point cut in two and an empty fragment.
        public async Task FragmentsFromUsAsync()
        {
            await using Link link = await OpenAsync();
            byte[] text = Encoding.UTF8.GetBytes("one, zwö, 三");
            await link.Ours.SendAsync(WebSocketMessageType.Text, text.AsMemory(0, 8), endOfMessage: false);
            await link.Ours.SendAsync(WebSocketMessageType.Text, default, endOfMessage: false);
            await link.Ours.SendAsync(WebSocketMessageType.Text, text.AsMemory(8));
            await link.ExpectAsync(WebSocketMessageType.Text, text);
            Assert.Equal([false, false, true], link.FromUs.DataFrames.Select(frame => frame.Header.Fin));
            await link.FinishAsync();
        }

        public async Task FragmentsFromPeerAsync()
        {
            await using Link link = await OpenAsync();
            await link.Ours.SendAsync("!fragments");
            await link.ExpectAsync(WebSocketMessageType.Text, Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("0123456789", 3000))));
            TappedFrame[] frames = link.FromPeer.DataFrames;
            Assert.True(frames.Length >= 2, "The peer sent no fragments.");
            Assert.All(frames.Skip(1), frame => Assert.Equal(Opcode.Continuation, frame.Opcode));
            await link.FinishAsync();
        }

        // Section 5.5.2: whoever gets a ping must answer it, with the same payload (5.5.3).
        public async Task PingFromUsAsync()
        {
            await using Link link = await OpenAsync();
            await link.Ours.PingAsync();
            await link.EchoAsync(WebSocketMessageType.Text, "x"u8.ToArray());
            await link.FinishAsync();
        }

        public async Task PingFromPeerAsync()
        {
            await using Link link = await OpenAsync();
            await link.Ours.SendAsync("!ping");
            await Eventually.True(() => link.FromPeer.Frames.Any(frame => frame.Opcode == Opcode.Ping), "a ping");
            TappedFrame ping = link.FromPeer.Frames.First(frame => frame.Opcode == Opcode.Ping);
            await Eventually.True(() => link.FromUs.Frames.Any(frame => frame.Opcode == Opcode.Pong && frame.Text == ping.Text), "its pong");
            await link.EchoAsync(WebSocketMessageType.Text, "x"u8.ToArray());
            await link.FinishAsync();
        }

        public async Task SubprotocolAsync()
        {
            await using Link link = await OpenAsync(options => options with
            {
                OurSubprotocols = direction == Direction.Client ? ["other", Subprotocol] : [Subprotocol],
                PeerSubprotocols = ["other", Subprotocol],
            });
            Assert.Equal(Subprotocol, link.Ours.Subprotocol);
            await link.EchoAsync(WebSocketMessageType.Text, "x"u8.ToArray());
            PeerReport report = await link.FinishAsync();
            Assert.Equal(Subprotocol, report.Protocol);
        }

        public async Task BurstAsync()
        {
            await using Link link = await OpenAsync();
            byte[][] messages = [.. Enumerable.Range(0, 1000).Select(i => Encoding.UTF8.GetBytes($"message {i}"))];
            foreach (byte[] message in messages) await link.Ours.SendAsync(WebSocketMessageType.Text, message);
            foreach (byte[] message in messages) await link.ExpectAsync(WebSocketMessageType.Text, message);
            await link.FinishAsync();
        }

        // Section 5.5.1: a close frame is answered with one; and the peer's application learns code and reason.
        public async Task CloseFromUsAsync(int[] codes)
        {
            foreach (int code in codes)
            {
                await using Link link = await OpenAsync();
                await link.Ours.CloseAsync((WebSocketCloseStatus)code, code == 1005 ? null : Reason);
                CloseCause cause = await link.Ours.ReceiveEndAsync();
                Assert.Equal((CloseInitiator.Local, code), (cause.Initiator, (int)cause.Status));
                PeerReport report = await link.ReportAsync();
                Assert.Equal((code == 1005 ? peer.Card.CodeForNone : code, code == 1005 ? "" : Reason), (report.Code, report.Reason ?? ""));
                Assert.Single(link.FromPeer.Frames, frame => frame.Opcode == Opcode.Close);
            }
        }

        public async Task CloseFromPeerAsync(int[] codes)
        {
            foreach (int code in codes)
            {
                await using Link link = await OpenAsync();
                await link.Ours.SendAsync(code == 1005 ? "!close" : $"!close {code} {Reason}");
                CloseCause cause = await link.Ours.ReceiveEndAsync();
                Assert.Equal((CloseInitiator.Peer, code, code == 1005 ? "" : Reason), (cause.Initiator, (int)cause.Status, cause.Reason));
                await Eventually.True(() => link.FromUs.Frames.Any(frame => frame.Opcode == Opcode.Close), "our answer to the close frame");
                await link.ReportAsync();
            }
        }

        // Each end without it in turn. Nothing of it may then be on the wire.
        public async Task NoDeflateAsync()
        {
            await UncompressedAsync(options => options with { Deflate = null, PeerProfile = Profile.Deflate });
            if (peer.Card.CanBePlain) await UncompressedAsync(options => options with { Deflate = new DeflateOptions(), PeerProfile = Profile.Plain });
        }

        public async Task DeflateAsync(DeflateOptions ours, Profile profile, string[] answered)
        {
            await using Link link = await OpenAsync(options => options with { Deflate = ours, PeerProfile = profile });
            Assert.StartsWith("permessage-deflate", link.Tap.Extensions, StringComparison.Ordinal);
            Assert.All(answered, parameter => Assert.Contains(parameter, link.Tap.Extensions!.Split(';', StringSplitOptions.TrimEntries)));
            // Twice: the second one refers to the first where contexts are kept.
            for (int i = 0; i < 2; i++) await link.EchoAsync(WebSocketMessageType.Text, Json);
            AssertCompressed(link.FromUs, true);
            AssertCompressed(link.FromPeer, peer.Card.Compresses);
            await link.FinishAsync();
        }

        private async Task UncompressedAsync(Func<LinkOptions, LinkOptions> configure)
        {
            await using Link link = await OpenAsync(configure);
            Assert.Null(link.Tap.Extensions);
            await link.EchoAsync(WebSocketMessageType.Text, Json);
            AssertCompressed(link.FromUs, false);
            AssertCompressed(link.FromPeer, false);
            await link.FinishAsync();
        }

        // RFC 7692 section 6: RSV1 marks the first frame of a compressed message; and it must have become smaller.
        private static void AssertCompressed(Tape tape, bool compressed)
        {
            TappedFrame[] frames = tape.DataFrames;
            Assert.All(frames.Where(frame => frame.Opcode != Opcode.Continuation), frame => Assert.Equal(compressed, frame.Header.Rsv1));
            long average = frames.Sum(frame => frame.Header.PayloadLength) / frames.Count(frame => frame.Opcode != Opcode.Continuation);
            Assert.Equal(compressed, average < Json.Length / 2);
        }

        // Compression is on in no scenario but those about it, so that what is on the wire is what was sent.
        private Task<Link> OpenAsync(Func<LinkOptions, LinkOptions>? configure = null)
        {
            var options = new LinkOptions { PeerProfile = peer.Card.CanBePlain ? Profile.Plain : Profile.Deflate };
            return Link.OpenAsync(peer, direction, configure is null ? options : configure(options));
        }
    }
}
