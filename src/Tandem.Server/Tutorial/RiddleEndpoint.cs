using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets;

namespace Tandem.Server.Tutorial;

/// <summary>
/// The subprotocol riddle at <c>/chat/riddle</c>: a server that names the subprotocol "chat" in its answer whether or not the client
/// offered it, which RFC 6455 section 4.2.2 forbids and which makes a client fail the connection (section 4.1). Our own handshake refuses
/// to write such an answer, so this one is written by hand on Kestrel's raw upgrade, and spoken on with the framework's own WebSocket.
/// </summary>
internal sealed class RiddleEndpoint(WireObservers observers)
{
    private static readonly TimeSpan MaxLife = TimeSpan.FromMinutes(5);

    public async Task HandleAsync(HttpContext context)
    {
        IHttpUpgradeFeature? upgrade = context.Features.Get<IHttpUpgradeFeature>();
        StringValues key = context.Request.Headers.SecWebSocketKey;
        if (upgrade is not { IsUpgradableRequest: true } || key.Count != 1 || !AcceptKey.IsValid(Encoding.Latin1.GetBytes(key[0]!)))
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            await context.Response.WriteAsync("426 Upgrade Required: this path speaks WebSocket\n");
            return;
        }

        context.Response.Headers.Clear(); // nothing but the handshake, for those who will read it
        string accept = Accept(key[0]!);
        context.Response.Headers.Upgrade = "websocket";
        context.Response.Headers.Connection = "Upgrade";
        context.Response.Headers.SecWebSocketAccept = accept;
        context.Response.Headers.SecWebSocketProtocol = "chat";
        WebSocketPeer? observer = observers.Find(context.Request.Query["id"]);
        if (observer is not null) WireReport.Handshake(observer, RequestText(context.Request), ResponseText(context.Response), key[0]!, accept);

        using var life = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        life.CancelAfter(MaxLife);
        Stream stream = await upgrade.UpgradeAsync();
        using var socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, SubProtocol = "chat" });
        try
        {
            await GreetAsync(socket, context.Request.Query["lang"], observer, life.Token);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or IOException)
        {
            // The riddle's first half: the browser drops the connection without a word.
        }

        if (observer is not null)
        {
            WireReport.Close(observer, (int)(socket.CloseStatus ?? CloseCause.Abnormal), socket.CloseStatusDescription ?? "", byClient: true);
        }
    }

    private static async Task GreetAsync(WebSocket socket, string? language, WebSocketPeer? observer, CancellationToken cancellation)
    {
        byte[] buffer = new byte[1024];
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), cancellation);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(socket.CloseStatus ?? WebSocketCloseStatus.NormalClosure, socket.CloseStatusDescription, cancellation);
                return;
            }

            byte[] answer = Greeting.For(language, buffer.AsSpan(0, received.Count));
            await socket.SendAsync(answer, received.MessageType, endOfMessage: true, cancellation);
            if (observer is not null) WireReport.SentFrame(observer, received.MessageType, answer);
        }
    }

    private static string Accept(string key)
    {
        Span<byte> accept = stackalloc byte[AcceptKey.AcceptLength];
        AcceptKey.Compute(Encoding.Latin1.GetBytes(key), accept);
        return Encoding.Latin1.GetString(accept);
    }

    // Kestrel has taken the request apart already; this puts it together again, in its order of the fields.
    private static string RequestText(HttpRequest request)
    {
        var text = new StringBuilder($"{request.Method} {request.Path}{request.QueryString} {request.Protocol}\r\n");
        AppendFields(text, request.Headers);
        return text.ToString();
    }

    private static string ResponseText(HttpResponse response)
    {
        var text = new StringBuilder("HTTP/1.1 101 Switching Protocols\r\n");
        AppendFields(text, response.Headers);
        return text.ToString();
    }

    private static void AppendFields(StringBuilder text, IHeaderDictionary fields)
    {
        foreach ((string name, StringValues values) in fields)
        {
            foreach (string? value in values) text.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        text.Append("\r\n");
    }
}
