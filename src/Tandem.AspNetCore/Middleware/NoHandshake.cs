using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Tandem.AspNetCore.Middleware;

/// <summary>The feature of every request that asks for no WebSocket: one object for all, so that they cost nothing.</summary>
internal sealed class NoHandshake : IHttpWebSocketFeature
{
    public static NoHandshake Instance { get; } = new();

    public bool IsWebSocketRequest => false;

    public Task<WebSocket> AcceptAsync(WebSocketAcceptContext context) =>
        Task.FromException<WebSocket>(new InvalidOperationException("Not a WebSocket request."));
}
