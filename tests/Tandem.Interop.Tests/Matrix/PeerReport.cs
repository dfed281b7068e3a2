namespace Tandem.Interop.Tests.Matrix;

/// <summary>How a connection was, seen through the peer's interface; every peer tells it at the end of each connection.</summary>
/// <param name="Id">The path of the connection's URI, without its slash.</param>
/// <param name="Protocol">The subprotocol, or empty.</param>
/// <param name="Code">The close code that it received.</param>
/// <param name="Reason">The reason that came with the code.</param>
/// <param name="Error">Why there was no connection, when there was none.</param>
public sealed record PeerReport(string Id, string? Protocol, int Code, string? Reason, string? Error);
