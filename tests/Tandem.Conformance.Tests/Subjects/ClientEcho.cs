using System.Net;
using System.Net.WebSockets;
using Tandem.WebSockets;

namespace Tandem.Conformance.Tests.Subjects;

/// <summary>The client, which echoes.</summary>
internal static class ClientEcho
{
    public static async Task RunAsync(IPEndPoint endPoint, SubjectOptions options)
    {
        var connect = new WebSocketClientOptions
        {
            Deflate = options.Deflate,
            Connection = new WebSocketConnectionOptions { MaxMessageSize = options.MaxMessageSize },
        };
        WebSocketConnection connection;
        try
        {
            connection = await WebSocketClient.ConnectAsync(new Uri($"ws://{endPoint}/ws"), connect);
        }
        catch (WebSocketException exception) when (exception.InnerException is WebSocketConnectException)
        {
            return; // refused, or refusing: the tester has seen how
        }

        await ConnectionEcho.RunAsync(connection);
    }
}
