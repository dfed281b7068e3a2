using System.Collections.Concurrent;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Handshake;

/// <summary>Handshakes that the application decides about later, while everybody else is served, and refusals in its own words.</summary>
public abstract class DeferredUpgradeTests
{
    private readonly Driver _driver;
    private readonly TestHandler _handler = TestHandler.Echo();
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<CancellationToken> _waiting = new();

    protected DeferredUpgradeTests(Driver driver)
    {
        _driver = driver;
        _handler.Upgrade = (in _, context) => context.Defer(async (_, cancellationToken) =>
        {
            _waiting.Enqueue(cancellationToken);
            await _gate.Task;
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Accepted_later_with_all_that_the_decision_has_set_and_frames_that_came_meanwhile(bool inOneWrite)
    {
        UpgradeRequestSnapshot? seen = null;
        _handler.Upgrade = (in _, context) => context.Defer(async (request, cancellationToken) =>
        {
            seen = request;
            _waiting.Enqueue(cancellationToken);
            await _gate.Task;
            context.State = request.GetCookie("user");
            context.Subprotocol = "b";
            context.Headers.Add(new("X-Decided", "later"));
        });
        await using TestServer server = Start();
        using RawClient client = await server.Connect();
        byte[] request = Wire.Ascii(Wire.Request("/ws?room=1", "Cookie: user=anna", "Origin: http://localhost", "Sec-WebSocket-Protocol: a, b"));
        byte[] large = Wire.Noise(100_000);
        await client.Send(inOneWrite ? (byte[])[.. request, .. Wire.Text("behind")] : request);
        await Eventually.Equal(1, () => _waiting.Count, "the decision");
        await client.Send(Wire.Concat(inOneWrite ? [Wire.Binary(large)] : [Wire.Text("behind"), Wire.Binary(large)]));
        Assert.Empty(_handler.Opened);
        _gate.SetResult();
        string head = await client.ReadAccepted();
        Assert.Contains("\r\nSec-WebSocket-Protocol: b\r\nX-Decided: later\r\n", head, StringComparison.Ordinal);
        await client.ReadText("behind");
        await client.ReadMessage(Got.Binary, large);
        Assert.Equal(("anna", "b"), (_handler.Peer.State, _handler.Peer.Subprotocol));
        Assert.Equal(("/ws", "room=1", "localhost", "http://localhost", "1"), (seen!.Path, seen.Query, seen.Host, seen.Origin, seen.GetQuery("room")));
        Assert.Equal(["a", "b"], seen.Subprotocols);
        Assert.Contains(new("Cookie", "user=anna"), seen.Headers);
        Assert.Equal("13", seen.GetHeader("sec-websocket-version"));
        Assert.False(_waiting.Single().IsCancellationRequested);
    }

    [Theory]
    [InlineData(true, 401, "Unauthorized", "log in first")]
    [InlineData(true, 403, "Forbidden", null)]
    [InlineData(true, 429, "Too Many Requests", "in a minute, s'il vous plaît")]
    [InlineData(false, 401, "Unauthorized", "log in first")]
    [InlineData(false, 404, "Not Found", null)]
    [InlineData(false, 503, "Service Unavailable", "later")]
    public async Task Refused_with_a_status_fields_and_a_line_of_the_applications_own(bool later, int status, string phrase, string? text)
    {
        void Refuse(UpgradeContext context)
        {
            context.Headers.Add(new("Retry-After", "60"));
            context.Refuse(status, text);
        }

        _handler.Upgrade = (in _, context) =>
        {
            if (!later) Refuse(context);
            else context.Defer(async (_, _) =>
            {
                await _gate.Task;
                Refuse(context);
            });
        };
        await using TestServer server = Start();
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request());
        _gate.SetResult();
        string body = text is null ? $"{status} {phrase}\n" : $"{status} {phrase}: {text}\n";
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(body);
        Assert.Equal(
            $"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nRetry-After: 60\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + $"Content-Length: {bytes.Length}\r\n\r\n{System.Text.Encoding.Latin1.GetString(bytes)}",
            await client.ReadToEnd());
        Assert.Empty(_handler.Opened);
        client.Dispose();
        await server.NoConnections();
    }

    [Fact]
    public async Task Refusals_of_the_table_come_later_too()
    {
        _handler.Upgrade = (in _, context) => context.Defer((_, _) =>
        {
            context.Refuse();
            return Task.CompletedTask;
        });
        await using TestServer server = Start();
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request());
        Assert.StartsWith("HTTP/1.1 403 ", await client.ReadToEnd(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("throws")]
    [InlineData("throws at once")]
    [InlineData("defers twice")]
    [InlineData("splits the answer")]
    [InlineData("never offered")]
    public async Task A_decision_that_fails_is_500_and_reported(string how)
    {
        _handler.Upgrade = (in _, context) =>
        {
            context.Defer(async (_, _) =>
            {
                if (how == "throws at once") throw new InvalidOperationException("as asked");
                await _gate.Task;
                if (how == "throws") throw new InvalidOperationException("as asked");
                if (how == "never offered") context.Subprotocol = "never offered";
                context.Headers.Add(new("X", "a\r\nSet-Cookie: b=c"));
            });
            if (how == "defers twice") context.Defer((_, _) => Task.CompletedTask);
        };
        await using TestServer server = Start();
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request());
        _gate.SetResult();
        Assert.StartsWith("HTTP/1.1 500 ", await client.ReadToEnd(), StringComparison.Ordinal);
        Assert.Null(Assert.Single(_handler.Errors).Peer);
        Assert.Empty(_handler.Opened);
    }

    [Fact]
    public async Task A_decision_that_takes_too_long_is_503_and_told()
    {
        var time = new ManualTime();
        await using TestServer server = Start(time);
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request());
        await Eventually.Equal(1, () => _waiting.Count, "the decision");
        await time.AdvanceAndSweep(TimeSpan.FromSeconds(6.9));
        Assert.False(_waiting.Single().IsCancellationRequested);
        time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.EndsWith($"{HandshakeRefusal.DecisionTimedOut.Text()}\n", await client.ReadToEnd(), StringComparison.Ordinal);
        await Eventually.True(() => _waiting.Single().IsCancellationRequested, "the token");
        _gate.SetResult(); // nobody listens any more
        client.Dispose();
        await server.NoConnections();
        Assert.Empty(_handler.Opened);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_goes_meanwhile_cancels_the_decision_and_is_never_opened(bool reset)
    {
        await using TestServer server = Start();
        using (RawClient client = await server.Connect())
        {
            await client.Send(Wire.Request());
            await Eventually.Equal(1, () => _waiting.Count, "the decision");
            if (reset) client.Reset();
        }

        await Eventually.True(() => _waiting.Single().IsCancellationRequested, "the token");
        await server.NoConnections();
        _gate.SetResult();
        using RawClient other = await server.Open(); // decided at once, behind the one that has gone
        Assert.Single(_handler.Opened);
        Assert.Empty(_handler.Errors);
    }

    [Fact]
    public async Task A_server_that_stops_meanwhile_answers_503_and_cancels_the_decision()
    {
        await using TestServer server = Start();
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request());
        await Eventually.Equal(1, () => _waiting.Count, "the decision");
        Task stopped = server.Server.StopAsync();
        Assert.EndsWith($"{HandshakeRefusal.Stopping.Text()}\n", await client.ReadToEnd(), StringComparison.Ordinal);
        await Eventually.True(() => _waiting.Single().IsCancellationRequested, "the token");
        client.Dispose();
        await stopped.InTime();
        _gate.SetResult();
    }

    [Fact]
    public async Task A_thousand_wait_at_once_while_others_are_served_and_then_all_come_in()
    {
        const int Count = 1000;
        TestHandler.UpgradeAction defer = _handler.Upgrade!;
        _handler.Upgrade = (in request, context) =>
        {
            if (!request.Query.IsEmpty) defer(in request, context);
        };
        await using TestServer server = Start();
        using RawClient other = await server.Open();
        var clients = new List<RawClient>();
        for (int i = 0; i < Count; i++)
        {
            RawClient client = await server.Connect();
            clients.Add(client);
            await client.Send(Wire.Concat([Wire.Ascii(Wire.Request("/ws?later")), Wire.Text($"{i}")]));
        }

        await Eventually.Equal(Count, () => _waiting.Count, "decisions");
        await other.Send(Wire.Text("served meanwhile"));
        await other.ReadText("served meanwhile");
        _gate.SetResult();
        for (int i = 0; i < Count; i++)
        {
            await clients[i].ReadAccepted();
            await clients[i].ReadText($"{i}");
            clients[i].Dispose();
        }
    }

    [Fact]
    public void A_refusal_has_a_status_and_a_text_that_can_be_sent()
    {
        var context = new UpgradeContext();
        Assert.Throws<ArgumentOutOfRangeException>("status", () => context.Refuse(200));
        Assert.Throws<ArgumentOutOfRangeException>("status", () => context.Refuse(600));
        Assert.Throws<ArgumentException>("text", () => context.Refuse(403, new string('a', UpgradeContext.MaxRefusalText + 1)));
    }

    private TestServer Start(ManualTime? time = null) => _driver.Start(_handler, new WebSocketServerOptions
    {
        EndPoints = TestServer.AnyPort, Loops = 1, OnError = _handler.Error, HandshakeTimeout = TimeSpan.FromSeconds(time is null ? 60 : 7),
        TimeProvider = time ?? TimeProvider.System, TickInterval = ManualTime.Tick,
    });
}

public sealed class DeferredUpgradeOnLoops() : DeferredUpgradeTests(Driver.Loops);

public sealed class DeferredUpgradeOnStreams() : DeferredUpgradeTests(Driver.Streams);
