using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Tandem.WebSockets.EventLoop;
using Tandem.WebSockets.Sockets;

namespace Tandem.WebSockets;

/// <summary>
/// A connected TCP socket as a stream, for a <see cref="WebSocketConnection"/>: what <see cref="NetworkStream"/> is, over Tandem's own epoll. A read that waits costs no system
/// call, one of zero bytes neither, and what awaits a read or a write goes on at once, on the thread of the pool that found the socket ready.
/// </summary>
/// <remarks>
/// <para>Asynchronous only. One read and one write at a time, which may overlap each other.</para>
/// <para>Who blocks a thread in what goes on behind an await holds one thread of the pool, as everywhere, and the other connections up for some milliseconds, once.</para>
/// </remarks>
public sealed class SocketStream : Stream
{
    // In milliseconds, between looks at a connection whose peer has ended its side while there was something to read, or nobody read.
    private const int EndCheck = 1000;

    private readonly Socket _socket;
    private readonly SafeSocketHandle _handle;
    private readonly bool _ownsSocket;
    private readonly Action? _onPeerGone;
    private readonly ReceiveOperation _receive;
    private TransmitOperation? _transmit; // made by the first write that has to wait
    private byte[]? _held;
    private int _heldStart;
    private int _reads;
    private volatile bool _hasHungUp;
    private int _isWatchingEnd;
    private int _isDisposed;

    /// <summary>Begins to watch a socket.</summary>
    /// <param name="socket">Connected. From now on nobody else receives or sends, and it does not block.</param>
    /// <param name="ownsSocket">Whether it is disposed of with the stream.</param>
    /// <param name="onPeerGone">
    /// Called, at most once, when a read has come upon the peer's end or a failure, and where nobody reads a second or two after it. Null: nobody wants to know.
    /// </param>
    /// <exception cref="IOException">The kernel does not watch the socket: it has no memory for it, the user's watches are used up, or another stream has it already.</exception>
    /// <exception cref="ObjectDisposedException">The socket has been closed.</exception>
    /// <exception cref="PlatformNotSupportedException">The system is not Linux.</exception>
    public SocketStream(Socket socket, bool ownsSocket, Action? onPeerGone = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException("SocketStream needs Linux (epoll).");
        socket.Blocking = false;
        _socket = socket;
        _handle = socket.SafeHandle;
        _ownsSocket = ownsSocket;
        _onPeerGone = onPeerGone;
        _receive = new ReceiveOperation(this);
        using var held = new HeldDescriptor(_handle);
        if (!SocketPump.Shared.TryAdd(this, held.Number, out int error))
            throw new IOException($"The kernel does not watch the socket: {new Win32Exception(error).Message}.", new Win32Exception(error));
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>What the pump knows it by.</summary>
    internal long Key { get; set; }

    /// <summary>Whether the peer has ended its side, or the connection has failed; bytes may still be there to be read.</summary>
    internal bool HasHungUp => _hasHungUp;

    /// <summary>Puts bytes before all that is still to be read: those that were read with what came before the stream. Once, and while nobody reads.</summary>
    /// <param name="bytes">Not copied.</param>
    public void Hold(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        _held = bytes.Length == 0 ? null : bytes;
    }

    /// <summary>Reads what there is, or waits for it.</summary>
    /// <param name="buffer">Where it goes. An empty one waits until there is something to read, or the end.</param>
    /// <param name="cancellationToken">Ends the wait; the stream goes on.</param>
    /// <returns>How many bytes; 0 at the end, and for an empty buffer.</returns>
    /// <exception cref="IOException">The connection has failed, or the stream was disposed of during the wait; the inner exception is a <see cref="SocketException"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The stream has been disposed of.</exception>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
        if (_held is not null && _isDisposed == 0) return new ValueTask<int>(TakeHeld(buffer.Span));
        _reads++;
        return _receive.ReceiveAsync(buffer, cancellationToken);
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Sends, and waits until the kernel has taken all.</summary>
    /// <param name="buffer">What is sent; not to be changed before.</param>
    /// <param name="cancellationToken">Ends the wait; how much has been sent then is not known.</param>
    /// <exception cref="IOException">The connection has failed, or the stream was disposed of during the wait; the inner exception is a <see cref="SocketException"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The stream has been disposed of.</exception>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        if (buffer.IsEmpty) return default;
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this); // the socket may be open still, and another's
            int count = Send(buffer.Span, out int error);
            if (count == buffer.Length) return default;
            if (count < 0 && error != Libc.Eagain) throw Failed(error);
            if (count > 0) buffer = buffer[count..];
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return ValueTask.FromException(exception);
        }

        // It tries again behind this, so an event that finds none has told nothing that is not seen.
        if (_transmit is null) Interlocked.Exchange(ref _transmit, new TransmitOperation(this));
        if (_isDisposed != 0) _transmit.End();
        return _transmit.SendAsync(buffer, cancellationToken);
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Does nothing: what is written has been sent.</summary>
    /// <param name="cancellationToken">Not looked at.</param>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc cref="FlushAsync"/>
    public override void Flush()
    {
    }

    /// <summary>Not supported: it would block a thread.</summary>
    /// <param name="buffer">Not used.</param>
    /// <param name="offset">Not used.</param>
    /// <param name="count">Not used.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc cref="Read(byte[], int, int)"/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>An event has come; on a thread of the pool.</summary>
    internal void OnEvents(EpollEvents events)
    {
        const EpollEvents ends = EpollEvents.PeerHangUp | EpollEvents.HangUp | EpollEvents.Error;
        if ((events & ends) != 0) _hasHungUp = true;
        bool receives = (events & (EpollEvents.In | ends)) != 0 && _receive.Tell();
        TransmitOperation? transmit = Volatile.Read(ref _transmit);
        bool sends = transmit is not null && (events & (EpollEvents.Out | EpollEvents.HangUp | EpollEvents.Error)) != 0 && transmit.Tell();

        // Both have been told before one goes on, and neither waits for the other: who awaits the one may block for what the other brings.
        if (sends && receives) ThreadPool.UnsafeQueueUserWorkItem(transmit!, preferLocal: false);
        else if (sends) transmit!.Execute();
        if (receives) _receive.Execute();
        if (_hasHungUp && _onPeerGone is not null && Interlocked.Exchange(ref _isWatchingEnd, 1) == 0) _ = WatchEndAsync();
    }

    /// <summary>recv(2).</summary>
    /// <returns>-1 for an error.</returns>
    /// <exception cref="ObjectDisposedException">The socket has been closed.</exception>
    internal unsafe int Receive(byte* buffer, int length, int flags, out int error)
    {
        using var held = new HeldDescriptor(_handle);
        while (true)
        {
            int count = (int)Libc.Receive(held.Number, buffer, length, flags);
            error = count < 0 ? Marshal.GetLastSystemError() : 0;
            if (error != Libc.Eintr) return count;
        }
    }

    /// <summary>send(2).</summary>
    /// <returns>-1 for an error.</returns>
    /// <exception cref="ObjectDisposedException">The socket has been closed.</exception>
    internal unsafe int Send(ReadOnlySpan<byte> bytes, out int error)
    {
        using var held = new HeldDescriptor(_handle);
        fixed (byte* start = bytes)
        {
            while (true)
            {
                int count = (int)Libc.Send(held.Number, start, bytes.Length, Libc.MsgNoSignal);
                error = count < 0 ? Marshal.GetLastSystemError() : 0;
                if (error != Libc.Eintr) return count;
            }
        }
    }

    /// <summary>What an operation ends with that waited when the stream was disposed of.</summary>
    internal static IOException Aborted() => Failed(SocketError.OperationAborted);

    /// <summary>What an operation ends with that the kernel has refused.</summary>
    /// <param name="error">errno.</param>
    internal static IOException Failed(int error) => Failed(error switch
    {
        Libc.Econnreset => SocketError.ConnectionReset,
        Libc.Epipe => SocketError.Shutdown,
        Libc.Etimedout => SocketError.TimedOut,
        _ => SocketError.SocketError,
    });

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            Forget();
            _receive.End();
            Volatile.Read(ref _transmit)?.End();
            if (_ownsSocket) CloseSocket();
        }

        base.Dispose(disposing);
    }

    private static IOException Failed(SocketError error)
    {
        var cause = new SocketException((int)error);
        return new IOException(cause.Message, cause);
    }

    // With FIN first: a reset alone, which the kernel sends where something has not been read, takes from the peer that what it reads was the end.
    private void CloseSocket()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It has been closed, or reset.
        }

        _socket.Dispose();
    }

    private void Forget()
    {
        try
        {
            using var held = new HeldDescriptor(_handle);
            SocketPump.Shared.Remove(Key, held.Number);
        }
        catch (ObjectDisposedException)
        {
            SocketPump.Shared.Remove(Key, descriptor: -1); // closed, and with that forgotten by the kernel
        }
    }

    private int TakeHeld(Span<byte> buffer)
    {
        ReadOnlySpan<byte> held = _held.AsSpan(_heldStart);
        int count = Math.Min(held.Length, buffer.Length);
        held[..count].CopyTo(buffer);
        _heldStart += count;
        if (count == held.Length) _held = null;
        return count;
    }

    private async Task WatchEndAsync()
    {
        try
        {
            while (!_receive.HasEnded)
            {
                int reads = Volatile.Read(ref _reads);
                await Task.Delay(EndCheck).ConfigureAwait(false);
                if (_isDisposed != 0) return;
                if (reads == Volatile.Read(ref _reads) && _receive.Peek(out bool isEnd) && isEnd) break;
            }

            _onPeerGone!();
        }
        catch (ObjectDisposedException)
        {
            // It has ended here too.
        }
    }
}
