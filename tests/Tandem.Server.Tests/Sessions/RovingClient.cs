using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.WebSockets;
using System.Text;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;
using Tandem.WebSockets;

namespace Tandem.Server.Tests.Sessions;

public enum CarrierKind
{
    WebSocket,
    Streaming,
    LongPolling,
    Polling,
}

/// <summary>
/// A client written from docs/session-protocol.md, for all four carriers: the client's half of sessions, driven as a page would. Changing carriers drops the
/// present one wherever it is.
/// </summary>
internal sealed class RovingClient : SessionClientEvents, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly HttpClient _http;
    private readonly Uri _base;
    private readonly Version _version;
    private readonly SessionClient _client;
    private readonly SemaphoreSlim _wake = new(0);
    private CancellationTokenSource _carrier = new();
    private Task _running = Task.CompletedTask;

    public RovingClient(SessionSite site)
        : this(site.Base)
    {
    }

    /// <param name="baseUri">Where the sessions are mapped, with a slash at its end.</param>
    /// <param name="version">The version of HTTP; null for 1.1.</param>
    public RovingClient(Uri baseUri, Version? version = null)
    {
        _base = baseUri;
        var tls = new SslClientAuthenticationOptions();
        Certificates.Trust(tls);
        _http = new HttpClient(new SocketsHttpHandler { UseCookies = false, PooledConnectionLifetime = TimeSpan.FromSeconds(1), SslOptions = tls });
        _version = version ?? HttpVersion.Version11;
        _client = new SessionClient(this, maxWaiting: 100_000);
    }

    /// <summary>Everything but replies, in its order.</summary>
    public List<string> Log { get; } = [];

    public Dictionary<long, SessionCode> Replies { get; } = [];

    public int Resumed { get; private set; }

    /// <summary>What went wrong on carriers that were not dropped.</summary>
    public List<string> Problems { get; } = [];

    public T With<T>(Func<SessionClient, T> act)
    {
        lock (_gate) return act(_client);
    }

    public Task Logged(string line) =>
        Eventually.True(() => With(_ => Log.Contains(line)), $"\"{Shown(line)}\"; there is: {string.Join(", ", Log.TakeLast(5).Select(Shown))}; {string.Join(", ", Problems)}");

    /// <summary>Subscribes, and waits for the answer.</summary>
    public async Task SubscribeAsync(string topic)
    {
        long request = With(client => client.Subscribe(topic));
        await Eventually.True(() => With(_ => Replies.ContainsKey(request)), "the answer to SUBSCRIBE");
        Assert.Equal(SessionCode.Ok, Replies[request]);
    }

    /// <summary>Drops the present carrier and opens another.</summary>
    public async Task SwitchAsync(CarrierKind kind, string ticket = "")
    {
        await DropAsync();
        _carrier = new CancellationTokenSource();
        lock (_gate) _client.Attach(ticket);
        if (kind == CarrierKind.WebSocket) await OpenWebSocketAsync();
        else await OpenHttpAsync(kind);
    }

    public async Task DropAsync()
    {
        await _carrier.CancelAsync();
        await _running.InTime();
        lock (_gate) _client.Detach();
    }

    public async ValueTask DisposeAsync()
    {
        await DropAsync();
        _http.Dispose();
    }

    protected override void OnReady()
    {
        if (_wake.CurrentCount == 0) _wake.Release();
    }

    protected override void OnOpened(bool resumed)
    {
        if (resumed) Resumed++;
        else Log.Add("opened");
    }

    protected override void OnLost(int unconfirmedMessages) => Log.Add($"lost {unconfirmedMessages}");

    protected override void OnClosed(SessionCode code, string reason) => Log.Add($"closed {code} {reason}");

    protected override void OnReply(long request, SessionCode status, string text) => Replies.Add(request, status);

    protected override void OnEvent(string topic, MessageFlags flags, string? key, ReadOnlySpan<byte> payload) => Log.Add($"{topic} {Encoding.UTF8.GetString(payload)}");

    protected override void OnGap(string topic, long missed) => Log.Add($"gap {topic} {missed}");

    protected override void OnDelivery(string mailbox, long delivery, MessageFlags flags, ReadOnlySpan<byte> payload)
    {
        Log.Add($"{mailbox} {Encoding.UTF8.GetString(payload)}");
        _client.Settle(mailbox, delivery);
    }

    protected override void OnMessage(MessageFlags flags, ReadOnlySpan<byte> payload) => Log.Add($"message {Encoding.UTF8.GetString(payload)}");

    private async Task OpenWebSocketAsync()
    {
        var options = new WebSocketClientOptions { Subprotocols = [ProtocolLimits.Subprotocol], ConfigureTls = Certificates.Trust };
        var uri = new UriBuilder(new Uri(_base, "websocket")) { Scheme = _base.Scheme == "https" ? "wss" : "ws" };
        WebSocketConnection socket = await WebSocketClient.ConnectAsync(uri.Uri, options, _carrier.Token).InTime();
        _running = Task.WhenAll(Loop(() => ReceiveAsync(socket)), Loop(() => SendAsync(socket)), Loop(TickAsync));
        CancellationTokenSource carrier = _carrier;
        _ = _running.ContinueWith(_ => socket.Dispose(), TaskScheduler.Default);
        _ = carrier.Token.Register(socket.Abort);
        await Eventually.True(() => With(client => client.IsOpen), "OPENED over a WebSocket");
    }

    private async Task OpenHttpAsync(CarrierKind kind)
    {
        byte[] open = Body(out _);
        (HttpStatusCode status, byte[] answer) = await PostAsync("open", open, null);
        lock (_gate) _client.ReceiveBody(answer);
        Assert.True(status == HttpStatusCode.OK, $"{status}: {string.Join(", ", Log.TakeLast(1))}");
        string token = With(client => Encoding.ASCII.GetString(client.Token));
        _running = kind switch
        {
            CarrierKind.Streaming => Task.WhenAll(Loop(() => StreamAsync(token)), Loop(() => PostLoopAsync(token)), Loop(TickAsync)),
            CarrierKind.LongPolling => Task.WhenAll(Loop(() => PollLoopAsync(token, wait: 1)), Loop(() => PostLoopAsync(token)), Loop(TickAsync)),
            _ => Task.WhenAll(Loop(() => PollLoopAsync(token, wait: 0)), Loop(TickAsync)),
        };
    }

    private async Task Loop(Func<Task> loop)
    {
        await Task.Yield();
        try
        {
            await loop();
        }
        catch (Exception) when (_carrier.IsCancellationRequested)
        {
        }
        catch (Exception exception)
        {
            lock (_gate) Problems.Add(exception.Message);
        }
    }

    private async Task TickAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await timer.WaitForNextTickAsync(_carrier.Token))
        {
            lock (_gate) _client.Tick();
        }
    }

    private async Task ReceiveAsync(WebSocketConnection socket)
    {
        byte[] buffer = new byte[256 * 1024];
        for (int length = 0; ;)
        {
            ValueWebSocketReceiveResult result = await socket.ReceiveAsync(buffer.AsMemory(length), _carrier.Token);
            if (result.MessageType == WebSocketMessageType.Close) return;
            length += result.Count;
            if (!result.EndOfMessage) continue;
            lock (_gate) _client.Receive(buffer.AsSpan(0, length));
            length = 0;
        }
    }

    private async Task SendAsync(WebSocketConnection socket)
    {
        while (true)
        {
            SharedFrame? frame;
            while (true)
            {
                lock (_gate)
                {
                    if (!_client.TryTake(out frame, out _)) break;
                }

                await socket.SendAsync(frame.Bytes, WebSocketMessageType.Binary, true, _carrier.Token);
            }

            await _wake.WaitAsync(_carrier.Token);
        }
    }

    private async Task PostLoopAsync(string token)
    {
        while (true)
        {
            byte[] body = Body(out int frames);
            if (frames == 0)
            {
                await _wake.WaitAsync(_carrier.Token);
                continue;
            }

            (HttpStatusCode status, byte[] answer) = await PostAsync("send", body, token);
            if (status != HttpStatusCode.OK) throw new InvalidOperationException($"send: {status} {Encoding.UTF8.GetString(answer)}");
            lock (_gate) _client.ReceiveBody(answer);
        }
    }

    private async Task PollLoopAsync(string token, int wait)
    {
        // Of a client that asks again and again.
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (true)
        {
            byte[] body = wait == 0 ? Body(out _) : [];
            (HttpStatusCode status, byte[] answer) = await PostAsync("poll", body, token, wait);
            if (status != HttpStatusCode.OK) throw new InvalidOperationException($"poll: {status} {Encoding.UTF8.GetString(answer)}");
            lock (_gate) _client.ReceiveBody(answer);
            if (wait == 0) await pace.WaitForNextTickAsync(_carrier.Token);
        }
    }

    private async Task StreamAsync(string token)
    {
        using HttpRequestMessage request = Request(HttpMethod.Get, "events");
        request.Headers.Add("Tandem-Session", token);
        request.Headers.Add("Tandem-Received", With(client => client.Received.ToString(CultureInfo.InvariantCulture)));
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _carrier.Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.True(response.Headers.CacheControl!.NoStore);
        // nginx obeys it and keeps it.
        bool isForNginx = response.Headers.Server.ToString().StartsWith("nginx", StringComparison.Ordinal);
        Assert.Equal(isForNginx ? [] : ["no"], response.Headers.TryGetValues("X-Accel-Buffering", out IEnumerable<string>? values) ? values : []);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(_carrier.Token));
        long number = 0;
        while (await reader.ReadLineAsync(_carrier.Token) is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal)) number = long.Parse(line[4..], CultureInfo.InvariantCulture);
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                byte[] frame = Convert.FromBase64String(line[6..]);
                lock (_gate) _client.Receive(frame, number);
                number = 0;
            }
        }

        lock (_gate) Log.Add("the stream ended");
    }

    private static string Shown(string line) => line.Length > 100 ? $"{line[..50]}... ({line.Length})" : line;

    private HttpRequestMessage Request(HttpMethod method, string name) =>
        new(method, new Uri(_base, name)) { Version = _version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

    /// <summary>What there is to send.</summary>
    private byte[] Body(out int frames)
    {
        long first = 0;
        List<byte> bytes = [];
        frames = 0;
        lock (_gate)
        {
            while (bytes.Count < 128 * 1024 && _client.TryTake(out SharedFrame? frame, out long number))
            {
                if (first == 0) first = number;
                byte[] part = new byte[FrameBody.LengthOf(frame.Span)];
                FrameBody.WriteFrame(frame.Span, part);
                bytes.AddRange(part);
                frames++;
            }
        }

        byte[] head = new byte[8];
        return [.. head[..FrameBody.WriteFirst(first, head)], .. bytes];
    }

    private async Task<(HttpStatusCode Status, byte[] Body)> PostAsync(string name, byte[] body, string? token, int wait = 0)
    {
        using HttpRequestMessage request = Request(HttpMethod.Post, name);
        request.Content = new ByteArrayContent(body);
        if (body.Length > 0) request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        if (token is not null) request.Headers.Add("Tandem-Session", token);
        if (name == "poll") request.Headers.Add("Tandem-Received", With(client => client.Received.ToString(CultureInfo.InvariantCulture)));
        if (wait > 0) request.Headers.Add("Tandem-Wait", wait.ToString(CultureInfo.InvariantCulture));
        using HttpResponseMessage response = await _http.SendAsync(request, _carrier.Token);
        return (response.StatusCode, await response.Content.ReadAsByteArrayAsync(_carrier.Token));
    }
}
