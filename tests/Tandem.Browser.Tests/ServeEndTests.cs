using System.Net;
using System.Net.WebSockets;

namespace Tandem.Browser.Tests;

/// <summary>The end of <c>tandem serve</c> behind a load balancer: SIGTERM, not ready, WebSockets closed with 1001, exit code 0.</summary>
public sealed class ServeEndTests
{
    [Fact]
    public async Task SIGTERM_is_told_first_and_then_carried_out()
    {
        (TandemProcess tandem, string line) = await TandemProcess.StartAsync("serve --port 0 --drain-delay 10", "http://");
        await using (tandem) // waits for the end, and for exit code 0
        {
            var address = new Uri(line[line.IndexOf("http://", StringComparison.Ordinal)..]);
            using var client = new HttpClient();
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, new Uri(address, "/healthz")));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, new Uri(address, "/readyz")));
            using var socket = new ClientWebSocket();
            await socket.ConnectAsync(new Uri($"ws://{address.Authority}/chat"), default);
            Task<WebSocketReceiveResult> received = socket.ReceiveAsync(new byte[100], default);

            tandem.Terminate();
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (await StatusAsync(client, new Uri(address, "/readyz")) != HttpStatusCode.ServiceUnavailable) deadline.Token.ThrowIfCancellationRequested();
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, new Uri(address, "/healthz")));
            Assert.False(received.IsCompleted);

            Assert.Equal(WebSocketMessageType.Close, (await received.WaitAsync(deadline.Token)).MessageType);
            Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
            await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, default);
        }
    }

    // A peer that does not answer the close frame is dropped after 5 s; longer than the 2 s after which command lines are cut off by default.
    [Theory]
    [InlineData("serve --port 0", "http://", "/chat")]
    [InlineData("echo --port 0", "ws://", "/")]
    public async Task A_peer_that_does_not_answer_is_waited_for_and_does_not_spoil_the_exit_code(string command, string scheme, string path)
    {
        using var socket = new ClientWebSocket(); // lives longer than the server, and never reads
        (TandemProcess tandem, string line) = await TandemProcess.StartAsync(command, scheme);
        await using (tandem)
        {
            var address = new Uri(line[line.IndexOf(scheme, StringComparison.Ordinal)..].Split(' ')[0]);
            await socket.ConnectAsync(new Uri($"ws://{address.Authority}{path}"), default);
        }
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, Uri uri)
    {
        using HttpResponseMessage answer = await client.GetAsync(uri);
        return answer.StatusCode;
    }
}
