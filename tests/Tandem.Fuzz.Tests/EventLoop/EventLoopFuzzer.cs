using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Tandem.Fuzz.Tests.FrameStreams;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets;

namespace Tandem.Fuzz.Tests.EventLoop;

/// <summary>Streams, each for a connection of its own to the route; all of them are under way at once.</summary>
internal sealed record Batch(string Route, byte[][] Wires, int[][] Cuts);

/// <summary>
/// The event loop and the stream driver as echo servers over TCP, given the same bytes in the same pieces: the same frames come back, to the close frame's code
/// and reason.
/// </summary>
internal sealed class EventLoopFuzzer : Fuzzer<Batch>
{
    private const int BatchSize = 24;
    private const int MaxMessageSize = 66_000; // just above the largest form of length; the generator goes beyond

    private WebSocketServer? _server;

    protected override string Target => "eventloop";

    protected override long FairRun => 200;

    protected override IEnumerable<string> Expected => ["/whole", "/parts", "messages", "1000", "1002", "1007", "1009", "no close"];

    public async Task RunWithServerAsync()
    {
        var options = new WebSocketServerOptions { EndPoints = [new IPEndPoint(IPAddress.Loopback, 0)], MaxMessageSize = MaxMessageSize };
        await using var server = new WebSocketServer(options);
        server.Map(new WebSocketRoute("/whole", new Echo()));
        server.Map(new WebSocketRoute("/parts", new Echo()) { StreamMessagesAbove = 100 });
        server.Start();
        _server = server;
        await RunAsync();
        await Eventually.Equal(0, () => server.ConnectionCount, "ConnectionCount");
    }

    protected override Batch Create(Random random)
    {
        byte[][] wires = new byte[BatchSize][];
        int[][] cuts = new int[BatchSize][];
        for (int i = 0; i < BatchSize; i++)
        {
            wires[i] = new StreamGenerator(random, WebSocketRole.Server).Create();
            cuts[i] = random.Cut(wires[i].Length);
            // Every piece is a segment of TCP, at two ends.
            if (cuts[i].Length > 40) cuts[i] = [.. cuts[i][..40], cuts[i][40..].Sum()];
        }

        return new Batch(random.Next(3) == 0 ? "/parts" : "/whole", wires, cuts);
    }

    protected override async ValueTask<string?> Judge(Batch input)
    {
        string?[] differences = await Task.WhenAll(input.Wires.Select((wire, i) => CompareAsync(input.Route, wire, input.Cuts[i])));
        return differences.FirstOrDefault(difference => difference is not null);
    }

    protected override IEnumerable<Batch> Smaller(Batch input)
    {
        if (input.Wires.Length > 1)
        {
            for (int i = 0; i < input.Wires.Length; i++) yield return input with { Wires = [input.Wires[i]], Cuts = [input.Cuts[i]] };
            yield break;
        }

        if (input.Cuts[0].Length > 1) yield return input with { Cuts = [[input.Wires[0].Length]] };
        foreach (byte[] wire in Bytes.Smaller(input.Wires[0])) yield return input with { Wires = [wire], Cuts = [wire.Length == 0 ? [] : [wire.Length]] };
    }

    protected override string Describe(Batch input) =>
        $"{input.Route}\n  " + string.Join("\n  ", input.Wires.Select((wire, i) => $"pieces of {string.Join(",", input.Cuts[i])}: {Convert.ToHexString(wire)}"));

    private async Task<string?> CompareAsync(string route, byte[] wire, int[] cuts)
    {
        List<string> loop = await ThroughLoopAsync(route, wire, cuts);
        List<string> stream = await ThroughStreamAsync(wire, cuts);
        List<string> naive = Naive(wire);
        string close = loop.LastOrDefault(frame => frame.StartsWith("88", StringComparison.Ordinal)) ?? "";
        Count(close.Length >= 7 ? Convert.ToInt32(close[3..7], 16).ToString(System.Globalization.CultureInfo.InvariantCulture) : close.Length == 0 ? "no close" : "close without a code");
        Count(route);
        if (loop.Exists(frame => frame[0] == '8' && frame[1] is '1' or '2')) Count("messages");
        if (!Matches(loop, stream)) return $"event loop: {string.Join(" | ", loop)}\n    stream: {string.Join(" | ", stream)}\n     naive: {string.Join(" | ", naive)}";
        return loop.SequenceEqual(naive) ? null : $"both: {string.Join(" | ", loop)}\nnaive: {string.Join(" | ", naive)}";
    }

    /// <summary>
    /// Whether the stream driver sent the same. Of pings that come while it writes it may answer the latest alone (section 5.5.3), and whether it
    /// was writing when they came is chance: of pongs in a row only the last has to be there.
    /// </summary>
    private static bool Matches(List<string> loop, List<string> stream)
    {
        int left = stream.Count;
        for (int i = loop.Count - 1; i >= 0; i--)
        {
            if (left > 0 && stream[left - 1] == loop[i]) left--;
            else if (!IsPong(i) || !IsPong(i + 1)) return false;
        }

        return left == 0;

        bool IsPong(int i) => i < loop.Count && loop[i].StartsWith("8A", StringComparison.Ordinal);
    }

    /// <summary>What an echo server must answer: each message, each ping, and the close frame or the violation.</summary>
    private static List<string> Naive(byte[] wire)
    {
        NaiveReader naive = NaiveReader.Read(wire, WebSocketRole.Server, MaxMessageSize);
        var frames = new List<string>();
        foreach (NaiveEvent e in naive.Events)
        {
            if (e.Kind == "pong") continue;
            string first = e.Kind switch { "text" => "81", "binary" => "82", "ping" => "8A", _ => "88" };
            frames.Add($"{first} {Convert.ToHexString(e.Payload)}");
        }

        if (naive.Fault == ProtocolFault.None) return frames;
        int code = (int)naive.Fault.CloseStatus();
        frames.Add($"88 {code:X4}{Convert.ToHexString(System.Text.Encoding.ASCII.GetBytes(naive.Fault.Text()))}");
        return frames;
    }

    private async Task<List<string>> ThroughLoopAsync(string route, byte[] wire, int[] cuts)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(_server!.EndPoints[0]).InTime();
        await socket.SendAsync(Wire.Ascii(Wire.Request(route))).InTime();
        return await ExchangeAsync(socket, wire, cuts, hasHead: true);
    }

    private static async Task<List<string>> ThroughStreamAsync(byte[] wire, int[] cuts)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(listener.LocalEndPoint!).InTime();
        using Socket accepted = await listener.AcceptAsync().InTime();
        Task serve = StreamEcho.RunAsync(accepted, MaxMessageSize);
        List<string> frames = await ExchangeAsync(socket, wire, cuts, hasHead: false);
        await serve.InTime();
        return frames;
    }

    // Sends and receives at once, to the end.
    private static async Task<List<string>> ExchangeAsync(Socket socket, byte[] wire, int[] cuts, bool hasHead)
    {
        Task<byte[]> receive = ReceiveToEndAsync(socket);
        try
        {
            int at = 0;
            foreach (int size in cuts)
            {
                for (int end = at + size; at < end;) at += await socket.SendAsync(wire.AsMemory(at, end - at)).InTime();
            }

            socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The server has gone; what it said before is what counts.
        }

        byte[] bytes = await receive;
        int head = hasHead ? bytes.AsSpan().IndexOf("\r\n\r\n"u8) + 4 : 0;
        return SentFrames.Parse(bytes.AsSpan(head), masked: false);
    }

    private static async Task<byte[]> ReceiveToEndAsync(Socket socket)
    {
        var received = new ArrayBufferWriter<byte>();
        while (true)
        {
            int count = await socket.ReceiveAsync(received.GetMemory(4096)).InTime();
            if (count == 0) return received.WrittenSpan.ToArray();
            received.Advance(count);
        }
    }

    private sealed class Echo : WebSocketHandler
    {
        public override void OnUpgrade(in UpgradeRequest request, UpgradeContext context) => context.State = new ArrayBufferWriter<byte>();

        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => peer.Send(type, payload);

        public override void OnMessagePart(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> part, bool endOfMessage)
        {
            var message = (ArrayBufferWriter<byte>)peer.State!;
            message.Write(part);
            if (!endOfMessage) return;
            peer.Send(type, message.WrittenSpan);
            message.ResetWrittenCount();
        }
    }
}
