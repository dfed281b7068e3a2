using System.Net.WebSockets;
using Tandem.Cli.Bench;
using Tandem.WebSockets;

namespace Tandem.Benchmarks;

/// <summary>
/// Mode client: what a client costs. Connections that each have some messages in flight, await an echo and send the next, by <see cref="WebSocketClient"/> or by the BCL's
/// <see cref="ClientWebSocket"/>: both are a <see cref="WebSocket"/>, so the code that uses them is the same. The figure is per second of this process.
/// </summary>
internal sealed class ClientLoad(LoadOptions options, bool bcl)
{
    private long _messages;
    private volatile bool _ends;

    public Result Run() => RunAsync().GetAwaiter().GetResult();

    private async Task<Result> RunAsync()
    {
        var uri = new Uri($"ws://127.0.0.1:{options.Port}{options.Path}");
        var sockets = new List<WebSocket>();
        for (int i = 0; i < options.Connections; i++) sockets.Add(await ConnectAsync(uri));
        Task[] loads = [.. sockets.Select(EchoAsync)];
        await Task.Delay(TimeSpan.FromSeconds(options.WarmUp));
        long before = Interlocked.Read(ref _messages);
        var meter = new Meter(null);
        await Task.WhenAny([Task.Delay(TimeSpan.FromSeconds(options.Seconds)), .. loads]); // one that ends has failed
        Spending spent = meter.Stop(null);
        long count = Interlocked.Read(ref _messages) - before;
        _ends = true;
        await Task.WhenAll(loads);
        sockets.ForEach(socket => socket.Dispose());

        var result = new Result("client");
        result.Add("connections", options.Connections);
        result.Add("size", options.Size);
        result.Add("in_flight", options.Burst);
        result.Add("seconds", spent.Seconds);
        result.Add("per_s", count / spent.Seconds);
        result.Add("per_cpu_s", count / Math.Max(spent.GeneratorCpu, 0.01));
        result.Add("client_cpu_pct", spent.GeneratorCpu / spent.Seconds * 100);
        return result;
    }

    private async Task<WebSocket> ConnectAsync(Uri uri)
    {
        if (!bcl) return await WebSocketClient.ConnectAsync(uri, new WebSocketClientOptions());
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(uri, CancellationToken.None);
        return socket;
    }

    private async Task EchoAsync(WebSocket socket)
    {
        byte[] message = new byte[options.Size];
        byte[] back = new byte[Math.Max(4096, options.Size)];
        Random.Shared.NextBytes(message);
        for (int i = 1; i < options.Burst; i++) await SendAsync();
        while (!_ends)
        {
            await SendAsync();
            int length = 0;
            ValueWebSocketReceiveResult received;
            do
            {
                received = await socket.ReceiveAsync(back.AsMemory(length), CancellationToken.None);
                length += received.Count;
            }
            while (!received.EndOfMessage);
            if (!back.AsSpan(0, length).SequenceEqual(message)) throw new BenchException("an echo is not what was sent");
            Interlocked.Increment(ref _messages);
        }

        ValueTask SendAsync() => socket.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
    }
}
