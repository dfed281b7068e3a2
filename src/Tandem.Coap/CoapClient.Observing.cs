using System.Runtime.CompilerServices;
using Tandem.Coap.Exchanges;
using Tandem.Coap.Observe;

namespace Tandem.Coap;

/// <content>Observing (RFC 7641).</content>
public sealed partial class CoapClient
{
    // RFC 7252 section 5.10.5.
    private const uint DefaultMaxAge = 60;

    // RFC 7641 section 3.3.1: after the state is stale, between 5 and 15 seconds until it is asked for again, so that not all observers do at once.
    private static readonly TimeSpan StalePatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StaleSpread = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    /// <summary>
    /// Observes a resource: the state as it is, and then as it changes, until the reader stops, which tells the server. States that follow each other quickly may be left out, but never the latest. When
    /// the server has been silent for longer than the state is fresh, the observation is begun anew, so that it outlives a server that has forgotten it.
    /// </summary>
    /// <param name="request">A GET.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The states. A response that says an error is the last one; so is the first, when the resource cannot be observed.</returns>
    /// <exception cref="CoapException">The server does not answer, or not in a way that is understood.</exception>
    /// <exception cref="ObjectDisposedException">The client is, or was meanwhile.</exception>
    public async IAsyncEnumerable<CoapResponse> ObserveAsync(CoapRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Method != CoapCode.Get) throw new ArgumentException("Only GET observes (RFC 7641 section 2).", nameof(request));
        CoapToken token = NewToken();
        var observation = new ClientObservation(_options.MaxQueuedNotifications);
        Sending? registration = null;
        try
        {
            while (true)
            {
                (CoapMessage state, registration) = await RegisterAsync(request, token, observation, registration, cancellationToken).ConfigureAwait(false);
                while (true)
                {
                    bool goesOn = state.Code.IsSuccess && state.Options.Observe is not null;
                    uint maxAge = state.Options.MaxAge ?? DefaultMaxAge;
                    yield return await DownloadAsync(request, state, cancellationToken).ConfigureAwait(false);
                    if (!goesOn) yield break;
                    TimeSpan patience = TimeSpan.FromSeconds(maxAge) + StalePatience + (StaleSpread * Random.Shared.NextDouble());
                    if (await NextAsync(observation, patience, cancellationToken).ConfigureAwait(false) is not { } next) break;
                    state = next;
                }
            }
        }
        finally
        {
            if (registration is not null) Deregister(request, token, registration);
        }
    }

    /// <summary>The next notification; null when the state is stale.</summary>
    private async ValueTask<CoapMessage?> NextAsync(ClientObservation observation, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (observation.Reader.TryRead(out CoapMessage? waiting)) return waiting;
        // A Max-Age may be longer than a timer.
        using var stale = new CancellationTokenSource(patience < LongestWait ? patience : LongestWait, _options.TimeProvider);
        using CancellationTokenSource any = CancellationTokenSource.CreateLinkedTokenSource(stale.Token, cancellationToken, _endpoint.Stopping);
        try
        {
            return await observation.Reader.ReadAsync(any.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(_endpoint.Stopping.IsCancellationRequested, this);
            return null;
        }
        catch (System.Threading.Channels.ChannelClosedException closed) when (closed.InnerException is CoapException failure)
        {
            throw failure;
        }
    }

    /// <summary>Section 3.1; section 3.3.1: again with the same token, which takes the place of what the server may still know.</summary>
    private async Task<(CoapMessage State, Sending Registration)> RegisterAsync(
        CoapRequest request, CoapToken token, ClientObservation observation, Sending? before, CancellationToken cancellationToken)
    {
        for (int challenges = 0; ; challenges++)
        {
            using TurnQueue.Turn turn = await _turns.EnterAsync(cancellationToken).ConfigureAwait(false);
            if (before is not null) Cancel(before);
            CoapOptionSet options = WithBlockSize(request);
            options.Observe = 0;
            var pending = new PendingResponse(turn, observation);
            CoapMessage response = await TransmitAsync(ToMessage(request, options, request.Payload, token), SendingKind.Observe, pending, cancellationToken).ConfigureAwait(false);
            if (!IsChallenge(response, challenges)) return (response, pending.Sending!);
            before = pending.Sending;
        }
    }

    /// <summary>Section 3.6: says so, and does not wait; a notification that comes nevertheless is rejected, which says it again.</summary>
    private void Deregister(CoapRequest request, CoapToken token, Sending registration)
    {
        lock (_endpoint.Gate)
        {
            if (_endpoint.Stopping.IsCancellationRequested) return;
            bool isObserving = registration.State == SendingState.Observing;
            _endpoint.Table.Cancel(registration, _endpoint.Now);
            if (isObserving)
            {
                var options = new CoapOptionSet(request.Options) { Observe = 1 };
                _endpoint.Table.Send(_server, ToMessage(request, options, request.Payload, token), SendingKind.Request, owner: null, _endpoint.Now);
            }

            _endpoint.Flush();
        }
    }
}
