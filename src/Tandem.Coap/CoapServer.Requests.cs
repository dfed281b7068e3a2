using Tandem.Coap.Blockwise;
using Tandem.Coap.Exchanges;
using Tandem.Coap.Observe;

namespace Tandem.Coap;

/// <content>From a request to its response. What begins with "On" holds the gate.</content>
public sealed partial class CoapServer
{
    // RFC 7641 section 2.
    private const uint Register = 0;
    private const uint Deregister = 1;

    private void OnEvent(ExchangeEvent happened)
    {
        TimeSpan now = _endpoint.Now;
        switch (happened.Timed)
        {
            case IncomingRequest request:
                OnRequest(request, now);
                break;
            case Sending { Owner: Observation observation }:
                _observations.OnEvent(observation, happened, now);
                break;
            case Observation observation:
                _observations.OnElapsed(observation, now);
                break;
            case Transfer transfer:
                transfer.Table.Remove(transfer);
                break;
        }
    }

    private void OnRequest(IncomingRequest incoming, TimeSpan now)
    {
        CoapMessage message = incoming.Message;
        CoapOptionSet options = message.Options;
        // RFC 7252 section 5.10.2.
        if (options.Contains(CoapOptionNumber.ProxyUri) || options.Contains(CoapOptionNumber.ProxyScheme))
        {
            OnAnswer(incoming, new CoapMessage(CoapType.Acknowledgement, CoapCode.ProxyingNotSupported, 0), now);
            return;
        }

        // RFC 7959 section 2.2.
        if (options.Block1 is { IsValid: false } || options.Block2 is { IsValid: false })
        {
            OnAnswer(incoming, new CoapMessage(CoapType.Acknowledgement, CoapCode.BadRequest, 0), now);
            return;
        }

        ReadOnlyMemory<byte> body = message.Payload;
        if (options.Block1 is { } block && !_uploads.TryComplete(incoming.Peer, message, block, now, out body, out CoapMessage? answer))
        {
            OnAnswer(incoming, answer!, now);
            return;
        }

        if (body.Length > _options.MaxBodySize)
        {
            OnAnswer(incoming, Uploads.TooLarge(_options), now);
            return;
        }

        if (options.Block2 is { Number: > 0 } asked)
        {
            CoapMessage? kept = _downloads.Find(incoming.Peer, message.Code, options, asked, now);
            // What is not kept any more can be made again where that is safe; RFC 7959 section 2.9.2 otherwise.
            if (kept is null && message.Code != CoapCode.Get) kept = new CoapMessage(CoapType.Acknowledgement, CoapCode.RequestEntityIncomplete, 0);
            if (kept is not null)
            {
                OnAnswer(incoming, kept, now);
                return;
            }
        }

        OnWholeRequest(incoming, body, now);
    }

    private void OnWholeRequest(IncomingRequest incoming, ReadOnlyMemory<byte> body, TimeSpan now)
    {
        CoapMessage message = incoming.Message;
        if (Find(message.Options.Path) is not { } resource)
        {
            OnAnswer(incoming, new CoapMessage(CoapType.Acknowledgement, CoapCode.NotFound, 0), now);
            return;
        }

        // RFC 7641 section 4.1; a later block is asked for without observing (RFC 7959 section 2.6).
        bool mayObserve = message.Code == CoapCode.Get && resource.Options.IsObservable && message.Options.Block2 is not { Number: > 0 };
        bool registers = mayObserve && message.Options.Observe == Register;
        var request = new CoapRequest(message.Code, message.Options)
        {
            Payload = body,
            IsConfirmable = message.Type == CoapType.Confirmable,
            RemoteEndPoint = incoming.Peer.Address.ToEndPoint(),
            Token = message.Token,
            IsObservation = registers,
        };
        if (mayObserve && message.Options.Observe == Deregister) _observations.Deregister(incoming.Peer, message.Token, now);
        Observation? observation = registers ? _observations.Register(incoming.Peer, resource, request, now) : null;
        OnCall(new RequestCall(incoming, request, resource, observation));
    }

    private void OnCall(RequestCall call)
    {
        Peer peer = call.Incoming.Peer;
        var queue = (RequestQueue)(peer.Attachment ??= new RequestQueue());
        queue.Calls.Enqueue(call);
        if (queue.IsServed) return;
        queue.IsServed = true;
        ThreadPool.UnsafeQueueUserWorkItem(Serve, queue, preferLocal: false);
    }

    /// <summary>Calls handlers, one after the other, until none waits.</summary>
    private void Serve(RequestQueue queue)
    {
        while (true)
        {
            RequestCall? call;
            lock (_endpoint.Gate)
            {
                if (!queue.Calls.TryDequeue(out call))
                {
                    queue.IsServed = false;
                    return;
                }
            }

            _ = CallAsync(call);
        }
    }

    private async Task CallAsync(RequestCall call)
    {
        CoapResponse response = await HandleAsync(call.Resource, call.Request).ConfigureAwait(false);
        lock (_endpoint.Gate)
        {
            if (_stopping.IsCancellationRequested) return;
            OnResponse(call, response, _endpoint.Now);
            _endpoint.Flush();
        }
    }

    /// <summary>The handler's answer, or 5.00.</summary>
    private async ValueTask<CoapResponse> HandleAsync(CoapResource resource, CoapRequest request)
    {
        try
        {
            CoapResponse response = await resource.Handler(request, _stopping).ConfigureAwait(false);
            return response ?? throw new InvalidOperationException($"The handler of {resource.Path} answered null.");
        }
        catch (Exception exception)
        {
            if (exception is not OperationCanceledException || !_stopping.IsCancellationRequested) _options.OnError?.Invoke(exception);
            return new CoapResponse(CoapCode.InternalServerError);
        }
    }

    private void OnResponse(RequestCall call, CoapResponse response, TimeSpan now)
    {
        Peer peer = call.Incoming.Peer;
        CoapMessage message = _downloads.Begin(peer, call.Request.Method, call.Request.Options, Validate(call.Request, response), now);
        if (call.Observation is { HasEnded: false } observation)
        {
            // RFC 7641 section 4.1: an error is no state to observe.
            if (message.Code.IsSuccess) message.Options.Observe = ObservationTable.NextSequence(observation, now);
            else _observations.End(observation, CoapObservationEnd.Failed, now);
        }

        OnAnswer(call.Incoming, message, now);
        if (call.Observation is { HasEnded: false } registered) _observations.Registered(registered, now);
    }

    private void OnAnswer(IncomingRequest incoming, CoapMessage message, TimeSpan now)
    {
        // RFC 7959 section 2.3: the response to the last block says which one it was.
        if (incoming.Message.Options.Block1 is { IsValid: true } block && message.Options.Block1 is null) message.Options.Block1 = block;
        _endpoint.Table.Respond(incoming, message, now);
    }

    /// <summary>RFC 7252 section 5.9.1.3: a client that has this representation is not sent it again.</summary>
    private static CoapResponse Validate(CoapRequest request, CoapResponse response)
    {
        if (request.Method != CoapCode.Get || response.Code != CoapCode.Content || response.ETag is not { } tag) return response;
        if (!request.Options.All(CoapOptionNumber.ETag).Any(known => known.Value.Span.SequenceEqual(tag.Span))) return response;
        return new CoapResponse(CoapCode.Valid) { ETag = tag, MaxAge = response.MaxAge };
    }

    private void Render(Observation observation) => ThreadPool.UnsafeQueueUserWorkItem(state => _ = RenderAsync(state), observation, preferLocal: false);

    private async Task RenderAsync(Observation observation)
    {
        CoapResponse response = await HandleAsync(observation.Resource, observation.Request).ConfigureAwait(false);
        lock (_endpoint.Gate)
        {
            if (_stopping.IsCancellationRequested || observation.HasEnded) return;
            TimeSpan now = _endpoint.Now;
            CoapRequest request = observation.Request;
            // The copy is the observation's own: handlers may answer with the same object again.
            CoapMessage content = _downloads.Begin(observation.Peer, request.Method, request.Options, Validate(request, response), now);
            observation.Notified = response;
            _observations.Send(observation, content, now);
            _endpoint.Flush();
        }
    }
}
