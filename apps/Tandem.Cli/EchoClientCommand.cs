using System.Buffers;
using System.CommandLine;
using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.WebSockets;

namespace Tandem.Cli;

/// <summary>
/// <c>tandem echo-client</c>: connects and sends back whatever it receives, until the server closes. For testing servers, and this client
/// with the suites of others.
/// </summary>
internal static class EchoClientCommand
{
    public static Command Create()
    {
        var uri = CommonOptions.Url();
        var noDeflate = CommonOptions.NoDeflateOffer();
        var command = new Command("echo-client", "Connect to a server and send back whatever it sends, until it closes. Exit code 0 after a clean close.")
        {
            uri, noDeflate,
        };
        command.SetAction((result, cancellation) => RunAsync(result.GetValue(uri)!, result.GetValue(noDeflate) ? null : new DeflateOptions(), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(Uri uri, DeflateOptions? deflate, CancellationToken cancellation)
    {
        try
        {
            var options = new WebSocketClientOptions
            {
                Deflate = deflate,
                Connection = new WebSocketConnectionOptions { MaxMessageSize = 64 * 1024 * 1024 }, // messages are gathered, so they are bounded
            };
            using WebSocketConnection connection = await WebSocketClient.ConnectAsync(uri, options, cancellation);
            await EchoAsync(connection, cancellation);
            return connection.CloseCause is { Initiator: CloseInitiator.Peer } ? 0 : 1;
        }
        catch (WebSocketException exception)
        {
            Console.Error.WriteLine($"tandem: {exception.Message}");
            return 1;
        }
        catch (OperationCanceledException)
        {
            return 130; // Ctrl-C, as shells count it
        }
    }

    // Whole messages: what turns out to be no UTF-8 must not have been sent back in part.
    private static async Task EchoAsync(WebSocketConnection connection, CancellationToken cancellation)
    {
        var message = new ArrayBufferWriter<byte>(64 * 1024);
        while (true)
        {
            ValueWebSocketReceiveResult received = await connection.ReceiveAsync(message.GetMemory(64 * 1024), cancellation);
            if (received.MessageType == WebSocketMessageType.Close) break;
            message.Advance(received.Count);
            if (!received.EndOfMessage) continue;
            await connection.SendAsync(message.WrittenMemory, received.MessageType, endOfMessage: true, cancellation);
            message.ResetWrittenCount();
        }

        // RFC 6455 section 5.5.1: answered with the code that came; none with none.
        WebSocketCloseStatus status = connection.CloseCause is { Status: WebSocketCloseStatus.Empty } ? WebSocketCloseStatus.Empty : connection.CloseStatus!.Value;
        await connection.CloseOutputAsync(status, status == WebSocketCloseStatus.Empty ? null : connection.CloseStatusDescription, cancellation);
    }
}
