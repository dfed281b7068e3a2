using System.Diagnostics;
using System.Net.WebSockets;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets.Client;

/// <summary>The client's way to an open connection, counted and, when somebody listens, traced.</summary>
internal static class ConnectActivity
{
    private const string OperationName = "websocket.client.handshake";

    /// <inheritdoc cref="ClientDialer.ConnectAsync"/>
    public static async Task<ClientHandshakeResult> RunAsync(Uri uri, WebSocketClientOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(uri);
        ArgumentNullException.ThrowIfNull(options);
        RoleTelemetry telemetry = options.Connection.Telemetry.Client;
        // An activity of this method: the caller's is current again when it returns.
        using Activity? activity = WebSocketTelemetry.Source.StartActivity(OperationName, ActivityKind.Client);
        // Host and port, and no more of the URI: paths and queries carry tokens.
        activity?.SetTag(TelemetryTags.ServerAddress, uri.IsAbsoluteUri ? uri.Host : null);
        activity?.SetTag(TelemetryTags.ServerPort, uri.IsAbsoluteUri ? uri.Port : null);
        try
        {
            ClientHandshakeResult result = await ClientDialer.ConnectAsync(uri, options, cancellationToken, activity: activity).ConfigureAwait(false);
            telemetry.Handshake(TelemetryTags.Accepted, 101, null);
            activity?.SetTag(TelemetryTags.StatusCode, 101);
            return result;
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            var failure = exception.InnerException as WebSocketConnectException;
            string error = Count(telemetry, failure);
            if (failure?.Status is { } status) activity?.SetTag(TelemetryTags.StatusCode, status);
            activity?.SetTag(TelemetryTags.ErrorType, error);
            activity?.SetStatus(ActivityStatusCode.Error);
            throw;
        }
    }

    /// <summary>Counts a way that has led nowhere.</summary>
    /// <param name="telemetry">Where.</param>
    /// <param name="failure">Why; null when it was given up.</param>
    /// <returns>What it is counted as.</returns>
    public static string Count(RoleTelemetry telemetry, WebSocketConnectException? failure)
    {
        string error = ErrorType(failure);
        string outcome = failure is null ? TelemetryTags.Abandoned : failure.Status is null ? TelemetryTags.Failed : TelemetryTags.Refused;
        telemetry.Handshake(outcome, failure?.Status ?? 0, error);
        return error;
    }

    // The rule that the answer broke; where there was none to judge, the step that failed, or that its time was over.
    private static string ErrorType(WebSocketConnectException? failure)
    {
        if (failure is null) return TelemetryTags.Abandoned;
        if (failure.Fault is { } fault) return TelemetryTags.Of(fault);
        return failure.InnerException is TimeoutException ? "timeout" : TelemetryTags.Of(failure.Phase);
    }
}
