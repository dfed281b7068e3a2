using System.Net;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Tandem.Coap;
using Tandem.Link.Protocol;
using Tandem.Link.Secrets;
using Tandem.Server.Link;
using Tandem.Server.Sessions;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Mobile;

/// <summary>
/// The mobile server of docs/link-protocol.md: phones without a browser reach links over CoAP, and it keeps a session with the hub for each. It sees what a hub sees, which is nothing
/// of what is said.
/// </summary>
public sealed class MobileServer : IAsyncDisposable
{
    // A public key follows the byte that says what it is, and at least a tag follows the key.
    private const int KeyOffset = 1;

    // docs/link-protocol.md, mailboxes.
    private const int MaxClaimBytes = 512;
    private const int MaxMailBytes = 64 * 1024;

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(5);

    private readonly MobileServerOptions _options;
    private readonly CoapServer _coap;
    private readonly CoapResource _inboxes;
    private readonly PhoneTable _phones;
    private readonly AddressBuckets _claims;
    private readonly ITimer _sweeper;

    // The handler is called alike for the request that begins an observation and for each notification of it.
    private readonly ConditionalWeakTable<CoapRequest, MobilePhone> _observed = [];

    /// <summary>Binds the port. Nothing is received before <see cref="Start"/>.</summary>
    /// <param name="options">Where, for which hub, and within which bounds.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The address cannot be bound.</exception>
    public MobileServer(MobileServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _claims = new AddressBuckets(options.ClaimsPerAddress, options.MaxAddresses, options.TimeProvider);
        _coap = new CoapServer(new CoapServerOptions
        {
            EndPoint = options.EndPoint,
            Transmission = options.Transmission,
            RateLimits = options.RateLimits,
            MaxBodySize = MaxMailBytes,
            // One that has moved leaves its old observation behind until that is noticed.
            MaxObservations = 2 * options.MaxPhones,
            MaxObservationsPerPeer = 4,
            OnError = options.OnError,
            TimeProvider = options.TimeProvider,
        });
        _coap.Map("claim", ClaimAsync);
        _coap.Map("out/*", PutAsync);
        _coap.Map("address", (request, _) => ValueTask.FromResult(Address(request)));
        _inboxes = _coap.Map("in/*", InboxAsync, new CoapResourceOptions { IsObservable = true, OnAcknowledged = Acknowledged, OnObservationEnded = (request, _) => PhoneOf(request)?.Forget(request) });
        _phones = new PhoneTable(options, _inboxes.Notify);
        _sweeper = options.TimeProvider.CreateTimer(static state => ((MobileServer)state!).Sweep(), this, SweepInterval, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Where it listens, with the port that port 0 has become.</summary>
    public IPEndPoint LocalEndPoint => _coap.LocalEndPoint;

    /// <summary>How many phones have a session.</summary>
    public int PhoneCount => _phones.Count;

    /// <summary>What CoAP has counted.</summary>
    public CoapStatistics Statistics => _coap.Statistics;

    /// <summary>Begins to receive.</summary>
    public void Start() => _coap.Start();

    /// <summary>Stops. Phones are told nothing; what is in their inboxes waits.</summary>
    /// <returns>Completes when the port is free and all sessions have ended.</returns>
    public async ValueTask DisposeAsync()
    {
        await _sweeper.DisposeAsync().ConfigureAwait(false);
        await _coap.DisposeAsync().ConfigureAwait(false);
        await _phones.DisposeAsync().ConfigureAwait(false);
    }

    private void Sweep()
    {
        _phones.Sweep();
        // When that is done, so that two never overlap; a timer that is disposed says false.
        _sweeper.Change(SweepInterval, Timeout.InfiniteTimeSpan);
    }

    private static CoapResponse Address(CoapRequest request) =>
        request.Method == CoapCode.Get ? CoapResponse.Text(CoapCode.Content, ClientAddress.Plain(request.RemoteEndPoint!.Address).ToString()) : new CoapResponse(CoapCode.MethodNotAllowed);

    private async ValueTask<CoapResponse> ClaimAsync(CoapRequest request, CancellationToken cancellation)
    {
        if (request.Method != CoapCode.Post) return new CoapResponse(CoapCode.MethodNotAllowed);
        if (QueryOf(request, "r") is not { } id || LinkName.Parse(MailboxNames.TicketPrefix + id, out _) == LinkMailbox.None) return Refuse(CoapCode.BadRequest, "r is a routing id: 22 characters of base64url");
        if (request.Payload.Length > MaxClaimBytes) return Refuse(CoapCode.RequestEntityTooLarge, "a claim has at most 512 bytes");
        ReadOnlyMemory<byte> claim = request.Payload;
        if (claim.Length < KeyOffset + LinkLimits.PublicKeyBytes || claim.Span[0] != (byte)MailType.Claim) return Refuse(CoapCode.BadRequest, "the payload is no claim");
        string address = ClientAddress.Counted(request.RemoteEndPoint!.Address);
        if (!_claims.TryTake(address)) return Answers.Of(SessionCode.TooManyRequests, CoapCode.Created);
        // Whose claim it is stands in it: the inbox is named after its key.
        string inbox = MailboxNames.Inbox(MailboxNames.InboxId(claim.Span.Slice(KeyOffset, LinkLimits.PublicKeyBytes)));
        SessionCode code = await AskAsync(
            async phone => await phone.SendAsync(MailboxNames.TicketPrefix + id, claim, cancellation).ConfigureAwait(false), inbox, request, cancellation).ConfigureAwait(false);
        // What has no ticket has no use for its inbox. Four claims in a ticket mean that its code is of no use any more.
        if (code is SessionCode.NotFound or SessionCode.Full)
        {
            _phones.Remove(inbox);
            return Refuse(CoapCode.NotFound, "there is no such ticket");
        }

        return Answers.Of(code, CoapCode.Created);
    }

    private async ValueTask<CoapResponse> PutAsync(CoapRequest request, CancellationToken cancellation)
    {
        if (request.Method != CoapCode.Put) return new CoapResponse(CoapCode.MethodNotAllowed);
        if (NameOf(request) is not { } target || QueryOf(request, "i") is not { } own) return Refuse(CoapCode.BadRequest, "/out/INBOX-ID?i=OWN-INBOX-ID, both 22 characters of base64url");
        if (request.Payload.IsEmpty || request.Payload.Span[0] != (byte)MailType.Envelope) return Refuse(CoapCode.BadRequest, "the payload is no envelope");
        if (_phones.Find(MailboxNames.InboxPrefix + own) is not { } phone) return Refuse(CoapCode.NotFound, "observe your inbox first");
        try
        {
            SessionCode code = await phone.SendAsync(target, request.Payload, cancellation).ConfigureAwait(false);
            CoapResponse response = Answers.Of(code, CoapCode.Changed);
            // Its address is another one than that of its observation: it must not wait until that is stale.
            return response.IsSuccess && !phone.IsObservedFrom(request.RemoteEndPoint!) ? CoapResponse.Text(CoapCode.Changed, "observe") : response;
        }
        catch (Exception exception) when (IsOfHub(exception, cancellation))
        {
            return Answers.Unavailable();
        }
    }

    private async ValueTask<CoapResponse> InboxAsync(CoapRequest request, CancellationToken cancellation)
    {
        if (NameOf(request) is not { } inbox) return Refuse(CoapCode.BadRequest, "/in/INBOX-ID: 22 characters of base64url");
        if (request.Method == CoapCode.Delete) return Delete(request, inbox);
        if (request.Method != CoapCode.Get) return new CoapResponse(CoapCode.MethodNotAllowed);
        if (!request.IsObservation) return _phones.Find(inbox)?.Look() ?? new CoapResponse(CoapCode.NotFound);
        if (PhoneOf(request) is { } observed) return observed.Notify(request);
        CoapResponse response = new(CoapCode.Content) { MaxAge = (uint)_options.Freshness.TotalSeconds };
        SessionCode code = await AskAsync(
            phone =>
            {
                _observed.Add(request, phone);
                phone.Observe(request);
                return ValueTask.FromResult(SessionCode.Ok);
            },
            inbox,
            request,
            cancellation).ConfigureAwait(false);
        return code == SessionCode.Ok ? response : Answers.Of(code, CoapCode.Content);
    }

    private CoapResponse Delete(CoapRequest request, string inbox)
    {
        if (request.Options.All(CoapOptionNumber.IfMatch).Select(option => option.Value).ToArray() is { Length: > 0 } tags)
        {
            return _phones.Find(inbox) is { } phone && tags.Any(tag => phone.Settle(tag.Span)) ? new CoapResponse(CoapCode.Deleted) : new CoapResponse(CoapCode.PreconditionFailed);
        }

        _phones.Remove(inbox);
        return new CoapResponse(CoapCode.Deleted);
    }

    /// <summary>Does something with a phone whose session and inbox are open, which they are made for.</summary>
    private async ValueTask<SessionCode> AskAsync(Func<MobilePhone, ValueTask<SessionCode>> ask, string inbox, CoapRequest request, CancellationToken cancellation)
    {
        if (_phones.GetOrAdd(inbox, request.RemoteEndPoint!.Address) is not { } phone) return SessionCode.TooManySessions;
        try
        {
            SessionCode opened = await phone.OpenAsync().WaitAsync(cancellation).ConfigureAwait(false);
            if (opened == SessionCode.Ok) return await ask(phone).ConfigureAwait(false);
            _phones.Remove(phone);
            return opened;
        }
        catch (Exception exception) when (IsOfHub(exception, cancellation))
        {
            if (!phone.IsOpen) _phones.Remove(phone);
            return SessionCode.Unavailable;
        }
    }

    private static bool IsOfHub(Exception exception, CancellationToken cancellation) =>
        exception is WebSocketException or SessionEndedException or TimeoutException or ObjectDisposedException || (exception is OperationCanceledException && !cancellation.IsCancellationRequested);

    private void Acknowledged(CoapRequest request, CoapResponse response)
    {
        if (PhoneOf(request) is not { } phone) return;
        // Not here: what it does notifies, and may not while CoAP's own lock is held.
        ThreadPool.UnsafeQueueUserWorkItem(static state => state.phone.Acknowledged(state.response), (phone, response), preferLocal: false);
    }

    private MobilePhone? PhoneOf(CoapRequest observation) => _observed.TryGetValue(observation, out MobilePhone? phone) ? phone : null;

    /// <summary>The inbox that a path /in/ID or /out/ID names; null: none.</summary>
    private static string? NameOf(CoapRequest request)
    {
        string name = string.Concat(MailboxNames.InboxPrefix, request.Path.AsSpan(request.Path.IndexOf('/') + 1));
        return LinkName.Parse(name, out _) == LinkMailbox.Inbox ? name : null;
    }

    private static string? QueryOf(CoapRequest request, string name) =>
        request.Options.Query.FirstOrDefault(argument => argument.Length > name.Length && argument[name.Length] == '=' && argument.StartsWith(name, StringComparison.Ordinal))?[(name.Length + 1)..];

    private static CoapResponse Refuse(CoapCode code, string why) => CoapResponse.Text(code, why);
}
