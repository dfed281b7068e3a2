using System.Net.Sockets;
using Tandem.Coap;
using Tandem.Link.Pairing;
using Tandem.Link.Secrets;

namespace Tandem.Cli.Phone;

/// <content>The requests to the mobile server.</content>
internal sealed partial class PhoneClient
{
    // A server that says when to come again is believed within bounds.
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    // Milliseconds after which the person is told that an answer has not come: a repetition may well be needed, but who waits wonders by then.
    private const int Patience = 2000;

    private CancellationTokenSource _observing = new();
    private int _asked;
    private long _silentSince;
    private TaskCompletionSource _observed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task SendAllAsync()
    {
        while (true)
        {
            if (Take() is not { } next) await _work.WaitAsync(_stopping.Token);
            else if (next.Mailbox.StartsWith(MailboxNames.TicketPrefix, StringComparison.Ordinal)) await ClaimAsync(next.Mailbox, next.Mail);
            else await PutAsync(next.Mailbox, next.Mail);
        }
    }

    private async Task ClaimAsync(string ticket, byte[] claim)
    {
        while (_pairing.State == PhonePairingState.Claiming)
        {
            var request = new CoapRequest(CoapCode.Post, "claim") { Payload = claim };
            request.Options.Query = [$"r={IdOf(ticket)}"];
            CoapResponse? response = await TryAsync(request);
            if (response?.Code == CoapCode.Created)
            {
                lock (_gate) _tasks.Add(Task.Run(ObserveAllAsync));
                return;
            }

            if (response?.Code == CoapCode.NotFound) Pair((pairing, now) => pairing.NotFound(now));
            else await PauseAsync(response);
        }
    }

    /// <summary>Sends an envelope until it is stored: what follows would show a hole without it.</summary>
    private async Task PutAsync(string mailbox, byte[] envelope)
    {
        while (true)
        {
            // A mobile server that has begun anew does not know the inbox before it is observed there.
            await _observed.Task.WaitAsync(_stopping.Token);
            var request = new CoapRequest(CoapCode.Put, $"out/{IdOf(mailbox)}") { Payload = envelope };
            request.Options.Query = [$"i={_inbox}"];
            CoapResponse? response = await TryAsync(request);
            bool isStored = response?.Code == CoapCode.Changed;
            if (response?.Code == CoapCode.NotFound || (isStored && !response!.Payload.IsEmpty)) ObserveAnew();
            if (isStored) return;
            await PauseAsync(response);
        }
    }

    /// <summary>Null: no answer.</summary>
    private async Task<CoapResponse?> TryAsync(CoapRequest request)
    {
        Ask(1);
        try
        {
            CoapResponse response = await _coap.SendAsync(request, _stopping.Token);
            _isAnswered = true;
            // 4.12: what is deleted was so before, and the answer to that was lost.
            bool isWell = response.IsSuccess || response.Code == CoapCode.NotFound || response.Code == CoapCode.PreconditionFailed;
            Tell(isWell ? null : $"the server says {response.Code}{(response.Payload.IsEmpty ? "" : ", " + response.ReadText())}; trying again");
            return response;
        }
        catch (CoapException exception)
        {
            Tell($"no answer from {_coap.RemoteEndPoint}: {exception.Message}");
            return null;
        }
        finally
        {
            Ask(-1);
        }
    }

    /// <summary>A request more, or less, waits for its answer.</summary>
    private void Ask(int change)
    {
        lock (_gate)
        {
            _asked += change;
            _silentSince = Now;
        }
    }

    private void TellSilence()
    {
        if (_problem is null && _asked > 0 && Now - _silentSince > Patience) Tell($"no answer from {_coap.RemoteEndPoint} so far; trying again");
    }

    /// <summary>The system knows that nothing gets to the server. At the beginning that is the end, since the address is wrong or nobody is there; later the server may be beginning anew.</summary>
    public void Unreachable(SocketError error)
    {
        string problem = error == SocketError.ConnectionRefused ? $"nobody listens at {_coap.RemoteEndPoint}" : $"there is no way to {_coap.RemoteEndPoint}";
        if (_isAnswered) Tell($"{problem}; trying again");
        else _absent.TrySetResult(problem);
    }

    private async Task PauseAsync(CoapResponse? response)
    {
        TimeSpan pause = TimeSpan.FromSeconds(response is { IsSuccess: false } ? response.MaxAge ?? 0 : 0);
        await Task.Delay(pause < ShortestPause ? ShortestPause : pause > LongestPause ? LongestPause : pause, _stopping.Token);
    }

    private void ObserveAnew()
    {
        lock (_gate)
        {
            if (!_observed.Task.IsCompleted) return;
            _observed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _ = _observing.CancelAsync(); // what waits for it does not go on under the lock
        }
    }

    private async Task ObserveAllAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            CoapResponse? last = null;
            using (CancellationTokenSource either = Renew())
            {
                try
                {
                    await foreach (CoapResponse response in _coap.ObserveAsync(new CoapRequest(CoapCode.Get, $"in/{_inbox}"), either.Token)) await TakeAsync(last = response);
                }
                catch (OperationCanceledException)
                {
                    continue;
                }
                catch (CoapException exception)
                {
                    Tell($"no answer from {_coap.RemoteEndPoint}: {exception.Message}");
                }
            }

            if (last?.Code == CoapCode.Forbidden)
            {
                Tell("somebody else has opened this phone's inbox");
                Pair((pairing, now) => pairing.TakenOver(now));
            }

            await PauseAsync(last);
        }
    }

    private CancellationTokenSource Renew()
    {
        lock (_gate)
        {
            if (_observing.IsCancellationRequested)
            {
                _observing.Dispose();
                _observing = new CancellationTokenSource();
            }

            return CancellationTokenSource.CreateLinkedTokenSource(_observing.Token, _stopping.Token);
        }
    }

    private async Task TakeAsync(CoapResponse response)
    {
        if (!response.IsSuccess) return;
        Tell(null);
        lock (_gate) _observed.TrySetResult();
        if (response.Payload.IsEmpty) return;
        Receive(response.Payload.Span);
        // What took several blocks is settled by its ETag: the acknowledgement was of the first.
        if (response.ETag is not { } tag) return;
        var done = new CoapRequest(CoapCode.Delete, $"in/{_inbox}");
        done.Options.Add(CoapOptionNumber.IfMatch, tag);
        await TryAsync(done);
    }
}
