using System.Text;
using Tandem.Cli.Bench;

namespace Tandem.Benchmarks;

/// <summary>
/// The client's opening handshake (RFC 6455 section 4.1). The key is the RFC's own example, so the accept value is known from section 1.3
/// and not computed by the code that is being measured.
/// </summary>
internal sealed class Upgrade(int port, string path, string? subprotocol = null)
{
    private readonly byte[] _request = Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\n" +
        $"Host: 127.0.0.1:{port}\r\n" +
        "Upgrade: websocket\r\n" +
        "Connection: Upgrade\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
        (subprotocol is null ? "" : $"Sec-WebSocket-Protocol: {subprotocol}\r\n") +
        "Sec-WebSocket-Version: 13\r\n\r\n");

    private readonly byte[] _response = new byte[8 * 1024];

    private static ReadOnlySpan<byte> Accept => "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="u8;

    /// <summary>Connects and asks; the answer is for <see cref="Finish"/>, so that many can be under way.</summary>
    public int Begin(int source)
    {
        int fd = ClientSocket.Connect(port, source);
        ClientSocket.SendAll(fd, _request);
        return fd;
    }

    /// <summary>Waits for the answer and judges it.</summary>
    public void Finish(int fd)
    {
        int received = 0;
        int end;
        do
        {
            if (received == _response.Length) throw new BenchException("the answer to the handshake does not end");
            received += ClientSocket.Receive(fd, _response.AsSpan(received));
            end = _response.AsSpan(0, received).IndexOf("\r\n\r\n"u8);
        }
        while (end < 0);

        ReadOnlySpan<byte> head = _response.AsSpan(0, end);
        if (!head.StartsWith("HTTP/1.1 101 "u8))
        {
            throw new BenchException($"the handshake was refused: {Encoding.Latin1.GetString(head[..Math.Max(0, head.IndexOf("\r\n"u8))])}");
        }

        if (head.IndexOf(Accept) < 0) throw new BenchException("the handshake's Sec-WebSocket-Accept is wrong");
        if (received != end + 4) throw new BenchException("the server sent something before it was sent anything");
    }
}
