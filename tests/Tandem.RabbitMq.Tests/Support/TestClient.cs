using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;
using Tandem.WebSockets;

namespace Tandem.RabbitMq.Tests.Support;

/// <summary>A client over WebSockets that stays connected, to the port that it is told at each try.</summary>
internal sealed class TestClient : SessionClientEvents, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _ready = new(0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<long, TaskCompletionSource<SessionCode>> _replies = new();
    private readonly List<string> _log = [];
    private readonly SessionClient _client;
    private readonly Task _running;
    private Func<int> _port;
    private WebSocketConnection? _socket;
    private long _lostAt;

    public TestClient(Func<int> port)
    {
        _port = port;
        _client = new SessionClient(this, maxWaiting: 100_000);
        _running = Task.Run(RunAsync);
    }

    public TestClient(Node node)
        : this(() => node.Port)
    {
    }

    /// <summary>What it was told, in order: "event TOPIC TEXT", "gap TOPIC COUNT", "delivery MAILBOX TEXT", "redelivery MAILBOX TEXT", "closed MAILBOX CODE", "unsubscribed TOPIC CODE".</summary>
    public string[] Log
    {
        get
        {
            lock (_gate) return [.. _log];
        }
    }

    public bool IsOpen
    {
        get
        {
            lock (_gate) return _client.IsOpen;
        }
    }

    /// <summary>Takes nothing in while it is set.</summary>
    public bool IsDeaf { get; set; }

    /// <summary>Whether deliveries are settled as they come.</summary>
    public bool Settles { get; set; } = true;

    /// <summary>Called with each line of the log, on the client's thread.</summary>
    public Action<string>? Told { get; set; }

    /// <summary>From the loss of each connection to the first frame on the next.</summary>
    public ConcurrentBag<TimeSpan> Recoveries { get; } = [];

    public string[] Events(string topic) => Texts($"event {topic} ");

    public string[] Deliveries(string mailbox) => [.. Log.Where(line => line.Contains($"delivery {mailbox} ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2])];

    /// <summary>What a subscriber hopes not to be told.</summary>
    public string[] Complaints =>
        [.. Log.Where(line => line.StartsWith("gap ", StringComparison.Ordinal) || line.StartsWith("unsubscribed ", StringComparison.Ordinal))];

    /// <summary>Takes nothing in any more, once it has a session.</summary>
    public async Task DeafenAsync()
    {
        await Eventually.True(() => IsOpen, "the session is open");
        IsDeaf = true;
    }

    /// <summary>Loses its connection, and finds no node until it moves to one.</summary>
    public void Strand()
    {
        _port = () => throw new IOException("There is no node.");
        _socket?.Abort();
    }

    /// <summary>Leaves its connection as if it had broken, and connects to another node.</summary>
    public void MoveTo(Node node)
    {
        _port = () => node.Port;
        _socket?.Abort();
    }

    public Task<SessionCode> SubscribeAsync(string topic) => RequestAsync(client => client.Subscribe(topic));

    public Task<SessionCode> PublishAsync(string topic, string text) => RequestAsync(client => client.Publish(topic, Encoding.UTF8.GetBytes(text), MessageFlags.Text));

    public Task<SessionCode> SendAsync(string mailbox, string text) => RequestAsync(client => client.SendToMailbox(mailbox, Encoding.UTF8.GetBytes(text), MessageFlags.Text));

    public Task<SessionCode> OpenMailboxAsync(string mailbox, int prefetch = 32) => RequestAsync(client => client.OpenMailbox(mailbox, prefetch));

    public void Settle(string mailbox, long delivery)
    {
        lock (_gate) Assert.True(_client.Settle(mailbox, delivery));
    }

    public Task<SessionCode> CloseMailboxAsync(string mailbox) => RequestAsync(client => client.CloseMailbox(mailbox));

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync();
        _socket?.Abort();
        await _running;
    }

    protected override void OnReady() => _ready.Release();

    protected override void OnReply(long request, SessionCode status, string text) => _replies[request].TrySetResult(status);

    protected override void OnEvent(string topic, MessageFlags flags, string? key, ReadOnlySpan<byte> payload) => Note($"event {topic} {Encoding.UTF8.GetString(payload)}");

    protected override void OnGap(string topic, long missed) => Note($"gap {topic} {missed}");

    protected override void OnUnsubscribed(string topic, SessionCode code) => Note($"unsubscribed {topic} {code}");

    protected override void OnDelivery(string mailbox, long delivery, MessageFlags flags, ReadOnlySpan<byte> payload)
    {
        Note($"{((flags & MessageFlags.Redelivered) != 0 ? "redelivery" : "delivery")} {mailbox} {Encoding.UTF8.GetString(payload)}");
        if (Settles) _client.Settle(mailbox, delivery);
    }

    protected override void OnMailboxClosed(string mailbox, SessionCode code) => Note($"closed {mailbox} {code}");

    private string[] Texts(string start) => [.. Log.Where(line => line.StartsWith(start, StringComparison.Ordinal)).Select(line => line[start.Length..])];

    private void Note(string line)
    {
        _log.Add(line);
        Told?.Invoke(line);
    }

    private Task<SessionCode> RequestAsync(Func<SessionClient, long> request)
    {
        lock (_gate)
        {
            long number = request(_client);
            Assert.NotEqual(0, number);
            var reply = new TaskCompletionSource<SessionCode>(TaskCreationOptions.RunContinuationsAsynchronously);
            _replies[number] = reply;
            return reply.Task;
        }
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var uri = new Uri($"ws://127.0.0.1:{_port()}/session/websocket");
                using WebSocketConnection socket = await WebSocketClient.ConnectAsync(uri, new WebSocketClientOptions { Subprotocols = [ProtocolLimits.Subprotocol] }, _stop.Token);
                _socket = socket;
                if (_stop.IsCancellationRequested) return;
                lock (_gate) _client.Attach();
                using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                Task writing = WriteAsync(socket, end.Token);
                await ReadAsync(socket);
                await end.CancelAsync();
                await writing;
            }
            catch (Exception exception) when (IsOfTheConnection(exception))
            {
            }

            lock (_gate) _client.Detach();
            if (_lostAt == 0) _lostAt = Stopwatch.GetTimestamp();
            // The pace of its tries, with jitter, so that those of a dead node do not come all at once to the next.
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(Random.Shared.Next(5, 50)));
            await pace.WaitForNextTickAsync();
        }
    }

    private static bool IsOfTheConnection(Exception exception) =>
        exception is WebSocketException or SocketException or IOException or ObjectDisposedException or OperationCanceledException;

    private async Task ReadAsync(WebSocketConnection socket)
    {
        byte[] frame = new byte[256 * 1024];
        try
        {
            while (true)
            {
                int length = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await socket.ReceiveAsync(frame.AsMemory(length), _stop.Token);
                    length += part.Count;
                }
                while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close) return;
                if (IsDeaf)
                {
                    await Eventually.True(() => !IsDeaf || socket.State != WebSocketState.Open, "the client hears again or has lost its connection");
                    // What it has not taken in is gone with the connection.
                    if (socket.State != WebSocketState.Open) return;
                }

                lock (_gate) _client.Receive(frame.AsSpan(0, length));
                if (_lostAt != 0 && _client.IsOpen)
                {
                    Recoveries.Add(Stopwatch.GetElapsedTime(_lostAt));
                    _lostAt = 0;
                }
            }
        }
        catch (Exception exception) when (IsOfTheConnection(exception))
        {
        }
    }

    private async Task WriteAsync(WebSocketConnection socket, CancellationToken end)
    {
        List<ReadOnlyMemory<byte>> frames = [];
        try
        {
            while (true)
            {
                await _ready.WaitAsync(50, end);
                frames.Clear();
                lock (_gate)
                {
                    if (!_client.Tick()) socket.Abort();
                    while (_client.TryTake(out SharedFrame? frame, out _)) frames.Add(frame.Span.ToArray());
                }

                foreach (ReadOnlyMemory<byte> frame in frames) await socket.SendAsync(frame, WebSocketMessageType.Binary, true, end);
            }
        }
        catch (Exception exception) when (IsOfTheConnection(exception))
        {
            socket.Abort();
        }
    }
}
