using System.Net;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets;

/// <summary>A handshake that a server has refused.</summary>
/// <param name="RemoteEndPoint">Where it came from; <see cref="IPAddress.None"/> when its transport has no such address.</param>
/// <param name="Refusal">The rule; None when the application has refused with a status of its own.</param>
/// <param name="StatusCode">The HTTP status that it was answered with.</param>
public readonly record struct RefusedHandshake(IPEndPoint RemoteEndPoint, HandshakeRefusal Refusal, int StatusCode);
