using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Tandem.Server.Sessions;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;
using Tandem.WebSockets;

namespace Tandem.Server.Tests.Sessions;

/// <summary>docs/session-protocol.md, Bodies of HTTP: statuses, repetition, who takes over from whom, origins and CORS, tickets.</summary>
public sealed class HttpCarrierTests : IDisposable
{
    private const string Stranger = "https://stranger.example";

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseCookies = false });

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task A_repeated_body_is_taken_once_and_one_that_comes_too_early_is_answered_409_with_an_ACK()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        string token = await OpenAsync(site);
        byte[] first = Body(1, Message("one"), Message("two")), second = Body(3, Message("three"));
        (HttpStatusCode status, byte[] answer) = await PostAsync(site, "send", second, token);
        Assert.Equal((HttpStatusCode.Conflict, 0L), (status, AckIn(answer)));
        for (int i = 0; i < 2; i++)
        {
            (status, answer) = await PostAsync(site, "send", first, token);
            Assert.Equal((HttpStatusCode.OK, 2L), (status, AckIn(answer)));
        }

        Assert.Equal(3, AckIn((await PostAsync(site, "send", second, token)).Body));
        Assert.Equal(["one", "two", "three"], site.Told.Messages);
    }

    [Fact]
    public async Task A_long_poll_waits_and_a_newer_one_takes_over()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        string token = await OpenAsync(site);
        Task<(HttpStatusCode Status, byte[] Body)> older = PostAsync(site, "poll", [], token, received: 0, wait: 60);
        Task<(HttpStatusCode Status, byte[] Body)> newer = PostAsync(site, "poll", [], token, received: 0, wait: 60);
        // Which of the two came first is not known; one has 409 and the other waits.
        Task<(HttpStatusCode Status, byte[] Body)> ended = await Task.WhenAny(older, newer).InTime();
        Assert.Equal(HttpStatusCode.Conflict, (await ended).Status);
        Assert.Equal(SessionSend.Sent, site.Told.Opened.Single().Send("hello"u8));
        (HttpStatusCode status, byte[] body) = await (ended == older ? newer : older).InTime();
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("hello", Encoding.UTF8.GetString(body));
    }

    [Fact]
    public async Task A_poll_is_answered_again_with_what_was_not_received_and_an_empty_one_is_one_byte()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        string token = await OpenAsync(site);
        Assert.Equal([0], (await PostAsync(site, "poll", [], token, received: 0)).Body);
        site.Told.Opened.Single().Send("one"u8);
        site.Told.Opened.Single().Send("two"u8);
        for (int i = 0; i < 2; i++) Assert.Equal(["one", "two"], MessagesIn((await PostAsync(site, "poll", [], token, received: 0)).Body, first: 1));
        Assert.Equal(["two"], MessagesIn((await PostAsync(site, "poll", [], token, received: 1)).Body, first: 2));
        // An older number is old news.
        Assert.Equal(["two"], MessagesIn((await PostAsync(site, "poll", [], token, received: 0)).Body, first: 2));
        Assert.Equal([0], (await PostAsync(site, "poll", [], token, received: 2)).Body);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(site, "poll", [], token, received: 3)).Status);
        Assert.Equal(HttpStatusCode.Gone, (await PostAsync(site, "poll", [], token, received: 2)).Status);
    }

    [Fact]
    public async Task Statuses()
    {
        await using SessionSite site = await SessionSite.StartAsync(new SessionHubOptions { MaxFrameBytes = 4096 });
        string token = await OpenAsync(site);
        Assert.Equal(HttpStatusCode.Gone, (await PostAsync(site, "send", Body(0), new string('A', 43))).Status);
        Assert.Equal(HttpStatusCode.Gone, (await PostAsync(site, "send", Body(0), "nonsense")).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await PostAsync(site, "send", new byte[(4 * 4096) + 1], token)).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await PostAsync(site, "open", new byte[1025])).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(site, "open", Body(0, [3, 0]))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(site, "open", Body(0, Open(), Open()))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(site, "open", Body(0, [1, 2]))).Status);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await PostAsync(site, "send", Body(0), token, type: "text/plain")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(site, "poll", [], token)).Status);
        using (HttpResponseMessage wrong = await _http.GetAsync(new Uri(site.Base, "send")).InTime())
        {
            Assert.Equal(HttpStatusCode.MethodNotAllowed, wrong.StatusCode);
            Assert.Contains("POST", wrong.Content.Headers.Allow);
        }

        // A later OPEN with the token has the session.
        string later = await OpenAsync(site, token);
        Assert.Equal(HttpStatusCode.Conflict, (await PostAsync(site, "send", Body(0), token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(site, "send", Body(0), later)).Status);
        // A frame that breaks a rule ends the session.
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(site, "send", Body(0, [0x7f]), later)).Status);
        Assert.Equal(HttpStatusCode.Gone, (await PostAsync(site, "send", Body(0), later)).Status);
        Assert.Equal(0, site.Hub.Sessions);
    }

    [Fact]
    public async Task CLOSE_in_a_body_is_answered_and_the_session_is_over()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        string token = await OpenAsync(site);
        (HttpStatusCode status, byte[] answer) = await PostAsync(site, "send", Body(1, Message("last"), [6, 0, 0]), token);
        Assert.Equal((HttpStatusCode.OK, 1L), (status, AckIn(answer)));
        Assert.Equal(["last"], site.Told.Messages);
        Assert.Equal(SessionCode.Ok, Assert.Single(site.Told.Closed).Code);
        Assert.Equal(HttpStatusCode.Gone, (await PostAsync(site, "poll", [], token, received: 0)).Status);
    }

    [Theory]
    [InlineData(SessionCode.NotAuthenticated, HttpStatusCode.Unauthorized)]
    [InlineData(SessionCode.Forbidden, HttpStatusCode.Forbidden)]
    [InlineData(SessionCode.TooManySessions, HttpStatusCode.TooManyRequests)]
    [InlineData(SessionCode.GoingAway, HttpStatusCode.ServiceUnavailable)]
    public async Task A_session_that_is_refused_has_the_status_of_its_code_and_CLOSE(SessionCode code, HttpStatusCode expected)
    {
        await using SessionSite site = await SessionSite.StartAsync();
        site.Told.Admitted = _ => code;
        (HttpStatusCode status, byte[] answer) = await PostAsync(site, "open", Body(0, Open()));
        Assert.Equal(expected, status);
        Assert.Equal([0, (byte)(answer.Length - 2), 6, (byte)code], answer[..4]);
    }

    [Fact]
    public async Task When_the_host_stops_a_stream_ends_and_a_poll_is_answered()
    {
        SessionSite site = await SessionSite.StartAsync();
        string token = await OpenAsync(site), other = await OpenAsync(site);
        using var events = new HttpRequestMessage(HttpMethod.Get, new Uri(site.Base, "events"));
        events.Headers.Add("Tandem-Session", token);
        events.Headers.Add("Tandem-Received", "0");
        using HttpResponseMessage stream = await _http.SendAsync(events, HttpCompletionOption.ResponseHeadersRead).InTime();
        Task<string> read = stream.Content.ReadAsStringAsync();
        Task<(HttpStatusCode Status, byte[] Body)> poll = PostAsync(site, "poll", [], other, received: 0, wait: 60);
        await Eventually.True(() => site.Told.Opened.All(session => session.Carrier is HttpCarrier { HasWayDown: true }), "both requests");
        await site.StopAsync().InTime();
        await read.InTime();
        Assert.Equal(HttpStatusCode.OK, (await poll.InTime()).Status);
        await site.DisposeAsync();
    }

    [Theory]
    [InlineData("open", "POST")]
    [InlineData("send", "POST")]
    [InlineData("events", "GET")]
    [InlineData("poll", "POST")]
    [InlineData("ticket", "POST")]
    [InlineData("websocket", "GET")]
    public async Task A_foreign_origin_is_refused_on_every_carrier_and_an_allowed_one_and_none_are_not(string name, string method)
    {
        await using SessionSite site = await SessionSite.StartAsync(options: new TandemSessionsOptions { Origins = OriginPolicy.SameHostOr("https://friend.example") });
        async Task<HttpResponseMessage> Ask(string? origin)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(site.Base, name));
            if (origin is not null) request.Headers.Add("Origin", origin);
            if (name == "websocket")
            {
                request.Headers.Connection.Add("Upgrade");
                request.Headers.Upgrade.Add(new ProductHeaderValue("websocket"));
                request.Headers.Add("Sec-WebSocket-Version", "13");
                request.Headers.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
                request.Headers.Add("Sec-WebSocket-Protocol", ProtocolLimits.Subprotocol);
            }

            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).InTime();
        }

        foreach (string origin in (string[])[Stranger, "null", "https://friend.example.stranger.example", $"http://127.0.0.1:{site.Port + 1}"])
        {
            using HttpResponseMessage refused = await Ask(origin);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            Assert.False(refused.Headers.Contains("Access-Control-Allow-Origin"));
        }

        foreach (string? origin in (string?[])[null, site.Origin, "https://friend.example"])
        {
            using HttpResponseMessage allowed = await Ask(origin);
            Assert.NotEqual(HttpStatusCode.Forbidden, allowed.StatusCode);
            if (name == "websocket")
            {
                Assert.Equal(HttpStatusCode.SwitchingProtocols, allowed.StatusCode);
                continue;
            }

            Assert.Equal(origin is null ? [] : [origin], allowed.Headers.TryGetValues("Access-Control-Allow-Origin", out IEnumerable<string>? values) ? values : []);
            Assert.Contains("Origin", allowed.Headers.Vary);
            Assert.Equal(name == "ticket" && origin is not null, allowed.Headers.Contains("Access-Control-Allow-Credentials"));
        }
    }

    [Fact]
    public async Task A_preflight_is_answered_for_allowed_origins_alone()
    {
        await using SessionSite site = await SessionSite.StartAsync(options: new TandemSessionsOptions { Origins = OriginPolicy.SameHostOr("https://friend.example") });
        foreach ((string origin, HttpStatusCode expected) in ((string, HttpStatusCode)[])[("https://friend.example", HttpStatusCode.NoContent), (Stranger, HttpStatusCode.Forbidden)])
        {
            using var request = new HttpRequestMessage(HttpMethod.Options, new Uri(site.Base, "poll"));
            request.Headers.Add("Origin", origin);
            request.Headers.Add("Access-Control-Request-Method", "POST");
            request.Headers.Add("Access-Control-Request-Headers", "content-type, tandem-session");
            using HttpResponseMessage response = await _http.SendAsync(request).InTime();
            Assert.Equal(expected, response.StatusCode);
            if (expected != HttpStatusCode.NoContent) continue;
            Assert.Equal("GET, POST", string.Join(", ", response.Headers.GetValues("Access-Control-Allow-Methods")));
            Assert.Contains("Tandem-Session", string.Join(", ", response.Headers.GetValues("Access-Control-Allow-Headers")));
        }
    }

    [Theory]
    [MemberData(nameof(CarrierTests.Kinds), MemberType = typeof(CarrierTests))]
    public async Task A_ticket_opens_one_session_on_any_carrier_and_its_owner_is_who_fetched_it(CarrierKind kind)
    {
        await using SessionSite site = await StartWithTicketsAsync();
        (HttpStatusCode status, byte[] ticket) = await PostAsync(site, "ticket", null, authorization: "anna");
        Assert.Equal(HttpStatusCode.OK, status);
        await using var client = new RovingClient(site);
        await client.SwitchAsync(kind, Encoding.ASCII.GetString(ticket));
        Session session = site.Told.Opened.Single();
        Assert.Equal(("anna", "the principal of anna"), (session.Owner, session.Principal));
        // A carrier of the same session needs none.
        await client.SwitchAsync(CarrierKind.Polling);
        await client.SwitchAsync(CarrierKind.WebSocket);
        Assert.Equal(2, client.Resumed);
    }

    [Fact]
    public async Task A_ticket_that_was_used_is_unknown_is_missing_or_was_fetched_by_a_page_of_another_origin_is_refused()
    {
        await using SessionSite site = await StartWithTicketsAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(site, "ticket", null)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(site, "open", Body(0, Open()))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(site, "open", Body(0, Open(ticket: new byte[22])))).Status);

        byte[] ticket = (await PostAsync(site, "ticket", null, authorization: "anna")).Body;
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(site, "open", Body(0, Open(ticket: ticket)))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(site, "open", Body(0, Open(ticket: ticket)))).Status);

        // Of another origin, and after that try used up for its own too.
        ticket = (await PostAsync(site, "ticket", null, authorization: "anna", origin: "https://friend.example")).Body;
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(site, "open", Body(0, Open(ticket: ticket)), origin: site.Origin)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(site, "open", Body(0, Open(ticket: ticket)), origin: "https://friend.example")).Status);
        ticket = (await PostAsync(site, "ticket", null, authorization: "anna", origin: "https://friend.example")).Body;
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(site, "open", Body(0, Open(ticket: ticket)), origin: "https://friend.example")).Status);
    }

    private static Task<SessionSite> StartWithTicketsAsync() => SessionSite.StartAsync(new SessionHubOptions { RequireTicket = true }, new TandemSessionsOptions
    {
        Origins = OriginPolicy.SameHostOr("https://friend.example"),
        Authenticate = async (request, _) =>
        {
            await Task.Yield();
            return request.GetHeader("Authorization") is { } name ? new SessionIdentity($"the principal of {name}", name) : null;
        },
    });

    private static byte[] Open(string token = "", byte[]? ticket = null) => new OpenFrame
    {
        Version = 1, Publisher = 7, Token = Encoding.ASCII.GetBytes(token), Ticket = ticket ?? [],
    }.ToShared().Span.ToArray();

    private static byte[] Message(string text) => new ClientMessageFrame { Payload = Encoding.UTF8.GetBytes(text) }.ToShared().Span.ToArray();

    private static byte[] Body(byte first, params byte[][] frames) => [first, .. frames.SelectMany(frame => (byte[])[(byte)frame.Length, .. frame])];

    private static long AckIn(byte[] body)
    {
        var frames = new FrameBody(body, 1024);
        Assert.True(frames.TryRead(out ReadOnlySpan<byte> frame));
        Assert.Equal(SessionFault.None, AckFrame.Read(frame, out AckFrame ack));
        return ack.Received;
    }

    private static List<string> MessagesIn(byte[] body, long first)
    {
        List<string> messages = [];
        var frames = new FrameBody(body, 1024);
        Assert.Equal(first, frames.First);
        while (frames.TryRead(out ReadOnlySpan<byte> frame))
        {
            if (ServerMessageFrame.Read(frame, out ServerMessageFrame message) == SessionFault.None) messages.Add(Encoding.UTF8.GetString(message.Payload));
        }

        return messages;
    }

    private async Task<string> OpenAsync(SessionSite site, string token = "")
    {
        (HttpStatusCode status, byte[] answer) = await PostAsync(site, "open", Body(0, Open(token)));
        Assert.Equal(HttpStatusCode.OK, status);
        return TokenIn(answer);
    }

    private static string TokenIn(byte[] answer)
    {
        var frames = new FrameBody(answer, 1024);
        Assert.True(frames.TryRead(out ReadOnlySpan<byte> frame));
        Assert.Equal(SessionFault.None, OpenedFrame.Read(frame, out OpenedFrame opened));
        return Encoding.ASCII.GetString(opened.Token);
    }

    private async Task<(HttpStatusCode Status, byte[] Body)> PostAsync(
        SessionSite site, string name, byte[]? body, string? token = null, long? received = null, int wait = 0, string type = "application/octet-stream",
        string? origin = null, string? authorization = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(site.Base, name));
        if (body is { Length: > 0 })
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        }

        if (token is not null) request.Headers.Add("Tandem-Session", token);
        if (received is not null) request.Headers.Add("Tandem-Received", $"{received}");
        if (wait > 0) request.Headers.Add("Tandem-Wait", $"{wait}");
        if (origin is not null) request.Headers.Add("Origin", origin);
        if (authorization is not null) request.Headers.TryAddWithoutValidation("Authorization", authorization);
        using HttpResponseMessage response = await _http.SendAsync(request).InTime();
        Assert.True(response.Headers.CacheControl!.NoStore);
        return (response.StatusCode, await response.Content.ReadAsByteArrayAsync());
    }
}
