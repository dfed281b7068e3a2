namespace Tandem.WebSockets;

/// <summary>A path and what serves it.</summary>
/// <param name="path">The path, as a client spells it: compared byte by byte, without decoding and with its case.</param>
/// <param name="handler">What serves it.</param>
public sealed class WebSocketRoute(string path, WebSocketHandler handler)
{
    private readonly byte[] _pathBytes = System.Text.Encoding.UTF8.GetBytes(path);

    /// <summary>The path.</summary>
    public string Path { get; } = path;

    /// <summary>What serves it.</summary>
    public WebSocketHandler Handler { get; } = handler;

    /// <summary>The subprotocols that it speaks: of those the client's favourite is chosen, or none when it offers none of them. Default: none.</summary>
    public IReadOnlyList<string> Subprotocols
    {
        get => SubprotocolArray;
        init => SubprotocolArray = [.. value];
    }

    internal string[] SubprotocolArray { get; private init; } = [];

    internal bool Matches(ReadOnlySpan<byte> path) => path.SequenceEqual(_pathBytes);
}
