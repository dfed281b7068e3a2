using System.Net.WebSockets;

namespace Tandem.WebSockets.Client;

/// <summary>Runs the steps to a connection, each under its deadline, and says in one way how a step ended that did not succeed.</summary>
/// <param name="time">The clock of the deadlines.</param>
/// <param name="cancellationToken">The caller's.</param>
internal sealed class ConnectPhases(TimeProvider time, CancellationToken cancellationToken)
{
    /// <summary>Runs a step that returns nothing.</summary>
    /// <inheritdoc cref="RunAsync{T}" />
    public Task RunAsync(WebSocketConnectPhase phase, TimeSpan timeout, Func<CancellationToken, Task> step) =>
        RunAsync(phase, timeout, async token =>
        {
            await step(token).ConfigureAwait(false);
            return true;
        });

    /// <summary>Runs a step.</summary>
    /// <param name="phase">Which.</param>
    /// <param name="timeout">Its deadline from now.</param>
    /// <param name="step">The step; it ends soon after its token is cancelled.</param>
    /// <returns>What the step returns.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled: that comes before whatever else went wrong.</exception>
    /// <exception cref="WebSocketException">Anything else, with a <see cref="WebSocketConnectException"/> inside.</exception>
    public async Task<T> RunAsync<T>(WebSocketConnectPhase phase, TimeSpan timeout, Func<CancellationToken, Task<T>> step)
    {
        using var timer = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            return await step(either.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("The caller gave up connecting.", exception, cancellationToken);
        }
        catch (Exception exception) when (exception is not WebSocketException)
        {
            throw timer.IsCancellationRequested ? ConnectFailures.TimedOut(phase, timeout) : ConnectFailures.Failed(phase, exception);
        }
    }
}
