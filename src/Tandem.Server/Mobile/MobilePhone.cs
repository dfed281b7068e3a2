using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using Tandem.Coap;
using Tandem.Link.Secrets;
using Tandem.Server.Sessions;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Mobile;

/// <summary>
/// A phone: its session with the hub, and what of its inbox is on its way. One message at a time is sent as a notification. One that fits a datagram is settled when that is
/// acknowledged; of a larger one the acknowledgement says only that its first block has arrived, so the phone deletes it by its ETag when it has it whole.
/// </summary>
internal sealed class MobilePhone : IAsyncDisposable
{
    // Enough that the hub's round trip is not waited for between two; a message may have 64 KiB.
    private const int Prefetch = 8;

    private const int LargestBlock = 1024;
    private const uint SizeExponentMask = 7;

    private readonly Lock _gate = new();
    private readonly MobileServerOptions _options;
    private readonly Action<string> _notify;
    private readonly string _path;
    private readonly WebSocketSession _session;
    private readonly CancellationTokenSource _disposed = new();
    private readonly LinkedList<Message> _messages = new();
    private Task<SessionCode>? _opening;
    private Task _reading = Task.CompletedTask;
    private CoapRequest? _observer;
    private CoapResponse? _sent;
    private Message? _inFlight;
    private bool _isAnnounced;
    private ulong _lastTag = BinaryPrimitives.ReadUInt64BigEndian(RandomNumberGenerator.GetBytes(8));
    private long _heard;
    private SessionCode? _ended;

    public MobilePhone(string inbox, string counted, IPAddress address, MobileServerOptions options, Action<string> notify)
    {
        (Inbox, Address, _options, _notify) = (inbox, counted, options, notify);
        _path = string.Concat("in/", inbox.AsSpan(MailboxNames.InboxPrefix.Length));
        _heard = options.TimeProvider.GetTimestamp();
        // A hub that knows this gateway counts the phone's address, and not the gateway's.
        List<KeyValuePair<string, string>> headers = [.. options.Session.Connection.Headers, new(ClientAddress.ForwardedFor, address.ToString())];
        if (options.GatewayKey is { } key) headers.Add(new(ClientAddress.GatewayKeyField, key));
        _session = new WebSocketSession(options.Hub, options.Session with { Connection = options.Session.Connection with { Headers = headers }, TimeProvider = options.TimeProvider });
    }

    public string Inbox { get; }

    /// <summary>As which address it is counted.</summary>
    public string Address { get; }

    public bool IsOpen => _opening is { IsCompletedSuccessfully: true, Result: SessionCode.Ok };

    /// <summary>Whether it can be used no longer.</summary>
    public bool HasEnded
    {
        get
        {
            lock (_gate) return _ended is not null;
        }
    }

    /// <summary>Whether nobody needs its session any more.</summary>
    public bool IsOver
    {
        get
        {
            lock (_gate) return _ended is not null || _options.TimeProvider.GetElapsedTime(_heard) > _options.IdleTimeout;
        }
    }

    /// <summary>Opens session and inbox, once.</summary>
    public Task<SessionCode> OpenAsync()
    {
        lock (_gate) return _opening ??= Task.Run(OpenOnceAsync);
    }

    /// <summary>Puts something into a mailbox: stored, or why not.</summary>
    public async Task<SessionCode> SendAsync(string mailbox, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        Heard();
        // What is queued while there is no connection would be sent later, and once more when the phone repeats it.
        if (!_session.IsConnected) return SessionCode.Unavailable;
        return await _session.SendToMailboxAsync(mailbox, payload, cancellationToken: cancellation).WaitAsync(_options.HubTimeout, _options.TimeProvider, cancellation).ConfigureAwait(false);
    }

    public bool IsObservedFrom(IPEndPoint address)
    {
        lock (_gate) return _observer?.RemoteEndPoint?.Equals(address) == true;
    }

    /// <summary>A new observation takes the place of the one before: the phone has moved, or does not know what has become of it.</summary>
    public void Observe(CoapRequest request)
    {
        Heard();
        bool isWaiting;
        lock (_gate)
        {
            (_observer, _inFlight, _sent) = (request, null, null);
            _isAnnounced = isWaiting = _messages.Count > 0;
        }

        // Behind the answer to this request, which is on its way first.
        if (isWaiting) _notify(_path);
    }

    /// <summary>The next notification of an observation.</summary>
    public CoapResponse Notify(CoapRequest request)
    {
        lock (_gate)
        {
            // Another consumer has the inbox; or another observation, or session, has taken the place of this one.
            if (_ended == SessionCode.TakenOver) return new CoapResponse(CoapCode.Forbidden);
            if (_ended is not null || _observer != request) return new CoapResponse(CoapCode.NotFound);
            _isAnnounced = false;
            _inFlight = _messages.First?.Value;
            if (_inFlight is not null) _inFlight.IsTagged = _inFlight.Delivery.Payload.Length > BlockSizeOf(request);
            return _sent = ToResponse(_inFlight, _inFlight is { IsTagged: true });
        }
    }

    /// <summary>The message that is next, without observing.</summary>
    public CoapResponse Look()
    {
        Heard();
        lock (_gate) return ToResponse(_messages.First?.Value, isTagged: true);
    }

    /// <summary>A notification has arrived.</summary>
    public void Acknowledged(CoapResponse notification)
    {
        Heard();
        Message? settled;
        lock (_gate)
        {
            if (_sent != notification) return;
            _sent = null;
            if (_inFlight is null or { IsTagged: true }) return;
            settled = _inFlight;
        }

        Settle(settled);
    }

    /// <summary>The phone has a message whole.</summary>
    public bool Settle(ReadOnlySpan<byte> tag)
    {
        Heard();
        if (tag.Length != sizeof(ulong)) return false;
        ulong number = BinaryPrimitives.ReadUInt64BigEndian(tag);
        Message? settled;
        lock (_gate) settled = _messages.First?.Value is { } first && first.Tag == number ? first : null;
        // One that was settled before is asked for again when the answer was lost.
        if (settled is not null) Settle(settled);
        return settled is not null;
    }

    /// <summary>An observation has ended.</summary>
    public void Forget(CoapRequest request)
    {
        lock (_gate)
        {
            if (_observer == request) (_observer, _inFlight, _sent, _isAnnounced) = (null, null, null, false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate) _ended ??= SessionCode.Ok;
        _notify(_path); // the observation, if there is one, is over
        await _disposed.CancelAsync().ConfigureAwait(false);
        await _session.DisposeAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Heard() => Volatile.Write(ref _heard, _options.TimeProvider.GetTimestamp());

    private async Task<SessionCode> OpenOnceAsync()
    {
        using var deadline = new CancellationTokenSource(_options.HubTimeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _disposed.Token);
        await _session.ConnectAsync(either.Token).ConfigureAwait(false);
        _reading = ReadAsync();
        return await _session.OpenMailboxAsync(Inbox, Prefetch, either.Token).ConfigureAwait(false);
    }

    private async Task ReadAsync()
    {
        SessionCode end = SessionCode.Ok;
        try
        {
            await foreach (SessionNotice notice in _session.ReadAllAsync(_disposed.Token).ConfigureAwait(false))
            {
                if (notice is MailboxDelivery delivery) Add(delivery);
                else if (notice is SessionLost) Clear();
                else if (notice is MailboxEnded ended) End(ended.Code);
            }
        }
        catch (SessionEndedException exception)
        {
            end = exception.Code;
        }
        catch (OperationCanceledException)
        {
            return;
        }

        End(end);
    }

    private void Add(MailboxDelivery delivery)
    {
        bool isNext;
        lock (_gate)
        {
            _messages.AddLast(new Message(delivery, ++_lastTag));
            isNext = TryAnnounce();
        }

        if (isNext) _notify(_path);
    }

    /// <summary>Whether a notification is due. One that is asked for twice would be sent twice: the second behind the acknowledgement of the first. The gate is held.</summary>
    private bool TryAnnounce()
    {
        if (_observer is null || _inFlight is not null || _isAnnounced || _messages.Count == 0) return false;
        return _isAnnounced = true;
    }

    /// <summary>The session is lost, and what was delivered in it comes again.</summary>
    private void Clear()
    {
        lock (_gate)
        {
            _messages.Clear();
            (_inFlight, _sent) = (null, null);
        }
    }

    private void End(SessionCode code)
    {
        lock (_gate) _ended ??= code;
        _notify(_path);
    }

    private void Settle(Message message)
    {
        bool isNext;
        lock (_gate)
        {
            if (!_messages.Remove(message)) return;
            if (_inFlight == message) _inFlight = null;
            isNext = TryAnnounce();
        }

        _session.Settle(message.Delivery);
        if (isNext) _notify(_path);
    }

    private CoapResponse ToResponse(Message? message, bool isTagged)
    {
        var response = new CoapResponse(CoapCode.Content) { Payload = message?.Delivery.Payload ?? default, MaxAge = (uint)_options.Freshness.TotalSeconds };
        if (message is null || !isTagged) return response;
        byte[] tag = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(tag, message.Tag);
        response.Options.ETag = tag;
        return response;
    }

    /// <summary>RFC 7959 section 2.4: a client may ask for smaller blocks.</summary>
    private static int BlockSizeOf(CoapRequest request)
    {
        foreach (CoapOption option in request.Options.All(CoapOptionNumber.Block2)) return Math.Min(LargestBlock, 16 << (int)(option.ToUInt32() & SizeExponentMask));
        return LargestBlock;
    }

    /// <summary>A message of the inbox that was not settled.</summary>
    private sealed class Message(MailboxDelivery delivery, ulong tag)
    {
        public MailboxDelivery Delivery => delivery;

        public ulong Tag => tag;

        /// <summary>Whether it has more than a block, so that the phone must say when it has it.</summary>
        public bool IsTagged { get; set; }
    }
}
