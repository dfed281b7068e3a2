using System.Net;
using System.Net.Sockets;
using Tandem.Coap.Exchanges;
using Tandem.Coap.Limits;

namespace Tandem.Coap;

/// <summary>
/// A CoAP client of one server, over UDP. It may be called from any thread. Bodies may be as large as both ends allow: blocks are its own matter (RFC 7959), and so are
/// repetitions, duplicates, and the proof of its address that a server may ask for (RFC 9175).
/// </summary>
public sealed partial class CoapClient : IAsyncDisposable
{
    // A server that is not content with the answer to its challenge, for example because it began anew meanwhile.
    private const int MaxChallenges = 3;

    private readonly CoapClientOptions _options;
    private readonly CoapEndpoint _endpoint;
    private readonly CoapAddress _server;
    private readonly TurnQueue _turns;
    private readonly string? _host;
    private ReadOnlyMemory<byte>? _echo;

    /// <summary>A client. Nothing is sent.</summary>
    /// <param name="server">Where the server is.</param>
    /// <param name="options">Bounds; null: the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="SocketException">There is no socket for that kind of address.</exception>
    public CoapClient(IPEndPoint server, CoapClientOptions? options = null)
        : this(server, options ?? new CoapClientOptions(), new SecureRandom(), host: null)
    {
    }

    internal CoapClient(IPEndPoint server, CoapClientOptions options, Random random, string? host)
    {
        ArgumentNullException.ThrowIfNull(server);
        _options = options;
        _server = CoapAddress.From(server);
        _host = host;
        RemoteEndPoint = server;
        IPEndPoint local = options.LocalEndPoint ?? new IPEndPoint(server.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        _turns = new TurnQueue(options.Transmission.NStart, options.MaxQueued);
        _endpoint = new CoapEndpoint(local, options.ToSettings(), options.TimeProvider, random, OnEvent, options.OnUnreachable);
        _endpoint.Start();
    }

    /// <summary>Where the server is.</summary>
    public IPEndPoint RemoteEndPoint { get; }

    /// <summary>Where this end is.</summary>
    public IPEndPoint LocalEndPoint => _endpoint.LocalEndPoint;

    /// <summary>What was counted so far.</summary>
    public CoapStatistics Statistics
    {
        get
        {
            lock (_endpoint.Gate) return _endpoint.Table.Statistics;
        }
    }

    /// <summary>A client of the server that a URI names; a host name is looked up, and sent as Uri-Host (RFC 7252 section 6.4).</summary>
    /// <param name="server">For example <c>coap://host:5683</c>. Path and query stand in requests.</param>
    /// <param name="options">Bounds; null: the defaults.</param>
    /// <param name="cancellationToken">Ends the look-up.</param>
    /// <returns>The client. Nothing was sent to the server.</returns>
    /// <exception cref="ArgumentException">The scheme is not "coap", or an option is out of range.</exception>
    /// <exception cref="SocketException">The host has no address.</exception>
    public static async Task<CoapClient> CreateAsync(Uri server, CoapClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(server);
        if (!server.IsAbsoluteUri || server.Scheme != "coap") throw new ArgumentException("The URI must be coap://...; DTLS is not supported.", nameof(server));
        int port = server.Port is -1 or 0 ? CoapServer.DefaultPort : server.Port;
        if (IPAddress.TryParse(server.DnsSafeHost, out IPAddress? address)) return new CoapClient(new IPEndPoint(address, port), options);
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(server.DnsSafeHost, cancellationToken).ConfigureAwait(false);
        return new CoapClient(new IPEndPoint(addresses[0], port), options ?? new CoapClientOptions(), new SecureRandom(), server.DnsSafeHost);
    }

    /// <summary>Sends a request and waits for its response.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Gives it up. Whether the server has carried it out is then not known.</param>
    /// <returns>The response, also one that says an error.</returns>
    /// <exception cref="CoapException">There is none.</exception>
    /// <exception cref="ObjectDisposedException">The client is, or was meanwhile.</exception>
    public async Task<CoapResponse> SendAsync(CoapRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        CoapMessage response;
        using (TurnQueue.Turn turn = await _turns.EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            response = request.Payload.Length > _options.BlockSize
                ? await UploadAsync(request, turn, cancellationToken).ConfigureAwait(false)
                : await ExchangeAsync(request, WithBlockSize(request), request.Payload, turn, cancellationToken).ConfigureAwait(false);
        }

        return await DownloadAsync(request, response, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks whether the server is there (RFC 7252 section 4.3), which also keeps the way through a NAT open.</summary>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <returns>A task that completes when it has answered.</returns>
    /// <exception cref="CoapException">It does not answer.</exception>
    /// <exception cref="ObjectDisposedException">The client is, or was meanwhile.</exception>
    public async Task PingAsync(CancellationToken cancellationToken = default)
    {
        using TurnQueue.Turn turn = await _turns.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await TransmitAsync(new CoapMessage(CoapType.Confirmable, CoapCode.Empty, 0), SendingKind.Response, new PendingResponse(null, null), cancellationToken).ConfigureAwait(false);
        }
        catch (CoapException exception) when (exception.Error == CoapError.Reset)
        {
            // The answer to a ping.
        }
    }

    /// <summary>Ends what is under way, and observations without telling the server, which finds out when it next notifies.</summary>
    /// <returns>A task that completes when the socket is closed.</returns>
    public ValueTask DisposeAsync() => _endpoint.DisposeAsync();

    private void OnEvent(ExchangeEvent happened)
    {
        if (happened.Timed is Sending { Owner: PendingResponse pending }) pending.OnEvent(happened, _endpoint.Now);
    }

    /// <summary>Sends one message of a request and waits for what answers it; follows challenges.</summary>
    private async Task<CoapMessage> ExchangeAsync(CoapRequest request, CoapOptionSet options, ReadOnlyMemory<byte> payload, TurnQueue.Turn? turn, CancellationToken cancellationToken)
    {
        for (int challenges = 0; ; challenges++)
        {
            CoapMessage message = ToMessage(request, options, payload, NewToken());
            CoapMessage response = await TransmitAsync(message, SendingKind.Request, new PendingResponse(turn, null), cancellationToken).ConfigureAwait(false);
            if (!IsChallenge(response, challenges)) return response;
        }
    }

    /// <summary>RFC 9175 section 2.3: what the server wants to see again goes into the next request.</summary>
    private bool IsChallenge(CoapMessage response, int challenges)
    {
        if (response.Options.Echo is { } echo) lock (_endpoint.Gate) _echo = echo;
        if (response.Code != CoapCode.Unauthorized || response.Options.Echo is null) return false;
        if (challenges == MaxChallenges) throw new CoapException(CoapError.NotVerified, "The server asks for the address to be proved again and again.");
        return true;
    }

    private async Task<CoapMessage> TransmitAsync(CoapMessage message, SendingKind kind, PendingResponse pending, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_endpoint.Gate)
        {
            ObjectDisposedException.ThrowIf(_endpoint.Stopping.IsCancellationRequested, this);
            pending.Sending = _endpoint.Table.Send(_server, message, kind, pending, _endpoint.Now);
            _endpoint.Flush();
        }

        if (pending.Sending is null) throw new CoapException(CoapError.Busy, "Too many messages wait to be sent.");
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _endpoint.Stopping);
        try
        {
            return await pending.Response.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Cancel(pending.Sending);
            cancellationToken.ThrowIfCancellationRequested();
            throw new ObjectDisposedException(nameof(CoapClient));
        }
    }

    private void Cancel(Sending sending)
    {
        lock (_endpoint.Gate)
        {
            _endpoint.Table.Cancel(sending, _endpoint.Now);
            _endpoint.Flush();
        }
    }

    private CoapToken NewToken()
    {
        lock (_endpoint.Gate) return _endpoint.Table.NewToken();
    }

    private CoapMessage ToMessage(CoapRequest request, CoapOptionSet options, ReadOnlyMemory<byte> payload, CoapToken token)
    {
        var all = new CoapOptionSet(options);
        if (_host is not null && !all.Contains(CoapOptionNumber.UriHost)) all.Add(CoapOptionNumber.UriHost, System.Text.Encoding.UTF8.GetBytes(_host));
        lock (_endpoint.Gate) (all.Echo, _echo) = (_echo, null);
        var message = new CoapMessage(request.IsConfirmable ? CoapType.Confirmable : CoapType.NonConfirmable, request.Method, 0, token) { Options = all, Payload = payload };
        if (_options.PadRequests) Pad(message);
        return message;
    }

    /// <summary>Makes a request at least as long as the challenge that may answer it. A Request-Tag says nothing in a request of one block (RFC 9175 section 3.2).</summary>
    private static void Pad(CoapMessage message)
    {
        const int challenge = CoapMessage.HeaderLength + 2 + EchoChallenge.Length;
        const int longest = 8;
        int length = message.GetLength();
        for (int missing; (missing = challenge + message.Token.Length - length) > 0; length = message.GetLength())
        {
            message.Options.Add(CoapOptionNumber.RequestTag, new byte[Math.Min(missing, longest)]);
        }
    }
}
