using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets;

/// <summary>A handshake whose decision is being made elsewhere (<see cref="UpgradeContext.Defer"/>).</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "A source without a timer has nothing to dispose, and may be cancelled at any time.")]
internal sealed class DeferredUpgrade(UpgradeRequestSnapshot request, ServedRoute route, UpgradeContext context)
{
    private readonly CancellationTokenSource _cancellation = new();

    public UpgradeRequestSnapshot Request => request;

    public ServedRoute Route => route;

    public UpgradeContext Context => context;

    /// <summary>Makes the decision, on the thread pool, so that what blocks there blocks nothing else. Never fails: an exception is a refusal.</summary>
    public async Task DecideAsync()
    {
        try
        {
            await Task.Run(() =>
            {
                if (context.Activity is not null) Activity.Current = context.Activity; // what the decision asks others for belongs to the trace
                return context.Decision!(request, _cancellation.Token);
            }).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            context.Refuse(HandshakeRefusal.HandlerFailed);
            // Who stops when it is told that nobody waits has not failed.
            if (exception is not OperationCanceledException || !_cancellation.IsCancellationRequested) route.Options.Report(null, exception);
        }
    }

    /// <summary>Nobody waits for the decision any more. What the application does about that is done on the thread pool.</summary>
    /// <param name="refusal">What the client is told instead; None when it has gone.</param>
    public void Cancel(HandshakeRefusal refusal)
    {
        _ = _cancellation.CancelAsync();
        if (refusal == HandshakeRefusal.None) HandshakeActivity.End(context.Activity, TelemetryTags.Abandoned);
        else HandshakeActivity.End(context.Activity, refusal.Status(), TelemetryTags.Of(refusal));
    }
}
