using Tandem.Protocol.Compression;

namespace Tandem.WebSockets.Client;

/// <summary>An open connection, as the opening handshake leaves it.</summary>
/// <param name="Stream">The connection, TLS and tunnel included; whoever gets this owns it.</param>
/// <param name="Subprotocol">The subprotocol that the server chose of those offered, or null.</param>
/// <param name="Deflate">What was agreed on for permessage-deflate, or null.</param>
/// <param name="Received">Bytes that came behind the answer: the first frames.</param>
/// <param name="Headers">The fields of the answer, in order.</param>
internal readonly record struct ClientHandshakeResult(
    Stream Stream, string? Subprotocol, DeflateParameters? Deflate, byte[] Received, IReadOnlyList<KeyValuePair<string, string>> Headers);
