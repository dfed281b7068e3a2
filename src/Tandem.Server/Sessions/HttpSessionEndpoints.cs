using System.Globalization;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Sessions;

/// <summary>The requests of HTTP carriers, as docs/session-protocol.md lays them down. What goes before all of them is in <see cref="HttpGate"/>.</summary>
internal sealed class HttpSessionEndpoints(SessionHub hub, TandemSessionsOptions options, WebSocketSessionHandler contexts)
{
    public const string SessionHeader = "Tandem-Session";
    public const string ReceivedHeader = "Tandem-Received";
    public const string WaitHeader = "Tandem-Wait";

    // OPEN has at most 160.
    private const int MaxOpenBody = 1024;

    // Frames to a body, as a multiple of the bound on one.
    private const int FramesPerBody = 4;

    private readonly int _maxBody = (int)Math.Min(int.MaxValue / 2, (long)FramesPerBody * hub.Options.MaxFrameBytes);

    /// <summary><c>POST BASE/open</c></summary>
    public async Task OpenAsync(HttpContext context)
    {
        if (await ReadAsync(context, MaxOpenBody) is not { } body) return;
        if (!HasOpenAlone(body))
        {
            await Refuse(context, StatusCodes.Status400BadRequest, "the body is OPEN alone");
            return;
        }

        (int status, SessionIdentity? identity) = await AuthenticateAsync(context);
        if (status != StatusCodes.Status200OK)
        {
            await Refuse(context, status, "the request could not be authenticated");
            return;
        }

        var carrier = new HttpCarrier(hub, Describe(context, identity));
        await carrier.ReceiveBodyAsync(body, context.RequestAborted);
        carrier.TryTake(out SharedFrame? answer, out _);
        context.Response.StatusCode = carrier.Session is null && carrier.End is { } end ? StatusOf(end.Code) : StatusCodes.Status200OK;
        if (context.Response.StatusCode is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable) HttpGate.RetryLater(context);
        await HttpBody.WriteAsync(context.Response, 0, answer!);
    }

    /// <summary><c>POST BASE/send</c></summary>
    public async Task SendAsync(HttpContext context)
    {
        if (await FindAsync(context) is not { } carrier || await ReadAsync(context, _maxBody) is not { } body) return;
        if (!await TakeInAsync(context, carrier, body)) return;
        Session session = carrier.Session!;
        SharedFrame acknowledgement = session.Acknowledge();
        if (session.IsOver && carrier.TryTake(out SharedFrame? close, out _)) await HttpBody.WriteAsync(context.Response, 0, acknowledgement, close);
        else await HttpBody.WriteAsync(context.Response, 0, acknowledgement);
    }

    /// <summary><c>GET BASE/events</c></summary>
    public async Task EventsAsync(HttpContext context)
    {
        if (await ReadNumberAsync(context, ReceivedHeader) is not { } received || await FindAsync(context) is not { } carrier) return;
        if (await TakeAsync(context, carrier, received) is { } down) await EventStream.WriteAsync(context.Response, down, StopOf(context));
    }

    /// <summary><c>POST BASE/poll</c></summary>
    public async Task PollAsync(HttpContext context)
    {
        if (await ReadNumberAsync(context, ReceivedHeader) is not { } received) return;
        if (await ReadNumberAsync(context, WaitHeader, isOptional: true) is not { } wait) return;
        if (await FindAsync(context) is not { } carrier) return;
        if (HasBody(context.Request))
        {
            if (await ReadAsync(context, _maxBody) is not { } body || !await TakeInAsync(context, carrier, body)) return;
        }

        if (await TakeAsync(context, carrier, received) is not { } down) return;
        var heartbeat = hub.Options.Heartbeat;
        await AnswerPollAsync(context, carrier, down, wait >= heartbeat.TotalSeconds ? heartbeat : TimeSpan.FromSeconds(wait));
    }

    /// <summary><c>POST BASE/ticket</c></summary>
    public async Task TicketAsync(HttpContext context)
    {
        (int status, SessionIdentity? identity) = await AuthenticateAsync(context);
        if (status == StatusCodes.Status200OK && identity is null) status = StatusCodes.Status401Unauthorized;
        string? ticket = status == StatusCodes.Status200OK ? hub.IssueTicket(Describe(context, identity)) : null;
        if (ticket is not null)
        {
            context.Response.ContentType = "text/plain";
            await context.Response.WriteAsync(ticket);
            return;
        }

        if (status == StatusCodes.Status200OK) status = StatusCodes.Status429TooManyRequests;
        await Refuse(context, status, status == StatusCodes.Status429TooManyRequests ? "too many tickets are out" : "the request could not be authenticated");
    }

    // Kestrel's word that it would like to have the connection back: the host stops. The client asks again, elsewhere.
    private static CancellationToken StopOf(HttpContext context) =>
        context.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;

    private static bool HasBody(HttpRequest request) => request.ContentLength is > 0 || request.Headers.TransferEncoding.Count > 0 || (request.ContentLength is null && request.ContentType is not null);

    private static int StatusOf(SessionCode code) => code switch
    {
        SessionCode.ProtocolError or SessionCode.UnsupportedVersion => StatusCodes.Status400BadRequest,
        SessionCode.NotAuthenticated => StatusCodes.Status401Unauthorized,
        SessionCode.TooManySessions => StatusCodes.Status429TooManyRequests,
        SessionCode.InternalError => StatusCodes.Status500InternalServerError,
        SessionCode.GoingAway => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status403Forbidden,
    };

    private static Task Refuse(HttpContext context, int status, string text) => HttpGate.RefuseAsync(context, status, text);

    /// <summary>A header that is a number. Null: it is none, and that is answered.</summary>
    private static async Task<long?> ReadNumberAsync(HttpContext context, string header, bool isOptional = false)
    {
        string? text = context.Request.Headers[header];
        if (isOptional && text is null) return 0;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= ProtocolLimits.MaxInteger) return number;
        await Refuse(context, StatusCodes.Status400BadRequest, $"{header} is a number");
        return null;
    }

    private static async Task AnswerPollAsync(HttpContext context, HttpCarrier carrier, HttpCarrier.Downstream down, TimeSpan wait)
    {
        var answer = new PollBody();
        // One more frame does not exceed the bound on a body.
        int most = (FramesPerBody - 1) * carrier.Hub.Options.MaxFrameBytes;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, StopOf(context));
        long until = Environment.TickCount64 + (long)wait.TotalMilliseconds;
        while (true)
        {
            bool isOver = down.IsOver;
            while (answer.Length < most && down.TryTake(out SharedFrame? frame, out long number)) answer.Add(frame, number);
            if (answer.Frames.Count == 0 && isOver)
            {
                context.Response.StatusCode = StatusCodes.Status409Conflict;
                return;
            }

            TimeSpan left = TimeSpan.FromMilliseconds(Math.Max(0, until - Environment.TickCount64));
            if (answer.Frames.Count > 0 || left == TimeSpan.Zero || ended.IsCancellationRequested)
            {
                await HttpBody.WriteAsync(context.Response, answer.First, answer.Frames);
                return;
            }

            try
            {
                await down.WaitAsync(left, ended.Token);
            }
            catch (OperationCanceledException)
            {
                // Answered with what there is, should anybody be there.
            }
        }
    }

    private static bool HasOpenAlone(ReadOnlyMemory<byte> body)
    {
        var frames = new FrameBody(body.Span, MaxOpenBody);
        return frames.TryRead(out ReadOnlySpan<byte> frame) && frames.First == 0 && frame[0] == (byte)FrameType.Open
            && !frames.TryRead(out _) && frames.Fault == SessionFault.None;
    }

    private CarrierContext Describe(HttpContext context, SessionIdentity? identity) =>
        contexts.Context(identity, ClientAddress.Of(context, options.KnownProxies), SessionRequest.OriginOf(context));

    private async Task<(int Status, SessionIdentity? Identity)> AuthenticateAsync(HttpContext context)
    {
        if (options.Authenticate is not { } authenticate) return (StatusCodes.Status200OK, null);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(options.AuthenticationTimeout);
        try
        {
            return (StatusCodes.Status200OK, await authenticate(new SessionRequest(context, ClientAddress.Of(context, options.KnownProxies)), deadline.Token).AsTask().WaitAsync(deadline.Token));
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            return (StatusCodes.Status503ServiceUnavailable, null);
        }
    }

    private static async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpContext context, int most)
    {
        if (!HttpBody.HasType(context.Request))
        {
            await Refuse(context, StatusCodes.Status415UnsupportedMediaType, $"the body is {HttpBody.ContentType}");
            return null;
        }

        (int status, ReadOnlyMemory<byte> body) = await HttpBody.ReadAsync(context, most);
        if (status == StatusCodes.Status200OK) return body;
        await Refuse(context, status, status == StatusCodes.Status413PayloadTooLarge ? $"a body has at most {most} bytes" : "the body did not come in time");
        return null;
    }

    /// <summary>The session of a request, and the carrier that its requests have in common.</summary>
    private async Task<HttpCarrier?> FindAsync(HttpContext context)
    {
        Session? session = hub.Find(context.Request.Headers[SessionHeader].ToString(), out bool isSuperseded);
        if (session is null && !isSuperseded)
        {
            await Refuse(context, StatusCodes.Status410Gone, "no such session");
            return null;
        }

        if (session?.Carrier is HttpCarrier carrier) return carrier;
        if (session is { Carrier: null })
        {
            var again = new HttpCarrier(hub, Describe(context, null));
            if (session.TryReattach(again)) return again;
            if (session.Carrier is HttpCarrier other) return other; // another request was first
        }

        context.Response.StatusCode = StatusCodes.Status409Conflict;
        return null;
    }

    /// <summary>Takes a body in. False: it is answered.</summary>
    private static async Task<bool> TakeInAsync(HttpContext context, HttpCarrier carrier, ReadOnlyMemory<byte> body)
    {
        switch (await carrier.ReceiveBodyAsync(body, context.RequestAborted))
        {
            case BodyStatus.Received:
                return true;
            case BodyStatus.OutOfOrder:
                context.Response.StatusCode = StatusCodes.Status409Conflict;
                await HttpBody.WriteAsync(context.Response, 0, carrier.Session!.Acknowledge());
                return false;
            case BodyStatus.Malformed:
                await Refuse(context, StatusCodes.Status400BadRequest, carrier.End?.Reason ?? "a malformed body");
                return false;
            default:
                // By what is in it, where it holds CLOSE.
                if (carrier.Session!.IsOver) return true;
                context.Response.StatusCode = StatusCodes.Status409Conflict;
                return false;
        }
    }

    private static async Task<HttpCarrier.Downstream?> TakeAsync(HttpContext context, HttpCarrier carrier, long received)
    {
        if (carrier.Take(received) is { } down) return down;
        if (carrier.End is { Code: SessionCode.ProtocolError } end) await Refuse(context, StatusCodes.Status400BadRequest, end.Reason);
        else if (carrier.Session!.IsOver) await Refuse(context, StatusCodes.Status410Gone, "the session is over");
        else context.Response.StatusCode = StatusCodes.Status409Conflict;
        return null;
    }
}
