using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <content>What the other end says.</content>
public sealed partial class LinkConversation
{
    /// <summary>Takes a message that has been opened. One that breaks a rule ends the link.</summary>
    /// <param name="message">Any bytes.</param>
    /// <param name="now">The time.</param>
    public void Receive(ReadOnlySpan<byte> message, long now)
    {
        if (IsOver) return;
        _lastHeard = now;
        if (IsAsleep)
        {
            IsAsleep = false;
            // The ping that was not answered has been forgotten by now, or its answer follows.
            _pingSent = -1;
            _events.OnAwake();
        }

        LinkFault fault = message.IsEmpty ? LinkFault.EmptyMessage : LinkTable.Judge((MessageType)message[0], fromComputer: !_isComputer);
        if (fault == LinkFault.UnknownType) return;
        if (fault == LinkFault.None) fault = Read(message);
        if (fault != LinkFault.None) Break(fault);
    }

    /// <summary>The other end has broken a rule.</summary>
    /// <param name="fault">Which.</param>
    public void Break(LinkFault fault) => End(EndCode.ProtocolError, fault.Text());

    private LinkFault Read(ReadOnlySpan<byte> message)
    {
        LinkFault fault;
        switch ((MessageType)message[0])
        {
            case MessageType.End:
                fault = EndMessage.Read(message, out EndMessage end);
                if (fault != LinkFault.None) return fault;
                IsOver = true;
                _events.OnEnded(end.Code, WireText.Decode(end.Reason));
                return fault;
            case MessageType.Hello:
                fault = HelloMessage.Read(message, out HelloMessage hello);
                if (fault == LinkFault.None) Receive(hello);
                return fault;
            case MessageType.Ping:
                fault = PingMessage.Read(message, out PingMessage ping);
                if (fault == LinkFault.None) _pong = ping.Opaque;
                return fault;
            case MessageType.Pong:
                fault = PongMessage.Read(message, out PongMessage pong);
                if (fault == LinkFault.None && pong.Opaque == _pings) _pingSent = -1;
                return fault;
            case MessageType.Trust:
                fault = TrustMessage.Read(message, out TrustMessage trust);
                return fault == LinkFault.None ? Receive(trust) : fault;
            case MessageType.TrustRevoked:
                fault = TrustRevokedMessage.Read(message, out _);
                if (fault != LinkFault.None) return fault;
                ForgetTrust();
                _events.OnTrustRevoked();
                return fault;
            case MessageType.LoginApproved:
                fault = LoginApprovedMessage.Read(message, out _);
                if (fault == LinkFault.None) _events.OnLoginApproved();
                return fault;
            case >= MessageType.TextState and <= MessageType.ChatSeen:
                return ReadText(message);
            case >= MessageType.FileOffer and <= MessageType.FileCancel:
                return ReadFile(message);
            default:
                // NONCE, REVEAL and CONFIRMED belong to pairing.
                return LinkFault.OutOfTurn;
        }
    }

    private LinkFault ReadText(ReadOnlySpan<byte> message)
    {
        LinkFault fault;
        switch ((MessageType)message[0])
        {
            case MessageType.TextState:
                fault = TextStateMessage.Read(message, out TextStateMessage state);
                if (fault == LinkFault.None) fault = _otherText.Receive(state);
                if (fault == LinkFault.None) ShowText();
                return fault;
            case MessageType.TextEdit:
                fault = TextEditMessage.Read(message, out TextEditMessage edit);
                if (fault == LinkFault.None && _otherText.Receive(edit)) ShowText();
                return fault;
            case MessageType.TextSeen:
                fault = TextSeenMessage.Read(message, out TextSeenMessage seen);
                if (fault == LinkFault.None) _text.Seen(seen.Revision);
                return fault;
            case MessageType.TextWant:
                fault = TextWantMessage.Read(message, out _);
                if (fault == LinkFault.None) _text.Want();
                return fault;
            case MessageType.Chat:
                fault = ChatMessage.Read(message, out ChatMessage chat);
                if (fault == LinkFault.None && _otherChat.Receive(chat.Id))
                {
                    _events.OnChat(chat.Id, chat.Time, chat.Flags.HasFlag(ChatFlags.Clipboard), WireText.Decode(chat.Text));
                }

                return fault;
            default:
                fault = ChatSeenMessage.Read(message, out ChatSeenMessage chatSeen);
                if (fault == LinkFault.None && _chat.Seen(chatSeen.Id)) _events.OnChatSeen(chatSeen.Id);
                return fault;
        }
    }

    private LinkFault ReadFile(ReadOnlySpan<byte> message)
    {
        LinkFault fault;
        switch ((MessageType)message[0])
        {
            case MessageType.FileOffer:
                fault = FileOfferMessage.Read(message, out FileOfferMessage offer);
                if (fault == LinkFault.None) _files.Receive(offer);
                return fault;
            case MessageType.FileAccept:
                fault = FileAcceptMessage.Read(message, out FileAcceptMessage accept);
                if (fault == LinkFault.None) _files.Receive(accept);
                return fault;
            case MessageType.FileChunk:
                fault = FileChunkMessage.Read(message, out FileChunkMessage chunk);
                if (fault == LinkFault.None) _files.Receive(chunk);
                return fault;
            case MessageType.FileTaken:
                fault = FileTakenMessage.Read(message, out FileTakenMessage taken);
                if (fault == LinkFault.None) _files.Receive(taken);
                return fault;
            case MessageType.FileEnd:
                fault = FileEndMessage.Read(message, out FileEndMessage end);
                if (fault == LinkFault.None) _files.Receive(end);
                return fault;
            case MessageType.FileDone:
                fault = FileDoneMessage.Read(message, out FileDoneMessage done);
                if (fault == LinkFault.None) _files.Receive(done);
                return fault;
            default:
                fault = FileCancelMessage.Read(message, out FileCancelMessage cancel);
                if (fault == LinkFault.None) _files.Receive(cancel);
                return fault;
        }
    }

    private void Receive(HelloMessage hello)
    {
        _largestChunk = (int)Math.Min(hello.LargestChunk, LinkLimits.MaxChunkBytes);
        if (!hello.Flags.HasFlag(HelloFlags.Answer))
        {
            _helloIsDue = true;
            _helloFlags |= HelloFlags.Answer;
        }

        // What was under way before may be lost: all that was not seen goes again.
        _text.Resync();
        _chat.Resync();
        _files.Resync();
        ResyncTrust();
        _events.OnHello(WireText.Decode(hello.Name), WireText.Decode(hello.Platform));
    }

    private void ShowText() => _events.OnText(_otherText.Content, _otherText.CompositionStart, _otherText.CompositionEnd);
}
