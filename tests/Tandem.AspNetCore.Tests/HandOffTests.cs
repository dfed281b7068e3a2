using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Tandem.AspNetCore.Tests;

/// <summary>One port: a WebSocket for a route of the event loop stays there, everything else reaches Kestrel as if nothing had been in between.</summary>
public sealed class HandOffTests
{
    private const string Upgrade =
        "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

    [Fact]
    public async Task Pages_and_posts_are_Kestrels()
    {
        await using OnePort host = await OnePort.StartAsync();
        using var client = new HttpClient();
        Assert.Equal("a page", await client.GetStringAsync(host.Http("/page")));
        using var body = new ByteArrayContent(new byte[3_000_000]);
        using HttpResponseMessage posted = await client.PostAsync(host.Http("/length"), body);
        Assert.Equal("3000000", await posted.Content.ReadAsStringAsync());
        using HttpResponseMessage absent = await client.GetAsync(host.Http("/absent"));
        Assert.Equal(HttpStatusCode.NotFound, absent.StatusCode);
    }

    [Fact]
    public async Task A_WebSocket_of_a_route_is_the_loops()
    {
        await using OnePort host = await OnePort.StartAsync();
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(host.WebSocket("/echo"), default);
        await socket.SendAsync("over one port"u8.ToArray(), WebSocketMessageType.Text, true, default);
        byte[] buffer = new byte[100];
        WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, default);
        Assert.Equal("over one port", Encoding.UTF8.GetString(buffer, 0, received.Count));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", default);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
    }

    [Fact]
    public async Task Several_requests_on_one_connection_are_all_answered()
    {
        await using OnePort host = await OnePort.StartAsync();
        await using NetworkStream stream = await host.DialAsync();
        for (int i = 0; i < 3; i++)
        {
            await stream.WriteAsync("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
            Assert.Contains("200 OK", await OnePort.ReadUntilAsync(stream, "a page"), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n", "a page")]
    [InlineData("POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", "\r\n\r\n")]
    [InlineData(Upgrade, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]
    public async Task A_request_that_comes_byte_by_byte_reaches_whom_it_is_for(string request, string answer)
    {
        await using OnePort host = await OnePort.StartAsync();
        await using NetworkStream stream = await host.DialAsync();
        stream.Socket.NoDelay = true;
        foreach (byte b in Encoding.Latin1.GetBytes(request)) await stream.WriteAsync(new[] { b });
        Assert.Contains(answer, await OnePort.ReadUntilAsync(stream, answer), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_frame_right_behind_the_request_is_answered()
    {
        await using OnePort host = await OnePort.StartAsync();
        await using NetworkStream stream = await host.DialAsync();
        byte[] frame = [0x81, 0x82, 0, 0, 0, 0, (byte)'h', (byte)'i'];
        await stream.WriteAsync(Encoding.Latin1.GetBytes(Upgrade).Concat(frame).ToArray());
        Assert.EndsWith("\u0081\u0002hi", await OnePort.ReadUntilAsync(stream, "\u0002hi"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_upgrade_to_an_unknown_path_is_Kestrels_404()
    {
        await using OnePort host = await OnePort.StartAsync();
        await using NetworkStream stream = await host.DialAsync();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(Upgrade.Replace("/echo", "/unknown", StringComparison.Ordinal)));
        Assert.StartsWith("HTTP/1.1 404", await OnePort.ReadUntilAsync(stream, "\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_that_is_too_long_at_a_WebSocket_path_is_the_loops_431()
    {
        await using OnePort host = await OnePort.StartAsync();
        await using NetworkStream stream = await host.DialAsync();
        string cookie = "Cookie: c=" + new string('x', 9000) + "\r\n\r\n";
        await stream.WriteAsync(Encoding.Latin1.GetBytes(Upgrade.Replace("\r\n\r\n", "\r\n" + cookie, StringComparison.Ordinal)));
        Assert.StartsWith("HTTP/1.1 431", await OnePort.ReadUntilAsync(stream, "8192 bytes"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plain_request_to_a_WebSocket_path_is_told_to_upgrade()
    {
        await using OnePort host = await OnePort.StartAsync();
        using var client = new HttpClient();
        using HttpResponseMessage answer = await client.GetAsync(host.Http("/echo"));
        Assert.Equal(HttpStatusCode.UpgradeRequired, answer.StatusCode);
        Assert.Equal("13", answer.Headers.GetValues("Sec-WebSocket-Version").Single());
        Assert.Contains("Upgrade must contain", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_sends_nothing_is_let_go_at_the_deadline()
    {
        await using OnePort host = await OnePort.StartAsync(configure: template => template with
        {
            HandshakeTimeout = TimeSpan.FromMilliseconds(50),
            TickInterval = TimeSpan.FromMilliseconds(10),
        });
        await using NetworkStream stream = await host.DialAsync();
        Assert.Equal("", await OnePort.ReadUntilAsync(stream, "anything"));
    }

    [Fact]
    public async Task Stopping_the_host_closes_WebSockets_with_1001_and_frees_the_port()
    {
        int port = Ports.Free();
        OnePort host = await OnePort.StartAsync(port);
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(host.WebSocket("/echo"), default);
        Task<WebSocketReceiveResult> receive = socket.ReceiveAsync(new byte[10], default);
        Task stop = host.StopAsync();
        Assert.Equal(WebSocketMessageType.Close, (await receive).MessageType);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
        await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, default);
        await stop;
        await host.DisposeAsync();
        await using OnePort again = await OnePort.StartAsync(port);
        Assert.Equal(port, again.Port);
    }

    [Fact]
    public async Task A_port_in_use_is_reported_as_Kestrel_reports_it()
    {
        await using OnePort host = await OnePort.StartAsync();
        IOException error = await Assert.ThrowsAsync<IOException>(() => OnePort.StartAsync(host.Port));
        Assert.Contains("address already in use", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chunked_body_arrives_whole()
    {
        await using OnePort host = await OnePort.StartAsync();
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, host.Http("/length")) { Content = new ByteArrayContent(new byte[2_000_000]) };
        request.Headers.TransferEncodingChunked = true;
        using HttpResponseMessage posted = await client.SendAsync(request);
        Assert.Equal("2000000", await posted.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_upgrade_behind_another_request_is_served_by_Kestrel()
    {
        await using OnePort host = await OnePort.StartAsync();
        await using NetworkStream stream = await host.DialAsync();
        await stream.WriteAsync("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
        await OnePort.ReadUntilAsync(stream, "a page");
        byte[] frame = [0x81, 0x82, 0, 0, 0, 0, (byte)'h', (byte)'i'];
        await stream.WriteAsync(Encoding.Latin1.GetBytes(Upgrade).Concat(frame).ToArray());
        string answer = await OnePort.ReadUntilAsync(stream, "\u0002hi");
        Assert.StartsWith("HTTP/1.1 101", answer, StringComparison.Ordinal);
        Assert.Contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HTTP_2_with_prior_knowledge_is_Kestrels()
    {
        await using OnePort host = await OnePort.StartAsync(builder => builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2)));
        using var client = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Assert.Equal("HTTP/2", await client.GetStringAsync(host.Http("/protocol")));
    }
}
