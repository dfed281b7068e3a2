using System.Diagnostics;
using System.Globalization;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.EventLoop;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets;

/// <summary>
/// From a request that is whole to the answer, for all drivers: judged by the rules, by the policy and by the application. No I/O.
/// </summary>
internal static class ServerUpgrade
{
    /// <summary>Bytes of an answer, at most.</summary>
    public const int MaxAnswerLength = HttpHead.MaxLength;

    /// <summary>Judges what need not be asked of the application.</summary>
    /// <param name="request">The request.</param>
    /// <param name="route">The route of its path, or null.</param>
    /// <param name="admission">Why there is no room for its connection.</param>
    public static HandshakeRefusal Judge(ref UpgradeRequest request, ServedRoute? route, HandshakeRefusal admission)
    {
        // The path first: what is wrong with an upgrade matters only where there is something to upgrade to.
        if (route is null) return HandshakeRefusal.NoSuchRoute;
        HandshakeRefusal refusal = JudgeForRoute(ref request, route, admission);
        if (refusal != HandshakeRefusal.None) HandshakeActivity.Refused(in request, route, refusal);
        return refusal;
    }

    private static HandshakeRefusal JudgeForRoute(ref UpgradeRequest request, ServedRoute route, HandshakeRefusal admission)
    {
        HandshakeRefusal refusal = request.Judge();
        if (refusal != HandshakeRefusal.None) return refusal;
        if (admission != HandshakeRefusal.None) return admission;
        try
        {
            // Section 10.2. The policy may be the application's own, and fail like a handler.
            return (route.Route.Origins ?? route.Options.Origins).Allows(in request) ? HandshakeRefusal.None : HandshakeRefusal.OriginNotAllowed;
        }
        catch (Exception exception)
        {
            route.Options.Report(null, exception);
            return HandshakeRefusal.HandlerFailed;
        }
    }

    /// <summary>Asks the handler, within an activity when somebody listens; <see cref="WriteAnswer"/> ends it.</summary>
    public static void Ask(
        in UpgradeRequest request, ServedRoute route, UpgradeContext context, RemoteAddress address, ushort port, ActivityContext parent = default)
    {
        string? extensions = Negotiate(in request, route.Options, out DeflateParameters parameters);
        context.Begin(address, port, request.SelectSubprotocol(route.Route.SubprotocolArray), extensions, in parameters);
        Activity? outer = Activity.Current;
        context.Activity = HandshakeActivity.Start(in request, route, address, port, parent);
        try
        {
            route.Handler.OnUpgrade(in request, context);
        }
        catch (Exception exception)
        {
            route.Options.Report(null, exception);
            context.Refuse(HandshakeRefusal.HandlerFailed);
        }

        if (context.Activity is not null) Activity.Current = outer; // the thread goes on to others
    }

    /// <summary>Writes the answer that the context has become.</summary>
    /// <param name="answer"><see cref="MaxAnswerLength"/> bytes.</param>
    /// <param name="request">The request.</param>
    /// <param name="route">Its route.</param>
    /// <param name="context">The decision.</param>
    /// <param name="accepted">Whether the answer is 101.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteAnswer(Span<byte> answer, in UpgradeRequest request, ServedRoute route, UpgradeContext context, out bool accepted)
    {
        accepted = false;
        HandshakeRefusal refusal = context.Refusal;
        if (refusal == HandshakeRefusal.None)
        {
            try
            {
                accepted = context.RefusalStatus == 0;
                int length = accepted
                    ? ServerHandshake.WriteAccepted(answer, in request, context.Subprotocol, context.Extensions, context.HeaderSpan)
                    : HandshakeRefusals.Write(answer, context.RefusalStatus, context.RefusalText, context.HeaderSpan);
                Conclude(route.Options, context, HandshakeRefusal.None, accepted ? 101 : context.RefusalStatus);
                return length;
            }
            catch (Exception exception)
            {
                // A subprotocol that was not offered, a field that is none: the application's mistakes.
                route.Options.Report(null, exception);
                refusal = HandshakeRefusal.HandlerFailed;
                accepted = false;
            }
        }

        Conclude(route.Options, context, refusal, refusal.Status());
        return HandshakeRefusals.Write(answer, refusal, route.Options.Drafts);
    }

    private static void Conclude(WebSocketServerOptions options, UpgradeContext context, HandshakeRefusal refusal, int status)
    {
        if (status == 101) options.Telemetry.RecordAccepted(status);
        else options.ReportRefused(context.Address, context.Port, refusal, status);
        if (context.Activity is null) return;
        string? error = refusal != HandshakeRefusal.None ? TelemetryTags.Of(refusal) : status == 101 ? null : status.ToString(CultureInfo.InvariantCulture);
        HandshakeActivity.End(context.Activity, status, error);
    }

    private static string? Negotiate(in UpgradeRequest request, WebSocketServerOptions options, out DeflateParameters parameters)
    {
        parameters = default;
        if (options.Deflate is not { } deflate || request.IsHixie) return null;
        DeflateOptions? granted = DeflateBudget.Grant(options.DeflateMemoryBudget, deflate);
        return granted is null ? null : DeflateNegotiation.Accept(request.Head, granted, out parameters);
    }
}
