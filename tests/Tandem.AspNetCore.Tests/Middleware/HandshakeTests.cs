using System.Net;
using Microsoft.AspNetCore.Http;
using Tandem.Protocol.Handshake;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>
/// RFC 6455 section 4.2 and RFC 8441 section 5 behind ASP.NET Core's parser: which requests are handshakes, and what a client is told whose
/// handshake is none, where the application refuses it by custom with a bare 400.
/// </summary>
public sealed class HandshakeTests
{
    private const string Key = $"Sec-WebSocket-Key: {Wire.Key}\r\n";

    /// <summary>A correct request with one thing changed: who accepts it, and what the rule is called. What the framework lets through is a difference.</summary>
    public static TheoryData<string, string, HandshakeRefusal, bool> Requests => new()
    {
        { "", "", HandshakeRefusal.None, true },
        { "Upgrade: websocket", "uPGRADE: h2c, WebSocket", HandshakeRefusal.None, true },
        { "Connection: Upgrade", "Connection: keep-alive, upgrade", HandshakeRefusal.None, true },
        { "GET /ws", "POST /ws", HandshakeRefusal.MethodNotGet, false },
        { Key, "", HandshakeRefusal.MissingKey, false },
        { Key, Key + Key, HandshakeRefusal.MissingKey, false },
        { Wire.Key, "dGhlIHNhbXBsZSBub25jZQ=", HandshakeRefusal.InvalidKey, false },
        { Wire.Key, "dGhlIHNhbXBsZQ==", HandshakeRefusal.InvalidKey, false },
        { "Sec-WebSocket-Version: 13\r\n", "", HandshakeRefusal.UnsupportedVersion, false },
        { "Version: 13", "Version: 8", HandshakeRefusal.UnsupportedVersion, false },
        { "Version: 13", "Version: 13, 8", HandshakeRefusal.UnsupportedVersion, true },
        { "Connection: Upgrade", "Connection: keep-alive", HandshakeRefusal.ConnectionNotUpgrade, false },
        { Key, Key + "Origin: http://localhost\r\nOrigin: http://localhost\r\n", HandshakeRefusal.InvalidOrigin, true },
        { Key, Key + "Sec-WebSocket-Protocol: chat, chat\r\n", HandshakeRefusal.InvalidSubprotocols, true },
        { Key, Key + "Sec-WebSocket-Protocol: \r\n", HandshakeRefusal.InvalidSubprotocols, true },
        { Key, Key + "Sec-WebSocket-Extensions: permessage-deflate; =\r\n", HandshakeRefusal.InvalidExtensions, true },
        { Key, Key + "Sec-WebSocket-Protocol: ch\u00C3\u00A4t\r\n", HandshakeRefusal.InvalidCharacter, true },
        { Key, Key + $"Sec-WebSocket-Protocol: {new string('x', 9000)}\r\n", HandshakeRefusal.HeadTooLong, true },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_handshake_is_accepted_or_told_what_is_wrong(string part, string instead, HandshakeRefusal refusal, bool frameworkAccepts)
    {
        string request = part == "" ? Wire.Request() : Wire.Request().Replace(part, instead, StringComparison.Ordinal);
        Assert.Equal(part == "", request == Wire.Request());

        Assert.Equal(frameworkAccepts ? 101 : 400, Status(await AnswerAsync(Maker.Framework, request)));
        string answer = await AnswerAsync(Maker.Tandem, request);
        if (refusal == HandshakeRefusal.None)
        {
            Assert.Equal(101, Status(answer));
            Assert.Contains($"\r\nSec-WebSocket-Accept: {Wire.Accept}\r\n", answer, StringComparison.Ordinal);
            return;
        }

        Assert.Equal(refusal.Status(), Status(answer));
        Assert.Contains(refusal.Text(), answer, StringComparison.Ordinal);
        // Section 4.4: the versions that the server speaks. RFC 9110 section 15.5.22: the protocol to upgrade to.
        Assert.Equal(refusal.Status() == 426, answer.Contains("\r\nSec-WebSocket-Version: 13\r\n", StringComparison.Ordinal));
        Assert.Equal(refusal.Status() == 426, answer.Contains("\r\nUpgrade: websocket\r\n", StringComparison.Ordinal));
        Assert.Equal(refusal.Status() == 405, answer.Contains("\r\nAllow: GET\r\n", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("websocket", HandshakeRefusal.None, "Sec-WebSocket-Version: 13")]
    [InlineData("WebSocket", HandshakeRefusal.None, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: not looked at")]
    [InlineData("websocket", HandshakeRefusal.UnsupportedVersion)]
    [InlineData("websocket", HandshakeRefusal.UnsupportedVersion, "Sec-WebSocket-Version: 8")]
    [InlineData("websocket", HandshakeRefusal.InvalidSubprotocols, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: a, a")]
    public async Task An_extended_CONNECT_is_accepted_or_told_what_is_wrong(string protocol, HandshakeRefusal refusal, params string[] fields)
    {
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, Door.H2c, EndAsync);
        using HttpResponseMessage answer = await app.ExtendedConnectAsync(protocol, fields);
        Assert.Equal(refusal == HandshakeRefusal.None ? 200 : refusal.Status(), (int)answer.StatusCode);
        if (refusal == HandshakeRefusal.None) return;
        Assert.Contains(refusal.Text(), await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(refusal.Status() == 426, answer.Headers.Contains("Sec-WebSocket-Version"));
        Assert.False(answer.Headers.Contains("Upgrade")); // RFC 9113 section 8.2.2
    }

    [Fact]
    public async Task An_extended_CONNECT_for_another_protocol_is_none_of_ours()
    {
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, Door.H2c, EndAsync);
        using HttpResponseMessage answer = await app.ExtendedConnectAsync("webtransport", "Sec-WebSocket-Version: 13");
        Assert.Equal((HttpStatusCode.BadRequest, ""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task An_application_that_answers_a_bad_handshake_itself_is_not_overruled()
    {
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, Door.Http1, async context =>
        {
            Assert.False(context.WebSockets.IsWebSocketRequest);
            await context.Response.WriteAsync("a page");
        });
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Send(Wire.Request("/ws", "Connection: close").Replace(Key, "", StringComparison.Ordinal));
        string answer = await client.ReadToEnd();
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("a page", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Accepting_what_is_no_handshake_names_the_rule()
    {
        Exception? thrown = null;
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, Door.Http1, async context =>
            thrown = await Record.ExceptionAsync(() => context.WebSockets.AcceptWebSocketAsync()));
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Send(Wire.Request().Replace(Wire.Key, "short", StringComparison.Ordinal));
        await client.ReadHead();
        Assert.Contains(HandshakeRefusal.InvalidKey.Text(), Assert.IsType<InvalidOperationException>(thrown).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_frame_right_behind_the_request_is_received()
    {
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, Door.Http1, Endpoints.Echo());
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Send(Wire.Concat([Wire.Ascii(Wire.Request()), Wire.Text("early")]));
        await client.ReadAccepted();
        await client.ReadText("early");
        await client.Send(Wire.Close(1000));
        await client.ReadClose(1000);
        await client.ReadEnd(); // section 7.1.1: the server ends TCP first, and in order
    }

    private static async Task<string> AnswerAsync(Maker maker, string request)
    {
        await using TestApp app = await TestApp.StartAsync(maker, Door.Http1, EndAsync);
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Send(request);
        string head = await client.ReadHead();
        client.EndSending();
        return head + await client.ReadToEnd();
    }

    private static async Task EndAsync(HttpContext context)
    {
        if (context.WebSockets.IsWebSocketRequest) (await context.WebSockets.AcceptWebSocketAsync()).Dispose();
        else context.Response.StatusCode = StatusCodes.Status400BadRequest;
    }

    private static int Status(string answer) => int.Parse(answer.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture);
}
