using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Client;
using static Tandem.WebSockets.Tests.Client.Connecting;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>An answer other than 101: status, fields and the start of the body reach the program, and nothing is followed.</summary>
public sealed class RefusedTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("Content-Length: 0\r\n", "")]
    [InlineData("Content-Length: 5\r\n", "hello")]
    [InlineData("", "until the end")]
    [InlineData("Content-Length: 50\r\n", "cut short")]
    [InlineData("Content-Length: nonsense\r\n", "loosely")]
    public async Task A_body_is_kept(string fields, string body)
    {
        await using ScriptedServer server = ScriptedServer.Answering($"HTTP/1.1 403 Forbidden\r\nX-Reason: why\r\n{fields}\r\n{body}");
        WebSocketConnectException failure = await Refused(server);
        Assert.Equal(403, failure.Status);
        Assert.Contains("403", failure.Message, StringComparison.Ordinal);
        Assert.Equal(new("X-Reason", "why"), failure.Headers[0]);
        Assert.Equal(body, Text(failure));
    }

    [Theory]
    [InlineData("Content-Length: 5\r\n", "hello, and more", "hello")]
    [InlineData("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n", "hello world")]
    [InlineData("Transfer-Encoding: chunked\r\n", "0A\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n", "0123456789")]
    [InlineData("Transfer-Encoding: gzip, Chunked\r\n", "2\r\nxx\r\nnonsense\r\n", "xx")]
    [InlineData("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\nFFFFFFFFF\r\nabc", "abc")]
    public async Task A_body_that_ends_is_not_waited_for_any_longer(string fields, string body, string kept)
    {
        // The server keeps the connection, and the deadline never comes.
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            await peer.ReadHead();
            await peer.Send($"HTTP/1.1 500 Internal Server Error\r\n{fields}\r\n{body}");
            await peer.End();
        });
        WebSocketConnectException failure = await Refused(server, new() { HandshakeTimeout = Timeout.InfiniteTimeSpan });
        Assert.Equal((500, kept), (failure.Status, Text(failure)));
    }

    [Theory]
    [InlineData(204)]
    [InlineData(304)]
    public async Task A_status_that_has_no_body_is_not_waited_for(int status)
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            await peer.ReadHead();
            await peer.Send($"HTTP/1.1 {status}\r\n\r\n");
            await peer.End();
        });
        WebSocketConnectException failure = await Refused(server, new() { HandshakeTimeout = Timeout.InfiniteTimeSpan });
        Assert.Equal((status, 0), (failure.Status, failure.Body.Length));
    }

    [Theory]
    [InlineData("Content-Length: 1000000\r\n", false)]
    [InlineData("", false)]
    [InlineData("Transfer-Encoding: chunked\r\n", true)]
    public async Task No_more_than_4_KiB_of_a_body_are_kept(string fields, bool chunked)
    {
        string body = new('x', 100);
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            await peer.ReadHead();
            await peer.Send($"HTTP/1.1 503 Busy\r\n{fields}\r\n");
            while (true) await peer.Send(chunked ? $"64\r\n{body}\r\n" : body);
        });
        WebSocketConnectException failure = await Refused(server);
        Assert.Equal(new string('x', WebSocketConnectException.MaxBodyLength), Text(failure));
    }

    [Fact]
    public async Task Chunks_so_small_that_the_buffer_fills_first_end_the_body_early()
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            await peer.ReadHead();
            await peer.Send("HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n");
            while (true) await peer.Send("1\r\nx\r\n");
        });
        WebSocketConnectException failure = await Refused(server);
        Assert.Equal(new string('x', HttpHead.MaxLength / 6), Text(failure)[..(HttpHead.MaxLength / 6)]);
    }

    [Fact]
    public async Task A_body_that_never_ends_is_told_as_far_as_it_came_when_the_deadline_passes()
    {
        // On a stream of its own making, because over a socket nobody can tell when the client has read the head.
        var time = new ManualClock();
        using var stream = new StallingStream(
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 100\r\n\r\nslow"u8.ToArray(),
            () => time.Advance(10));
        var options = new WebSocketClientOptions { TimeProvider = time };
        ClientTarget target = ClientTarget.Parse(new Uri("ws://localhost/"));
        OpeningRequest request = OpeningRequest.Create(target, null, options);
        WebSocketException outer = await Assert.ThrowsAsync<WebSocketException>(() => new ConnectPhases(time, default).RunAsync(
            WebSocketConnectPhase.Handshake, options.HandshakeTimeout, token => OpeningExchange.RunAsync(stream, request, target, options, token)).InTime());
        WebSocketConnectException failure = Assert.IsType<WebSocketConnectException>(outer.InnerException);
        Assert.Equal((429, "slow"), (failure.Status, Text(failure)));
        Assert.Contains(new("Retry-After", "5"), failure.Headers);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_is_not_followed(int status)
    {
        int connections = 0;
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            Interlocked.Increment(ref connections);
            await peer.ReadHead();
            await peer.Send($"HTTP/1.1 {status} Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");
        });
        WebSocketConnectException failure = await Refused(server);
        Assert.Equal(status, failure.Status);
        Assert.Contains(new("Location", "/other"), failure.Headers);
        Assert.Equal(1, connections);
    }

    [Fact]
    public async Task A_server_of_HTTP_1_0_is_understood_when_it_refuses()
    {
        await using ScriptedServer server = ScriptedServer.Answering("HTTP/1.0 404 File not found\r\nServer: SimpleHTTP\r\n\r\nno such thing");
        WebSocketConnectException failure = await Refused(server);
        Assert.Equal((404, "no such thing"), (failure.Status, Text(failure)));
    }

    private static async Task<WebSocketConnectException> Refused(ScriptedServer server, WebSocketClientOptions? options = null)
    {
        WebSocketConnectException failure = await Fails(server.Uri(), options, error: WebSocketError.NotAWebSocket);
        Assert.Equal((WebSocketConnectPhase.Handshake, ClientHandshakeFault.UnexpectedStatus), (failure.Phase, failure.Fault));
        return failure;
    }

    /// <summary>Gives what it has with the first read, then nothing more; the second read tells the test.</summary>
    private sealed class StallingStream(byte[] content, Action stalled) : MemoryStream
    {
        private bool _read;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_read)
            {
                stalled();
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            _read = true;
            content.CopyTo(buffer);
            return content.Length;
        }
    }

    private static string Text(WebSocketConnectException failure) => Encoding.Latin1.GetString(failure.Body.Span);
}
