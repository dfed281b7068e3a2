using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.Conformance.Tests.Subjects;

/// <summary>Who is tested: each sends back every message that it receives, whole.</summary>
public enum Subject
{
    /// <summary>The event-loop server.</summary>
    EventLoop,

    /// <summary>The same server without epoll, on asynchronous sockets.</summary>
    Sockets,

    /// <summary>A connection over a stream, as server.</summary>
    Stream,

    /// <summary>The client.</summary>
    Client,
}

/// <summary>How a subject is set up.</summary>
public sealed record SubjectOptions
{
    public static readonly SubjectOptions Default = new();

    /// <summary>What it offers or grants of permessage-deflate; null for nothing.</summary>
    public DeflateOptions? Deflate { get; init; }

    public int MaxMessageSize { get; init; } = WebSocketReaderOptions.DefaultMaxMessageSize;

    /// <summary>A text message that makes a subject close the connection itself, with <see cref="OwnCloseCode"/> and <see cref="OwnCloseReason"/>.</summary>
    public const string CloseCommand = "\u0001close";

    public const int OwnCloseCode = 4001;

    public const string OwnCloseReason = "the subject's own";
}
