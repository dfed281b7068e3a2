namespace Tandem.Sessions;

/// <summary>The memory that all mailboxes of a process have together for what waits in them.</summary>
internal sealed class MailboxBudget(long bytes)
{
    // What a message costs beside its payload: an entry of a list, the message and its array. Otherwise empty ones were free.
    private const int MessageBytes = 256;

    private long _used;

    /// <summary>What is used, bytes.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Makes room for a message.</summary>
    /// <returns>False: there is none.</returns>
    public bool TryTake(int payload)
    {
        if (Interlocked.Add(ref _used, payload + MessageBytes) <= bytes) return true;
        Return(payload);
        return false;
    }

    /// <summary>A message is gone.</summary>
    public void Return(int payload) => Interlocked.Add(ref _used, -(payload + MessageBytes));
}
