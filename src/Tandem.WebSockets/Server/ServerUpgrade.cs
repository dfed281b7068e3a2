using Tandem.Protocol.Compression;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.EventLoop;

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

    /// <summary>Asks the handler.</summary>
    public static void Ask(in UpgradeRequest request, ServedRoute route, UpgradeContext context, RemoteAddress address, ushort port)
    {
        string? extensions = Negotiate(in request, route.Options, out DeflateParameters parameters);
        context.Begin(address, port, request.SelectSubprotocol(route.Route.SubprotocolArray), extensions, in parameters);
        try
        {
            route.Handler.OnUpgrade(in request, context);
        }
        catch (Exception exception)
        {
            route.Options.Report(null, exception);
            context.Refuse(HandshakeRefusal.HandlerFailed);
        }
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
        if (context.Refusal != HandshakeRefusal.None) return HandshakeRefusals.Write(answer, context.Refusal);
        try
        {
            if (context.RefusalStatus != 0) return HandshakeRefusals.Write(answer, context.RefusalStatus, context.RefusalText, context.HeaderSpan);
            int length = ServerHandshake.WriteAccepted(answer, in request, context.Subprotocol, context.Extensions, context.HeaderSpan);
            accepted = true;
            return length;
        }
        catch (Exception exception)
        {
            // A subprotocol that was not offered, a field that is none: the application's mistakes.
            route.Options.Report(null, exception);
            return HandshakeRefusals.Write(answer, HandshakeRefusal.HandlerFailed);
        }
    }

    private static string? Negotiate(in UpgradeRequest request, WebSocketServerOptions options, out DeflateParameters parameters)
    {
        parameters = default;
        if (options.Deflate is not { } deflate) return null;
        DeflateOptions? granted = DeflateBudget.Grant(options.DeflateMemoryBudget, deflate);
        return granted is null ? null : DeflateNegotiation.Accept(request.Head, granted, out parameters);
    }
}
