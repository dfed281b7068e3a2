using System.Net.Sockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets;

namespace Tandem.Conformance.Tests.Subjects;

/// <summary>A host of a connection over a stream, as anyone would write it: the handshake of the core, then <see cref="WebSocketConnection"/>.</summary>
internal static class StreamEcho
{
    public static async Task RunAsync(Socket socket, SubjectOptions options)
    {
        socket.NoDelay = true;
        var stream = new NetworkStream(socket, ownsSocket: true);
        await using (stream)
        {
            byte[] received = new byte[2 * HttpHead.MaxLength];
            byte[] answer = new byte[1024];
            int count = 0;
            int consumed;
            int length;
            WebSocketConnectionOptions? connection;
            while (!TryAnswer(received.AsSpan(0, count), options, answer, out consumed, out length, out connection))
            {
                int read = await stream.ReadAsync(received.AsMemory(count));
                if (read == 0) return;
                count += read;
            }

            await stream.WriteAsync(answer.AsMemory(0, length));
            if (connection is null) return;
            await ConnectionEcho.RunAsync(new WebSocketConnection(stream, connection, received.AsSpan(consumed, count - consumed)));
        }
    }

    private static bool TryAnswer(
        ReadOnlySpan<byte> received, SubjectOptions options, Span<byte> answer, out int consumed, out int length, out WebSocketConnectionOptions? connection)
    {
        connection = null;
        consumed = length = 0;
        if (!UpgradeRequest.Parse(received, out UpgradeRequest request, out HandshakeRefusal refusal)) return false;
        if (refusal == HandshakeRefusal.None) refusal = request.Judge();
        if (refusal != HandshakeRefusal.None)
        {
            length = HandshakeRefusals.Write(answer, refusal);
            return true;
        }

        DeflateParameters? deflate = null;
        string? extensions = null;
        if (options.Deflate is not null)
        {
            extensions = DeflateNegotiation.Accept(request.Head, options.Deflate, out DeflateParameters parameters);
            if (extensions is not null) deflate = parameters;
        }

        consumed = request.Head.Length;
        length = ServerHandshake.WriteAccepted(answer, in request, subprotocol: null, extensions);
        connection = new WebSocketConnectionOptions
        {
            Role = WebSocketRole.Server,
            Deflate = deflate,
            DeflateOptions = options.Deflate ?? new DeflateOptions(),
            MaxMessageSize = options.MaxMessageSize,
        };
        return true;
    }
}
