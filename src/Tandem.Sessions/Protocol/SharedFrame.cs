namespace Tandem.Sessions.Protocol;

/// <summary>
/// A frame on its way to any number of sessions: its bytes, which never change, and what carriers have made of them. A carrier that compresses keeps
/// the result here, under a key of its own, so that the frame is compressed once for all carriers with that key. Safe for use by many threads.
/// </summary>
public class SharedFrame
{
    private readonly byte[] _bytes;
    private Form? _forms;

    internal SharedFrame(byte[] bytes) => _bytes = bytes;

    /// <summary>The frame, its type byte first.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>The frame, its type byte first.</summary>
    public ReadOnlySpan<byte> Span => _bytes;

    /// <summary>The type byte.</summary>
    public FrameType Type => (FrameType)_bytes[0];

    /// <summary>Whether it is counted and kept until it is acknowledged.</summary>
    public bool IsReliable => ProtocolTable.IsReliable(Type);

    internal int Length => _bytes.Length;

    /// <summary>What a carrier has kept with this frame.</summary>
    /// <param name="key">The key that it was kept under, compared by reference: for example an object for each set of compression parameters.</param>
    /// <returns>Null: nothing.</returns>
    public object? Find(object key)
    {
        for (Form? form = Volatile.Read(ref _forms); form is not null; form = form.Next)
        {
            if (ReferenceEquals(form.Key, key)) return form.Value;
        }

        return null;
    }

    /// <summary>Keeps a form of this frame as long as the frame lives.</summary>
    /// <param name="key">The key; there should be few of them, since they are searched in turn.</param>
    /// <param name="value">The form. It must be immutable, and own nothing that has to be given back.</param>
    /// <returns>What is kept: the value, or the one that another thread kept first.</returns>
    public object Keep(object key, object value)
    {
        while (true)
        {
            Form? head = Volatile.Read(ref _forms);
            if (Find(key) is { } kept) return kept;
            if (Interlocked.CompareExchange(ref _forms, new Form(key, value, head), head) == head) return value;
        }
    }

    private sealed record Form(object Key, object Value, Form? Next);
}
