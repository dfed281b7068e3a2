using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>What became of a message that the application sent to a client.</summary>
public enum SessionSend
{
    /// <summary>It is on its way, and kept until the client has it.</summary>
    Sent,

    /// <summary>The window is full; nothing was sent. <see cref="SessionApplication.OnDrained"/> follows when there is room.</summary>
    Full,

    /// <summary>The session is over.</summary>
    Over,
}

/// <summary>
/// A session on the server. Safe for use by many threads. One lock, taken after those of topics; under it no foreign code runs and no other lock is taken.
/// </summary>
public sealed partial class Session
{
    private readonly UInt128 _id;
    private readonly ulong _publisher;
    private readonly string? _firstAddress;
    private UInt128 _secret;
    private UInt128 _olderSecret;
    private bool _hasOlderSecret;
    private readonly Outbox _outbox = new();
    private Carrier? _carrier;
    private long _detachedAt;

    internal Session(SessionHub hub, CarrierContext context, UInt128 id, ulong publisher)
    {
        Hub = hub;
        Principal = context.Principal;
        Owner = context.Owner;
        _firstAddress = context.Address;
        _id = id;
        _publisher = publisher;
        _secret = SessionToken.Random();
    }

    /// <summary>The hub that has it.</summary>
    public SessionHub Hub { get; }

    /// <summary>Who was authenticated when the session began.</summary>
    public object? Principal { get; }

    /// <summary>Whose sessions are counted together.</summary>
    public string? Owner { get; }

    /// <summary>
    /// The address that its frames come from: that of its carrier, or of the one that it began with while it has none. Null: not known, or not one to be counted, as
    /// <see cref="CarrierContext.Address"/>.
    /// </summary>
    public string? Address => Carrier is { } carrier ? carrier.Context.Address : _firstAddress;

    /// <summary>Anything the application wants to keep with the session.</summary>
    public object? Tag { get; set; }

    /// <summary>Its id, for logs: not a secret.</summary>
    public string Id => SessionToken.Text(_id);

    /// <summary>Whether it is over.</summary>
    public bool IsOver { get; private set; }

    /// <summary>What moves its frames at the moment. Null: nothing does.</summary>
    public Carrier? Carrier => Volatile.Read(ref _carrier);

    /// <summary>The lock. An object that the session has in any case and nobody else sees: a <see cref="Lock"/> of its own would be 40 bytes for each session, and one cache line more for each event.</summary>
    internal object Gate => _outbox;

    internal UInt128 Key => _id;

    internal string? CountedUnder => Owner ?? _firstAddress;

    internal long Received => Volatile.Read(ref _received);

    /// <summary>Read without the lock, to choose whom to look at: it may be that of a moment that never was.</summary>
    internal long ApproximateWaitingBytes => _outbox.WindowBytes + _outbox.ControlBytes + _backlogBytes;

    private SessionHubOptions Options => Hub.Options;

    private bool HasRoom => _outbox.WindowFrames < Options.WindowFrames && _outbox.WindowBytes < Options.WindowBytes;

    /// <summary>Sends a message of the application: once, in order with everything else of this session, or not at all where the session ends before.</summary>
    /// <param name="payload">At most as much as fits a frame. It is copied.</param>
    /// <param name="flags">Text or not.</param>
    /// <returns>What became of it.</returns>
    /// <exception cref="ArgumentException">The payload is too long.</exception>
    public SessionSend Send(ReadOnlySpan<byte> payload, MessageFlags flags = MessageFlags.None)
    {
        var message = new ServerMessageFrame { Flags = flags & MessageFlags.Text, Payload = payload };
        if (message.Length > Options.MaxFrameBytes) throw new ArgumentException($"A frame has at most {Options.MaxFrameBytes} bytes.", nameof(payload));
        SharedFrame frame = message.ToShared();
        Aftermath after = Aftermath.Rent();
        SessionSend result = SessionSend.Sent;
        lock (Gate)
        {
            if (IsOver)
            {
                result = SessionSend.Over;
            }
            else if (!HasRoom)
            {
                _wantsDrain = true;
                result = SessionSend.Full;
            }
            else
            {
                _outbox.Add(frame);
                Signal(after);
            }
        }

        after.Run();
        return result;
    }

    internal SessionSnapshot ToSnapshot()
    {
        lock (Gate) return new SessionSnapshot(this, _carrier, _subscriptionCount, _mailboxes?.Count ?? 0, _outbox.Count, ApproximateWaitingBytes);
    }

    /// <summary>Ends the session.</summary>
    /// <param name="code">Why.</param>
    /// <param name="reason">Why, for people who read logs.</param>
    public void Close(SessionCode code = SessionCode.Ok, string reason = "")
    {
        ArgumentNullException.ThrowIfNull(reason);
        End(code, reason);
    }
}
