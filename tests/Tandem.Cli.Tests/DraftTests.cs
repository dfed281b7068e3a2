using System.Net;
using System.Text;
using Tandem.Browser.Tests;

namespace Tandem.Cli.Tests;

/// <summary><c>--drafts</c>: clients of 2010 are answered where it is given, and only there.</summary>
public sealed class DraftTests
{
    private const string Request = "GET PATH HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n\r\n";

    [Theory]
    [InlineData("echo --port 0 --drafts", "ws://", "/", "beston", "beston")]
    [InlineData("serve --port 0 --coap-port 0 --drafts", "Tandem is at ", "/chat", "beston", "Hello, beston")]
    public async Task A_client_of_hixie75_is_served(string arguments, string says, string path, string sent, string answered)
    {
        (TandemProcess process, string line) = await TandemProcess.StartAsync(arguments, says);
        await using (process)
        {
            using RawClient client = await RawClient.Connect(EndPoint(line));
            await client.Send(Request.Replace("PATH", path, StringComparison.Ordinal));
            Assert.Equal(
                "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nWebSocket-Origin: http://127.0.0.1\r\n"
                + $"WebSocket-Location: ws://127.0.0.1{path}\r\n\r\n",
                await client.ReadHead());
            await client.Send((byte[])[0x00, .. Encoding.UTF8.GetBytes(sent), 0xFF]);
            byte[] answer = [0x00, .. Encoding.UTF8.GetBytes(answered), 0xFF];
            Assert.Equal(answer, await client.ReadBytes(answer.Length));
            client.EndSending();
            Assert.Equal("", await client.ReadToEnd());
        }
    }

    [Theory]
    [InlineData("echo --port 0", "ws://", "/")]
    [InlineData("serve --port 0 --coap-port 0", "Tandem is at ", "/chat")]
    public async Task Without_it_the_client_is_told_what_is_spoken(string arguments, string says, string path)
    {
        (TandemProcess process, string line) = await TandemProcess.StartAsync(arguments, says);
        await using (process)
        {
            using RawClient client = await RawClient.Connect(EndPoint(line));
            await client.Send(Request.Replace("PATH", path, StringComparison.Ordinal));
            string answer = await client.ReadToEnd();
            Assert.StartsWith("HTTP/1.1 426 ", answer, StringComparison.Ordinal);
            Assert.Contains("\r\nSec-WebSocket-Version: 13\r\n", answer, StringComparison.Ordinal);
        }
    }

    private static IPEndPoint EndPoint(string line)
    {
        string url = line.Split(' ').First(word => word.Contains("://", StringComparison.Ordinal));
        return new IPEndPoint(IPAddress.Loopback, new Uri(url).Port);
    }
}
