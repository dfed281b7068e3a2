using System.Diagnostics;
using System.Text;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets.Telemetry;

/// <summary>The activity of a handshake that a server answers: from the request to the answer, below the trace that the request names.</summary>
internal static class HandshakeActivity
{
    private const string OperationName = "websocket.server.handshake";

    /// <summary>Begins, for a request that is whole. It is <see cref="Activity.Current"/> then; the caller sees to it that this becomes what it was.</summary>
    /// <param name="request">The request.</param>
    /// <param name="route">Its route.</param>
    /// <param name="address">Where it comes from; null when that does not matter.</param>
    /// <param name="port">The port of that address.</param>
    /// <param name="parent">The activity of who has read the request; default for the one that the request names.</param>
    /// <returns>Null when nobody listens.</returns>
    public static Activity? Start(in UpgradeRequest request, ServedRoute route, RemoteAddress? address, ushort port, ActivityContext parent)
    {
        if (!WebSocketTelemetry.Source.HasListeners()) return null;
        // W3C Trace Context section 3.2: one traceparent; where there is none, or no valid one, a trace begins here.
        if (parent == default) ActivityContext.TryParse(Single(in request, "traceparent"u8), request.GetHeader("tracestate"), isRemote: true, out parent);
        Activity? outer = Activity.Current;
        Activity.Current = null; // what this thread came from, the start of the server, is no parent
        Activity? activity = WebSocketTelemetry.Source.StartActivity(OperationName, ActivityKind.Server, parent);
        if (activity is null)
        {
            Activity.Current = outer; // nobody wants this one
            return null;
        }

        activity.DisplayName = $"GET {route.Route.Path}";
        activity.SetTag(TelemetryTags.Route, route.Route.Path);
        if (address is null) return activity;
        activity.SetTag(TelemetryTags.PeerAddress, address.Address.ToString());
        activity.SetTag(TelemetryTags.PeerPort, (int)port);
        return activity;
    }

    /// <summary>An activity for a request that is refused by a rule, before anybody is asked.</summary>
    public static void Refused(in UpgradeRequest request, ServedRoute route, HandshakeRefusal refusal)
    {
        Activity? outer = Activity.Current;
        if (Start(in request, route, null, 0, default) is not { } activity) return;
        End(activity, refusal.Status(), TelemetryTags.Of(refusal));
        Activity.Current = outer;
    }

    /// <summary>Ends with an answer.</summary>
    public static void End(Activity? activity, int status, string? error)
    {
        if (activity is null) return;
        activity.SetTag(TelemetryTags.StatusCode, status);
        End(activity, error);
    }

    /// <summary>Ends without one.</summary>
    public static void End(Activity? activity, string? error)
    {
        if (activity is null) return;
        if (error is not null)
        {
            activity.SetTag(TelemetryTags.ErrorType, error);
            activity.SetStatus(ActivityStatusCode.Error);
        }

        activity.Dispose();
    }

    private static string? Single(in UpgradeRequest request, ReadOnlySpan<byte> name) =>
        request.Head.TryGetSingle(name, out ReadOnlySpan<byte> value) == 1 ? Encoding.Latin1.GetString(value) : null;
}
