namespace Tandem.WebSockets.Connections;

/// <summary>A ping of the application that waits for its pong.</summary>
internal sealed class PendingPing(byte[] payload) : TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public byte[] Payload => payload;

    /// <summary>When it was given to the stream, by the connection's clock; null while it waits behind other frames.</summary>
    public long? SentAt { get; set; }
}

/// <summary>The application's pings that wait for their pongs, in the order in which they are sent.</summary>
/// <remarks>Every member is used with the connection's gate held.</remarks>
internal sealed class PendingPings(TimeProvider time)
{
    private readonly List<PendingPing> _pings = [];
    private PendingPing? _beforeKeepAlive; // the last one sent before the keep-alive's own ping

    public int Count => _pings.Count;

    public bool Contains(ReadOnlySpan<byte> payload)
    {
        foreach (PendingPing ping in _pings)
        {
            if (payload.SequenceEqual(ping.Payload)) return true;
        }

        return false;
    }

    public void Add(PendingPing ping) => _pings.Add(ping);

    public void OnSent(PendingPing ping)
    {
        ping.SentAt = time.GetTimestamp();
        if (ping.Task.IsCompleted) _pings.Remove(ping);
    }

    /// <summary>The keep-alive's ping, which has no payload, is sent now.</summary>
    public void OnKeepAliveSent() => _beforeKeepAlive = _pings.FindLast(ping => ping.SentAt is not null);

    /// <summary>
    /// A pong has come. Who has several pings to answer may answer the latest only (RFC 6455 section 5.5.3), so the pings sent before it are
    /// answered as well. A pong that answers none is ignored, as one that nobody asked for.
    /// </summary>
    public void OnPong(ReadOnlySpan<byte> payload)
    {
        int last = payload.IsEmpty && _beforeKeepAlive is not null ? _pings.IndexOf(_beforeKeepAlive) : IndexOf(payload);
        if (payload.IsEmpty) _beforeKeepAlive = null;
        for (int i = 0; i <= last; i++) _pings[i].TrySetResult(time.GetElapsedTime(_pings[i].SentAt!.Value));
        _pings.RemoveRange(0, last + 1);
    }

    /// <summary>
    /// Its caller has stopped waiting. One that is still queued keeps its place until it is sent: who cancels behind a stalled write must not
    /// fill the queue.
    /// </summary>
    public void Leave(PendingPing ping)
    {
        if (ping.SentAt is not null) _pings.Remove(ping);
    }

    /// <summary>No pong comes any more.</summary>
    public void Fail(Func<Exception> failure)
    {
        foreach (PendingPing ping in _pings) ping.TrySetException(failure());
        _pings.Clear();
    }

    // One that was not sent yet cannot have been answered, whatever the peer guesses.
    private int IndexOf(ReadOnlySpan<byte> payload)
    {
        for (int i = 0; i < _pings.Count && _pings[i].SentAt is not null; i++)
        {
            if (payload.SequenceEqual(_pings[i].Payload)) return i;
        }

        return -1;
    }
}
