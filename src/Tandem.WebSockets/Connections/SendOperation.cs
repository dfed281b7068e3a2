using System.Buffers;
using System.Net.WebSockets;
using System.Threading.Tasks.Sources;

namespace Tandem.WebSockets.Connections;

/// <summary>
/// One frame that waits to be written, and what its sender awaits. Used again when the sender has taken its result, so that sending
/// allocates nothing.
/// </summary>
/// <remarks>Fields other than the result are guarded by the connection's gate until <see cref="FrameSender"/> has taken the operation.</remarks>
internal sealed class SendOperation(FrameSender sender) : IValueTaskSource, IThreadPoolWorkItem
{
    /// <summary>Payloads above this, in bytes, are written from where they lie; below, one write with a copy is cheaper than two.</summary>
    public const int DirectBytes = 32 * 1024;

    private ManualResetValueTaskSourceCore<bool> _core; // continuations run where SetResult is called: see Complete
    private CancellationTokenRegistration _registration;
    private Exception? _error;
    private volatile bool _isComplete;

    public ReadOnlyMemory<byte> Payload { get; set; }

    public WebSocketMessageType Type { get; set; }

    public bool EndOfMessage { get; set; }

    /// <summary>The code of a close frame; null for data.</summary>
    public WebSocketCloseStatus? CloseStatus { get; set; }

    public string CloseReason { get; set; } = "";

    /// <summary>The ping that it is; null for anything else.</summary>
    public PendingPing? Ping { get; init; }

    /// <summary>The rented memory that <see cref="Payload"/> lies in when it is compressed; else null.</summary>
    public byte[]? Compressed { get; set; }

    /// <summary>Bytes that it was compressed from.</summary>
    public int PlainLength { get; set; }

    /// <summary>Whether its payload is written from where it lies.</summary>
    public bool IsLarge => CloseStatus is null && Payload.Length > DirectBytes;

    /// <summary>Whether it is a message by itself: without it the stream of frames still makes sense.</summary>
    public bool IsWhole { get; set; }

    /// <summary>Whether it still waits in the queue.</summary>
    public bool IsQueued { get; set; }

    public SendOperation? Next { get; set; }

    /// <summary>Whether its fate is decided, even if its sender has not looked yet: a cancellation comes too late.</summary>
    public bool IsComplete => _isComplete;

    public CancellationToken CancellationToken { get; private set; }

    public ValueTask Task => new(this, _core.Version);

    public void Register(CancellationToken cancellationToken)
    {
        CancellationToken = cancellationToken;
        _registration = cancellationToken.UnsafeRegister(
            static state =>
            {
                var operation = (SendOperation)state!;
                operation.Sender.Cancel(operation);
            },
            this);
    }

    /// <summary>Completes the operation.</summary>
    /// <param name="error">Null when it was written.</param>
    /// <param name="beforeAwait">
    /// The sender is the caller, still inside its call: nobody can be awaiting yet. Otherwise a thread of the pool runs what awaits: the
    /// sender's code must not hold up the frames of others.
    /// </param>
    public void Complete(Exception? error, bool beforeAwait)
    {
        _error = error;
        _isComplete = true;
        if (beforeAwait) Execute();
        else ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    public void Execute()
    {
        if (_error is { } error) _core.SetException(error);
        else _core.SetResult(true);
    }

    public void GetResult(short token)
    {
        // Waits for a cancellation that is under way at this moment, so that it cannot hit the operation's next use.
        _registration.Dispose();
        try
        {
            _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            Clear();
            sender.Recycle(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private FrameSender Sender => sender;

    private void Clear()
    {
        _registration = default;
        _error = null;
        _isComplete = false;
        CancellationToken = default;
        Payload = default;
        if (Compressed is not null) ArrayPool<byte>.Shared.Return(Compressed);
        Compressed = null;
        CloseStatus = null;
        CloseReason = "";
    }
}
