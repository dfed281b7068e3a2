using Tandem.Coap.Messages;

namespace Tandem.Coap.Exchanges;

/// <content>What comes.</content>
internal sealed partial class ExchangeTable
{
    // A request that was challenged may come once more, late, after its repetition with Echo was carried out. Which it is shows in its message ID, where those are
    // counted up: it lies before that of the repetition, by no more than this.
    private const int ChallengedIds = 1024;

    /// <summary>Takes a datagram.</summary>
    /// <param name="from">Where it says that it is from.</param>
    /// <param name="datagram">Its bytes; copied when they are to be kept.</param>
    /// <param name="now">The time.</param>
    public void Receive(CoapAddress from, ReadOnlySpan<byte> datagram, TimeSpan now)
    {
        _received++;
        if (!_limiter.TryTake(from, now))
        {
            _limited++;
            return;
        }

        CoapFault fault = CoapFault.TooLong;
        CoapMessage? message = null;
        if (datagram.Length > _settings.MaxMessageSize || !CoapMessage.TryParse(datagram.ToArray(), out message, out fault))
        {
            _malformed++;
            // Section 4.2: a confirmable message is rejected by a reset; section 4.3: anything else in silence. Section 3: an unknown version in silence, too.
            if (fault is not (CoapFault.TooShort or CoapFault.UnknownVersion) && CoapMessage.TypeOf(datagram) == CoapType.Confirmable) PostReset(from, CoapMessage.IdOf(datagram));
            return;
        }

        if (message.Type == CoapType.Acknowledgement) OnAcknowledgement(from, message, now);
        else if (message.Type == CoapType.Reset) OnReset(from, message, now);
        else if (message.IsEmpty) PostReset(from, message.MessageId); // section 4.3: a ping
        else if (message.Code.IsRequest) OnRequest(from, message, datagram.Length, now);
        else OnResponse(from, message, now);
    }

    private void OnAcknowledgement(CoapAddress from, CoapMessage message, TimeSpan now)
    {
        if (_peers.Find(from, now) is not { } peer || !peer.Transmitting.TryGetValue(message.MessageId, out Sending? sending)) return;
        bool isResponse = !message.IsEmpty;
        // Section 5.3.2: of a piggybacked response message ID and token must match.
        if (isResponse && (sending.Kind == SendingKind.Response || sending.Message.Token != message.Token)) return;
        StopTransmitting(sending);
        if (isResponse) Complete(sending, message);
        else if (sending.Kind == SendingKind.Response) Finish(sending, ExchangeEventKind.Acknowledged);
        else
        {
            sending.State = SendingState.AwaitingResponse;
            _deadlines.Set(sending, now + _timers.ResponseTimeout);
            Events.Enqueue(new ExchangeEvent(ExchangeEventKind.Acknowledged, sending));
        }

        Pump(peer, now);
    }

    private void OnReset(CoapAddress from, CoapMessage message, TimeSpan now)
    {
        if (_peers.Find(from, now) is not { } peer) return;
        if (peer.Transmitting.TryGetValue(message.MessageId, out Sending? sending))
        {
            StopTransmitting(sending);
            Finish(sending, ExchangeEventKind.Reset);
            Pump(peer, now);
        }
        else if (peer.FindRecent(message.MessageId) is { } recent)
        {
            Finish(recent, ExchangeEventKind.Reset);
        }
    }

    private void OnRequest(CoapAddress from, CoapMessage message, int length, TimeSpan now)
    {
        if (!_settings.TakesRequests)
        {
            if (message.Type == CoapType.Confirmable) PostReset(from, message.MessageId);
            return;
        }

        Peer? peer = _peers.Find(from, now);
        if (peer is not null && IsDuplicate(peer, message, now)) return;
        if (_settings.VerifiesAddresses && !TryVerify(ref peer, from, message, now))
        {
            if (peer is null && message.Options.Echo is { } echo && _echo.IsValid(echo.Span, from, now)) Refuse(from, message);
            else Challenge(from, message, length, now);
            return;
        }

        peer ??= Admit(from, now);
        if (peer is null)
        {
            Refuse(from, message);
            return;
        }

        CoapOptionNumber? unknown = OptionRules.Judge(message);
        // Section 5.4.1: a non-confirmable message is rejected as a whole, in silence.
        if (unknown is not null && message.Type == CoapType.NonConfirmable) return;
        var request = new IncomingRequest(peer, message, Remember(peer, message, now));
        request.Received.Request = request;
        peer.InProgress++;
        if (unknown is { } number) Respond(request, Plain(CoapCode.BadOption, $"option {(int)number}"), now);
        else if (peer.InProgress > _settings.MaxInProgressPerPeer)
        {
            _refused++;
            Respond(request, Busy(), now);
        }
        else
        {
            if (message.Type == CoapType.Confirmable) _deadlines.Set(request, now + _timers.AckDelay);
            Events.Enqueue(new ExchangeEvent(ExchangeEventKind.Request, request));
        }
    }

    private bool IsDuplicate(Peer peer, CoapMessage message, TimeSpan now)
    {
        if (!peer.Received.TryGetValue(message.MessageId, out Received? received) || received.Expires <= now) return false;
        _duplicates++;
        // Section 4.2: each confirmable duplicate is acknowledged as the first was. Section 4.3: a non-confirmable one is ignored.
        if (message.Type != CoapType.Confirmable) return true;
        // It was sent again before its request has a response: its sender waits for an acknowledgement.
        if (received.Answer is null && received.Request is { IsAnswered: false } request) Acknowledge(request);
        else if (received.Answer is { } answer) Post(peer.Address, answer);
        return true;
    }

    /// <summary>RFC 9175 section 2.3: whether the peer has proved its address, now or before.</summary>
    private bool TryVerify(ref Peer? peer, CoapAddress from, CoapMessage message, TimeSpan now)
    {
        if (peer?.Verified is { } verified)
        {
            int before = (short)(ushort)(peer.VerifiedBy - message.MessageId);
            if (before is <= 0 or > ChallengedIds || now - verified >= _timers.ExchangeLifetime) return true;
        }

        if (message.Options.Echo is not { } echo || !_echo.IsValid(echo.Span, from, now)) return false;
        peer ??= Admit(from, now);
        if (peer is null) return false;
        if (peer.Verified is not null) return true;
        (peer.Verified, peer.VerifiedBy) = (now, message.MessageId);
        return true;
    }

    private void Challenge(CoapAddress from, CoapMessage message, int length, TimeSpan now)
    {
        CoapMessage challenge = Answer(message, CoapCode.Unauthorized);
        challenge.Options.Echo = _echo.Create(from, now);
        if (challenge.GetLength() > (long)length * _settings.MaxAmplification)
        {
            // A reset has the length of the shortest message that there is.
            _tooSmall++;
            if (message.Type == CoapType.Confirmable) PostReset(from, message.MessageId);
            return;
        }

        _challenges++;
        Post(from, challenge.ToArray());
    }

    /// <summary>There is no room for another endpoint: 5.03, of which nothing is kept.</summary>
    private void Refuse(CoapAddress from, CoapMessage message)
    {
        _refused++;
        Post(from, Answer(message, CoapCode.ServiceUnavailable).ToArray());
    }

    /// <summary>An answer of which nothing is kept, under the type and message ID that it must have.</summary>
    private CoapMessage Answer(CoapMessage message, CoapCode code) => message.Type == CoapType.Confirmable
        ? new CoapMessage(CoapType.Acknowledgement, code, message.MessageId, message.Token)
        : new CoapMessage(CoapType.NonConfirmable, code, (ushort)_random.Next(ushort.MaxValue + 1), message.Token);

    private void OnResponse(CoapAddress from, CoapMessage message, TimeSpan now)
    {
        Peer? peer = _peers.Find(from, now);
        if (peer is not null && IsDuplicate(peer, message, now)) return;
        // Section 4.2: what has no context is rejected. RFC 7641 section 3.6: so is a notification that nobody wants, of either type, which ends the observation.
        if (peer is null || !peer.Requests.TryGetValue(message.Token, out Sending? sending))
        {
            PostReset(from, message.MessageId);
            return;
        }

        Received received = Remember(peer, message, now);
        if (OptionRules.Judge(message) is not null)
        {
            PostReset(from, message.MessageId);
            StopTransmitting(sending);
            Finish(sending, ExchangeEventKind.Unusable);
            Pump(peer, now);
            return;
        }

        if (message.Type == CoapType.Confirmable)
        {
            byte[] acknowledgement = new CoapMessage(CoapType.Acknowledgement, CoapCode.Empty, message.MessageId).ToArray();
            SetAnswer(received, acknowledgement);
            Post(from, acknowledgement);
        }

        // Section 5.2.2: the response may overtake the acknowledgement, and then stands for it.
        StopTransmitting(sending);
        Complete(sending, message);
        Pump(peer, now);
    }

    private void Complete(Sending sending, CoapMessage response)
    {
        if (OptionRules.Judge(response) is not null)
        {
            Finish(sending, ExchangeEventKind.Unusable);
            return;
        }

        // RFC 7641 section 3.1: as long as responses carry Observe, more will come.
        if (sending.Kind == SendingKind.Observe && response.Code.IsSuccess && response.Options.Observe is not null)
        {
            _deadlines.Set(sending, null);
            sending.State = SendingState.Observing;
            Events.Enqueue(new ExchangeEvent(ExchangeEventKind.Response, sending, response));
            return;
        }

        Finish(sending, ExchangeEventKind.Response, response);
    }

    private static CoapMessage Plain(CoapCode code, string diagnostic) => new(CoapType.Acknowledgement, code, 0) { Payload = System.Text.Encoding.UTF8.GetBytes(diagnostic) };

    private static CoapMessage Busy()
    {
        var busy = new CoapMessage(CoapType.Acknowledgement, CoapCode.ServiceUnavailable, 0);
        busy.Options.MaxAge = 1;
        return busy;
    }
}
