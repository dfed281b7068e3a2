namespace Tandem.Coap.Exchanges;

/// <content>What is sent.</content>
internal sealed partial class ExchangeTable
{
    /// <summary>Sends a message, or has it wait for its turn (NSTART, section 4.7).</summary>
    /// <param name="to">To whom.</param>
    /// <param name="message">Type, code, token, options, payload.</param>
    /// <param name="kind">What it is for.</param>
    /// <param name="owner">Told with the events about it.</param>
    /// <param name="now">The time.</param>
    /// <returns>Null when too many messages wait for that peer, or there are too many peers.</returns>
    public Sending? Send(CoapAddress to, CoapMessage message, SendingKind kind, object? owner, TimeSpan now)
    {
        if (Admit(to, now) is not { } peer || peer.Waiting.Count >= _settings.MaxQueuedPerPeer) return null;
        return Send(peer, message, kind, owner, now);
    }

    /// <summary>Expects nothing more of a message: it is not repeated, and what still comes for it is rejected.</summary>
    public void Cancel(Sending sending, TimeSpan now)
    {
        StopTransmitting(sending);
        End(sending);
        Pump(sending.Peer, now);
    }

    /// <summary>Answers a request: with its acknowledgement while that was not sent (section 5.2.1), else by a message of its own (5.2.2, 5.2.3).</summary>
    /// <param name="request">The request; answered once.</param>
    /// <param name="response">Code, options and payload.</param>
    /// <param name="now">The time.</param>
    public void Respond(IncomingRequest request, CoapMessage response, TimeSpan now)
    {
        if (request.IsAnswered) return;
        request.IsAnswered = true;
        request.Received.Request = null;
        request.Peer.InProgress--;
        _deadlines.Set(request, null);
        bool isConfirmable = request.Message.Type == CoapType.Confirmable;
        bool isPiggybacked = isConfirmable && !request.IsAcknowledged;
        CoapType type = isPiggybacked ? CoapType.Acknowledgement : isConfirmable ? CoapType.Confirmable : CoapType.NonConfirmable;
        var message = new CoapMessage(type, response.Code, request.Message.MessageId, request.Message.Token) { Options = response.Options, Payload = response.Payload };
        if (isPiggybacked)
        {
            byte[] datagram = message.ToArray();
            SetAnswer(request.Received, datagram);
            Post(request.Peer.Address, datagram);
            return;
        }

        Send(request.Peer, message, SendingKind.Response, owner: null, now);
    }

    private Sending Send(Peer peer, CoapMessage message, SendingKind kind, object? owner, TimeSpan now)
    {
        var sending = new Sending(peer, message, kind, owner);
        if (kind != SendingKind.Response) peer.Requests[message.Token] = sending;
        peer.Waiting.AddLast(sending);
        Pump(peer, now);
        return sending;
    }

    /// <summary>Sends what may be sent.</summary>
    private void Pump(Peer peer, TimeSpan now)
    {
        while (peer.Waiting.First is { } first)
        {
            Sending sending = first.Value;
            if (sending.IsConfirmable && peer.Transmitting.Count >= _timers.NStart) return;
            TimeSpan lifetime = _timers.ExchangeLifetime;
            if (!peer.TryTakeId(now, lifetime, out ushort id, out TimeSpan free))
            {
                _deadlines.Set(peer, free);
                return;
            }

            peer.Waiting.RemoveFirst();
            sending.MessageId = id;
            Transmit(sending, now);
        }
    }

    private void Transmit(Sending sending, TimeSpan now)
    {
        sending.Datagram = sending.Message.ToArray(sending.Message.Type, sending.MessageId);
        Post(sending.Peer.Address, sending.Datagram);
        if (sending.IsConfirmable)
        {
            // Section 4.2: the first wait is random between ACK_TIMEOUT and ACK_TIMEOUT * ACK_RANDOM_FACTOR.
            sending.State = SendingState.Transmitting;
            sending.Timeout = _timers.AckTimeout * (1 + (_random.NextDouble() * (_timers.AckRandomFactor - 1)));
            sending.Peer.Transmitting.Add(sending.MessageId, sending);
            _deadlines.Set(sending, now + sending.Timeout);
            return;
        }

        sending.Peer.AddRecent(sending);
        if (sending.Kind == SendingKind.Response)
        {
            sending.State = SendingState.Done;
            return;
        }

        sending.State = SendingState.AwaitingResponse;
        _deadlines.Set(sending, now + _timers.ResponseTimeout);
    }

    /// <summary>Section 4.2: again after twice the wait, MAX_RETRANSMIT times.</summary>
    private void OnDeadline(Sending sending, TimeSpan now)
    {
        if (sending.State == SendingState.Transmitting && sending.Retransmissions < _timers.MaxRetransmit)
        {
            sending.Retransmissions++;
            sending.Timeout *= 2;
            _retransmissions++;
            Post(sending.Peer.Address, sending.Datagram);
            _deadlines.Set(sending, now + sending.Timeout);
            return;
        }

        _givenUp++;
        StopTransmitting(sending);
        Finish(sending, ExchangeEventKind.TimedOut);
        Pump(sending.Peer, now);
    }

    private void StopTransmitting(Sending sending)
    {
        if (sending.State == SendingState.Transmitting) sending.Peer.Transmitting.Remove(sending.MessageId);
        if (sending.State == SendingState.Waiting) sending.Peer.Waiting.Remove(sending);
        _deadlines.Set(sending, null);
    }

    private void Finish(Sending sending, ExchangeEventKind kind, CoapMessage? message = null)
    {
        End(sending);
        Events.Enqueue(new ExchangeEvent(kind, sending, message));
    }

    private void End(Sending sending)
    {
        sending.State = SendingState.Done;
        _deadlines.Set(sending, null);
        // Another request may have taken its token over: a registration that is renewed (RFC 7641 section 3.3.1).
        Dictionary<CoapToken, Sending> requests = sending.Peer.Requests;
        if (requests.TryGetValue(sending.Message.Token, out Sending? current) && current == sending) requests.Remove(sending.Message.Token);
    }

    /// <summary>Acknowledges a request whose response is not ready.</summary>
    private void Acknowledge(IncomingRequest request)
    {
        _deadlines.Set(request, null);
        request.IsAcknowledged = true;
        byte[] datagram = new CoapMessage(CoapType.Acknowledgement, CoapCode.Empty, request.Message.MessageId).ToArray();
        SetAnswer(request.Received, datagram);
        Post(request.Peer.Address, datagram);
    }
}
