using System.Collections.Concurrent;
using System.Diagnostics;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Telemetry;

/// <summary>One activity for a handshake, below the trace that its request names (W3C Trace Context), and none for a message.</summary>
[Collection(nameof(Alone))] // who listens to the source is told of every test's handshakes
public abstract class HandshakeActivityTests(Driver driver) : IDisposable
{
    private const string Parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private readonly ConcurrentQueue<Activity> _stopped = new();
    private ActivityListener? _listener;

    public void Dispose()
    {
        _listener?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task It_has_the_parent_of_the_request_and_surrounds_the_handlers_decision()
    {
        Listen();
        ActivitySpanId decided = default;
        Activity? later = null;
        var handler = TestHandler.Echo();
        handler.Upgrade = (in UpgradeRequest _, UpgradeContext _) => decided = Activity.Current?.SpanId ?? default;
        handler.Open = _ => later = Activity.Current;
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Connect();
        await client.Upgrade("/ws", $"traceparent: {Parent}", "tracestate: a=1");
        await client.Send(Wire.Text("x"));
        await client.ReadText("x");
        Activity activity = await Stopped();
        Assert.Equal("websocket.server.handshake", activity.OperationName);
        Assert.Equal("GET /ws", activity.DisplayName);
        Assert.Equal(ActivityKind.Server, activity.Kind);
        Assert.Equal(Parent, $"00-{activity.TraceId}-{activity.ParentSpanId}-01");
        Assert.Equal("a=1", activity.TraceStateString);
        Assert.Equal(activity.SpanId, decided);
        Assert.NotEqual(activity.SpanId, later?.SpanId);
        Assert.Equal(101, activity.GetTagItem("http.response.status_code"));
        Assert.Equal("/ws", activity.GetTagItem("http.route"));
        Assert.Equal("127.0.0.1", activity.GetTagItem("network.peer.address"));
        Assert.Equal(ActivityStatusCode.Unset, activity.Status);
        Assert.Empty(_stopped);
    }

    [Theory]
    [InlineData("")]
    [InlineData("traceparent: 00-xyz-b7ad6b7169203331-01")]
    public async Task Without_a_valid_parent_it_begins_a_trace_of_its_own(string field)
    {
        Listen();
        using Activity outer = new Activity("the program that starts the server").Start();
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient client = await server.Connect();
        await client.Upgrade("/ws", field.Length == 0 ? [] : [field]);
        Activity activity = await Stopped();
        Assert.Equal(default, activity.ParentSpanId);
        Assert.NotEqual(outer.TraceId, activity.TraceId);
    }

    [Fact]
    public async Task A_deferred_decision_runs_within_it_and_a_refusal_is_an_error()
    {
        Listen();
        ActivitySpanId decided = default;
        var handler = new TestHandler
        {
            Upgrade = (in UpgradeRequest _, UpgradeContext context) => context.Defer((_, _) =>
            {
                decided = Activity.Current?.SpanId ?? default;
                context.Refuse(401);
                return Task.CompletedTask;
            }),
        };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request("/ws", $"traceparent: {Parent}"));
        Assert.StartsWith("HTTP/1.1 401 ", await client.ReadToEnd(), StringComparison.Ordinal);
        Activity activity = await Stopped();
        Assert.Equal(activity.SpanId, decided);
        Assert.Equal(401, activity.GetTagItem("http.response.status_code"));
        Assert.Equal("401", activity.GetTagItem("error.type"));
        Assert.Equal(ActivityStatusCode.Error, activity.Status);
    }

    [Fact]
    public async Task A_handshake_that_breaks_a_rule_has_one_too()
    {
        Listen();
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request("/ws", $"traceparent: {Parent}", "Origin: http://elsewhere"));
        Assert.StartsWith("HTTP/1.1 403 ", await client.ReadToEnd(), StringComparison.Ordinal);
        Activity activity = await Stopped();
        Assert.Equal("b7ad6b7169203331", activity.ParentSpanId.ToString());
        Assert.Equal("origin_not_allowed", activity.GetTagItem("error.type"));
    }

    [Fact]
    public async Task A_client_names_its_own_in_the_request_so_that_both_ends_are_one_trace()
    {
        Listen();
        await using TestServer server = driver.Start(TestHandler.Echo());
        using Activity outer = new Activity("the caller").Start();
        using (WebSocketConnection socket = await WebSocketClient.ConnectAsync(new Uri($"ws://{server.EndPoint}/ws?token=secret"), new WebSocketClientOptions()).InTime())
        {
            Assert.Same(outer, Activity.Current);
        }

        Activity[] both = [await Stopped(), await Stopped()];
        Activity client = Assert.Single(both, activity => activity.Kind == ActivityKind.Client);
        Activity accepted = Assert.Single(both, activity => activity.Kind == ActivityKind.Server);
        Assert.Equal(outer.SpanId, client.ParentSpanId);
        Assert.Equal(client.SpanId, accepted.ParentSpanId);
        Assert.Equal(client.TraceId, accepted.TraceId);
        Assert.DoesNotContain(both.SelectMany(activity => activity.TagObjects), tag => $"{tag.Value}".Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Where_nobody_listens_there_is_none_and_a_client_names_none()
    {
        string? named = "not asked yet";
        var handler = TestHandler.Echo();
        handler.Upgrade = (in UpgradeRequest request, UpgradeContext _) => named = request.GetHeader("traceparent");
        await using TestServer server = driver.Start(handler);
        using Activity outer = new Activity("the caller").Start();
        using WebSocketConnection socket = await WebSocketClient.ConnectAsync(new Uri($"ws://{server.EndPoint}/ws"), new WebSocketClientOptions()).InTime();
        Assert.Null(named);
        Assert.Empty(_stopped);
    }

    private void Listen()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == WebSocketTelemetry.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _stopped.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    private async Task<Activity> Stopped()
    {
        Activity? activity = null;
        await Eventually.True(() => _stopped.TryDequeue(out activity), "an activity");
        return activity!;
    }
}

public sealed class HandshakeActivityOnLoops() : HandshakeActivityTests(Driver.Loops);

public sealed class HandshakeActivityOnStreams() : HandshakeActivityTests(Driver.Streams);
