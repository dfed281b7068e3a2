using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Tandem.AspNetCore;

/// <summary>A socket's stream that notices the peer's end while nobody reads, for an application that only sends, or does something else.</summary>
internal sealed class WatchedStream : NetworkStream
{
    private readonly Action _onPeerGone;
    private byte[]? _held;
    private int _heldStart;
    private int _reads;
    private volatile bool _isReading;
    private int _readsSeen; // of the watch
    private bool _isWatching;

    /// <param name="socket">The socket, which stays its owner's.</param>
    /// <param name="onPeerGone">Told, at most once, of an end that no read has come upon.</param>
    public WatchedStream(Socket socket, Action onPeerGone)
        : base(socket, ownsSocket: false)
    {
        _onPeerGone = onPeerGone;
        PeerWatch.Add(this);
    }

    /// <summary>Puts bytes before all that is still to be read.</summary>
    public void Hold(byte[] bytes) => _held = bytes.Length == 0 ? null : bytes;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_held is not null) return new ValueTask<int>(TakeHeld(buffer.Span));
        _reads++;
        ValueTask<int> read = base.ReadAsync(buffer, cancellationToken);
        if (read.IsCompleted) return read;
        _isReading = true;
        return FinishAsync(read);
    }

    /// <summary>The watch has come: where nobody has read since it came last, it waits for bytes itself, and takes none.</summary>
    public void OnTick()
    {
        bool quiet = !_isReading && _readsSeen == _reads;
        _readsSeen = _reads;
        if (!quiet || _isWatching) return;
        _isWatching = true;
        _ = WatchAsync(_reads);
    }

    protected override void Dispose(bool disposing)
    {
        PeerWatch.Remove(this);
        base.Dispose(disposing);
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

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> FinishAsync(ValueTask<int> read)
    {
        try
        {
            return await read.ConfigureAwait(false);
        }
        finally
        {
            _isReading = false;
        }
    }

    private async Task WatchAsync(int reads)
    {
        bool gone;
        try
        {
            await Socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None).ConfigureAwait(false);
            gone = Socket.Available == 0;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            gone = true;
        }

        _isWatching = false;
        // Who has begun to read meanwhile comes upon the end itself, and may have taken the bytes that this was told of.
        if (gone && reads == Volatile.Read(ref _reads)) _onPeerGone();
    }
}
