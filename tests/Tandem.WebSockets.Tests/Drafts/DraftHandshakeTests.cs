using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Drafts;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Drafts;

/// <summary>Handshakes of the drafts: which are answered, by what rules, and that their connections are counted like all others.</summary>
public abstract class DraftHandshakeTests(Driver driver)
{
    private readonly TestHandler _handler = TestHandler.Echo();

    public static TheoryData<WebSocketDrafts> Hixie => [WebSocketDrafts.Hixie75, WebSocketDrafts.Hixie76];

    public static TheoryData<WebSocketDrafts> All => [WebSocketDrafts.Hixie75, WebSocketDrafts.Hixie76, WebSocketDrafts.Hybi07, WebSocketDrafts.Hybi08];

    [Theory]
    [MemberData(nameof(All))]
    public async Task By_default_none_is_spoken(WebSocketDrafts draft)
    {
        await using TestServer server = driver.Start(_handler);
        Assert.Equal((426, "13"), await Refused(server, Request(draft)));
        Assert.Empty(_handler.Opened);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task One_is_spoken_without_the_others(WebSocketDrafts draft)
    {
        await using TestServer server = Start(options => options with { Drafts = draft });
        foreach (WebSocketDrafts other in All.Select(row => row.Data))
        {
            if (other == draft) continue;
            (int status, string? versions) = await Refused(server, Request(other));
            Assert.Equal((426, HandshakeRefusals.Versions(draft)), (status, versions));
        }

        using RawClient client = await server.Connect();
        await client.Send(Request(draft));
        Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHead(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(WebSocketDrafts.Hixie75, int.MaxValue)]
    [InlineData(WebSocketDrafts.Hixie75, 1)]
    [InlineData(WebSocketDrafts.Hixie76, int.MaxValue)]
    [InlineData(WebSocketDrafts.Hixie76, 100)]
    [InlineData(WebSocketDrafts.Hixie76, 1)]
    public async Task A_request_in_pieces_is_answered_like_a_whole_one(WebSocketDrafts draft, int size)
    {
        await using TestServer server = Start();
        using RawClient raw = await server.Connect();
        await raw.SendInPieces(Wire.Ascii(HixieClient.Request(draft)), size);
        using HixieClient client = await HixieClient.On(raw, draft);
        await client.Send("hello");
        await client.ReadText("hello");
    }

    [Fact]
    public async Task Hixie76_the_eight_bytes_are_waited_for_within_the_deadline_of_the_handshake()
    {
        var time = new ManualTime();
        await using TestServer server = Start(options => options with { TimeProvider = time, TickInterval = ManualTime.Tick, HandshakeTimeout = TimeSpan.FromSeconds(7) });
        using RawClient client = await server.Connect();
        await client.Send(HixieClient.Request(WebSocketDrafts.Hixie76)[..^1]);
        using RawClient next = await server.Connect();
        await Eventually.Equal(2, () => server.Server.ConnectionCount, "ConnectionCount"); // before a second one is counted the first has its deadline
        await time.AdvanceAndSweep(TimeSpan.FromSeconds(6.9));
        Assert.False(client.Socket.Poll(0, System.Net.Sockets.SelectMode.SelectRead));
        time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.StartsWith("HTTP/1.1 408 ", await client.ReadToEnd(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("12345")]
    [InlineData("1 2 3")]
    [InlineData("4294967296 4")]
    public async Task Hixie76_a_key_that_is_no_number_is_refused(string key)
    {
        await using TestServer server = Start();
        Assert.Equal(400, (await Refused(server, HixieClient.Request(WebSocketDrafts.Hixie76).Replace(HixieClient.Key1, key, StringComparison.Ordinal))).Status);
    }

    [Theory]
    [InlineData(WebSocketDrafts.Hixie75, "Origin: http://localhost", "Origin: http://elsewhere")]
    [InlineData(WebSocketDrafts.Hixie76, "Origin: http://localhost", "Origin: http://elsewhere")]
    [InlineData(WebSocketDrafts.Hybi07, "Host:", "Sec-WebSocket-Origin: http://elsewhere\r\nHost:")]
    [InlineData(WebSocketDrafts.Hybi08, "Host:", "Sec-WebSocket-Origin: http://elsewhere\r\nHost:")]
    [InlineData(WebSocketDrafts.Hybi08, "Host:", "Origin: http://elsewhere\r\nHost:")]
    public async Task Pages_of_other_origins_are_refused(WebSocketDrafts draft, string old, string replacement)
    {
        await using TestServer server = Start();
        Assert.Equal(403, (await Refused(server, Request(draft).Replace(old, replacement, StringComparison.Ordinal))).Status);
    }

    [Theory]
    [MemberData(nameof(Hixie))]
    public async Task The_handler_sees_the_draft_and_decides_later_while_messages_come_already(WebSocketDrafts draft)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        UpgradeRequestSnapshot? seen = null;
        WebSocketDrafts told = default;
        _handler.Upgrade = (in UpgradeRequest request, UpgradeContext context) =>
        {
            told = request.Draft;
            context.Defer(async (snapshot, _) =>
            {
                await gate.Task;
                context.State = snapshot.GetCookie("user");
                context.Headers.Add(new("X-Decided", "later"));
                Volatile.Write(ref seen, snapshot);
            });
        };
        await using TestServer server = driver.Start(_handler, Options, "b");
        using RawClient raw = await server.Connect();
        string field = draft == WebSocketDrafts.Hixie75 ? "WebSocket-Protocol" : "Sec-WebSocket-Protocol";
        await raw.Send((byte[])[.. Wire.Ascii(HixieClient.Request(draft, "Cookie: user=anna", $"{field}: b")), .. HixieClient.Text("behind")]);
        await Eventually.Equal(1, () => server.Server.ConnectionCount, "ConnectionCount");
        gate.SetResult();
        string answer = HixieClient.Answer(draft, $"{field}: b\r\nX-Decided: later\r\n");
        Assert.Equal(answer, Encoding.Latin1.GetString(await raw.ReadBytes(answer.Length)));
        Assert.Equal(HixieClient.Text("behind"), await raw.ReadBytes(8));
        Assert.Equal(("anna", "b", "http://localhost"), (_handler.Peer.State, _handler.Peer.Subprotocol, seen!.Origin));
        Assert.Equal(draft, told);
    }

    [Theory]
    [MemberData(nameof(Hixie))]
    public async Task What_its_client_does_is_not_taken_for_news_of_a_handshake_that_came_after_it(WebSocketDrafts draft)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bool isDeferred = false;
        _handler.Upgrade = (in UpgradeRequest request, UpgradeContext context) =>
        {
            if (request.Draft != WebSocketDrafts.None) return;
            context.Defer((_, _) => gate.Task);
            Volatile.Write(ref isDeferred, true);
        };
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, draft);
        using RawClient later = await server.Connect();
        await later.Send(Wire.Request());
        await Eventually.True(() => Volatile.Read(ref isDeferred), "a decision that is waited for");
        for (int i = 0; i < 10; i++)
        {
            await client.Send("hello");
            await client.ReadText("hello");
        }

        gate.SetResult();
        await later.ReadAccepted();
    }

    [Theory]
    [MemberData(nameof(Hixie))]
    public async Task A_connection_counts_toward_the_limits_and_is_shown(WebSocketDrafts draft)
    {
        await using TestServer server = Start(options => options with { MaxConnections = 2, MaxConnectionsPerAddress = 2 });
        using HixieClient first = await HixieClient.Open(server, draft);
        using RawClient second = await server.Open();
        await Eventually.Equal(2, () => _handler.Opened.Count, "OnOpen");
        ConnectionPage page = await server.Server.GetConnectionsAsync(10, ConnectionOrder.Newest, Eventually.Deadline);
        Assert.Equal((2, 2), (page.Total, page.Connections.Count));
        Assert.Equal(_handler.Opened.ToHashSet(), page.Connections.Select(connection => connection.Peer).ToHashSet());
        Assert.Equal(503, (await Refused(server, Request(draft))).Status);
        first.Dispose();
        await Eventually.Equal(1, () => server.Server.ConnectionCount, "ConnectionCount");
        using HixieClient third = await HixieClient.Open(server, draft);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Hybi_07_and_08_are_spoken_with_all_that_RFC6455_has(int version)
    {
        await using TestServer server = Start(options => options with { Deflate = new DeflateOptions() });
        using RawClient client = await server.Connect();
        await client.Send(Request(version == 7 ? WebSocketDrafts.Hybi07 : WebSocketDrafts.Hybi08).Replace(
            "Host:", "Sec-WebSocket-Origin: http://localhost\r\nSec-WebSocket-Extensions: x-webkit-deflate-frame, deflate-stream\r\nHost:", StringComparison.Ordinal));
        string head = await client.ReadAccepted();
        Assert.DoesNotContain("Extensions", head, StringComparison.Ordinal);
        await client.Send(Wire.Concat([Wire.Text("text"), Wire.Binary([1, 2, 3]), Wire.Ping("ping"), Wire.Fragments(WebSocketMessageType.Text, "fragments"u8, 2)]));
        await client.ReadText("text");
        await client.ReadMessage(Got.Binary, [1, 2, 3]);
        Assert.Equal((Got.Pong, "ping"), (await client.Read()) is var pong ? (pong.Kind, pong.Text) : default);
        await client.ReadText("fragments");
        await client.Send(Wire.Close(1000));
        await client.ReadClose(1000);
        await client.ReadEnd();
    }

    [Fact]
    public async Task Where_drafts_are_spoken_RFC6455_is_as_ever()
    {
        await using TestServer server = Start();
        using RawClient client = await server.Open();
        await client.Send(Wire.Text("hello"));
        await client.ReadText("hello");
        Assert.Equal((426, "13, 8, 7"), await Refused(server, Wire.Request().Replace("Version: 13", "Version: 9", StringComparison.Ordinal)));
    }

    private static string Request(WebSocketDrafts draft) => draft switch
    {
        WebSocketDrafts.Hybi07 => Wire.Request().Replace("Version: 13", "Version: 7", StringComparison.Ordinal),
        WebSocketDrafts.Hybi08 => Wire.Request().Replace("Version: 13", "Version: 8", StringComparison.Ordinal),
        _ => HixieClient.Request(draft),
    };

    private static async Task<(int Status, string? Versions)> Refused(TestServer server, string request)
    {
        using RawClient client = await server.Connect();
        await client.Send(request);
        string[] lines = (await client.ReadToEnd()).Split("\r\n");
        const string field = "Sec-WebSocket-Version: ";
        return (int.Parse(lines[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture), lines.SingleOrDefault(line => line.StartsWith(field, StringComparison.Ordinal))?[field.Length..]);
    }

    private WebSocketServerOptions Options => new() { EndPoints = TestServer.AnyPort, Loops = 1, OnError = _handler.Error, Drafts = WebSocketDrafts.All };

    private TestServer Start(Func<WebSocketServerOptions, WebSocketServerOptions>? change = null) => driver.Start(_handler, change?.Invoke(Options) ?? Options);
}

public sealed class DraftHandshakesOnLoops() : DraftHandshakeTests(Driver.Loops);

public sealed class DraftHandshakesOnStreams() : DraftHandshakeTests(Driver.Streams);
