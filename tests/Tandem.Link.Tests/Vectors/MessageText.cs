using System.Text;
using System.Text.Json.Nodes;
using Tandem.Link.Protocol;

namespace Tandem.Link.Tests.Vectors;

/// <summary>Any message as JSON: fields by name, strings as text, bytes and payloads in hexadecimal.</summary>
internal static class MessageText
{
    public static LinkFault Read(ReadOnlySpan<byte> bytes, out JsonObject fields) => Read(bytes, out fields, out _);

    /// <summary>Reads a message, and writes it again.</summary>
    public static LinkFault Read(ReadOnlySpan<byte> bytes, out JsonObject fields, out byte[] again)
    {
        LinkFault fault;
        switch (bytes.IsEmpty ? MessageType.Nonce : (MessageType)bytes[0])
        {
            case MessageType.Nonce:
                fault = NonceMessage.Read(bytes, out NonceMessage nonce);
                (fields, again) = (new JsonObject { ["nonce"] = Hex(nonce.Nonce) }, nonce.Nonce.Length == 0 ? [] : nonce.ToArray());
                return fault;
            case MessageType.Reveal:
                fault = RevealMessage.Read(bytes, out RevealMessage reveal);
                (fields, again) = (new JsonObject { ["nonce"] = Hex(reveal.Nonce) }, reveal.Nonce.Length == 0 ? [] : reveal.ToArray());
                return fault;
            case MessageType.Confirmed:
                fault = ConfirmedMessage.Read(bytes, out ConfirmedMessage confirmed);
                (fields, again) = ([], confirmed.ToArray());
                return fault;
            case MessageType.End:
                fault = EndMessage.Read(bytes, out EndMessage end);
                (fields, again) = (new JsonObject { ["code"] = (int)end.Code, ["reason"] = Text(end.Reason) }, end.ToArray());
                return fault;
            case MessageType.Hello:
                fault = HelloMessage.Read(bytes, out HelloMessage hello);
                fields = new JsonObject
                {
                    ["flags"] = (int)hello.Flags, ["instance"] = hello.Instance, ["largestChunk"] = hello.LargestChunk, ["name"] = Text(hello.Name), ["platform"] = Text(hello.Platform),
                };
                again = hello.ToArray();
                return fault;
            case MessageType.Ping:
                fault = PingMessage.Read(bytes, out PingMessage ping);
                (fields, again) = (new JsonObject { ["opaque"] = ping.Opaque }, ping.ToArray());
                return fault;
            case MessageType.Pong:
                fault = PongMessage.Read(bytes, out PongMessage pong);
                (fields, again) = (new JsonObject { ["opaque"] = pong.Opaque }, pong.ToArray());
                return fault;
            case MessageType.TextState:
                fault = TextStateMessage.Read(bytes, out TextStateMessage state);
                fields = new JsonObject
                {
                    ["revision"] = state.Revision, ["compositionStart"] = state.CompositionStart, ["compositionEnd"] = state.CompositionEnd, ["content"] = Text(state.Content),
                };
                again = state.ToArray();
                return fault;
            case MessageType.TextEdit:
                fault = TextEditMessage.Read(bytes, out TextEditMessage edit);
                fields = new JsonObject
                {
                    ["baseRevision"] = edit.BaseRevision, ["position"] = edit.Position, ["deleted"] = edit.Deleted,
                    ["compositionStart"] = edit.CompositionStart, ["compositionEnd"] = edit.CompositionEnd, ["inserted"] = Text(edit.Inserted),
                };
                again = edit.ToArray();
                return fault;
            case MessageType.TextSeen:
                fault = TextSeenMessage.Read(bytes, out TextSeenMessage seen);
                (fields, again) = (new JsonObject { ["revision"] = seen.Revision }, seen.ToArray());
                return fault;
            case MessageType.TextWant:
                fault = TextWantMessage.Read(bytes, out TextWantMessage want);
                (fields, again) = ([], want.ToArray());
                return fault;
            default:
                return ReadMore(bytes, out fields, out again);
        }
    }

    private static LinkFault ReadMore(ReadOnlySpan<byte> bytes, out JsonObject fields, out byte[] again)
    {
        LinkFault fault;
        switch ((MessageType)bytes[0])
        {
            case MessageType.Chat:
                fault = ChatMessage.Read(bytes, out ChatMessage chat);
                (fields, again) = (new JsonObject { ["id"] = chat.Id, ["time"] = chat.Time, ["flags"] = (int)chat.Flags, ["text"] = Text(chat.Text) }, chat.ToArray());
                return fault;
            case MessageType.ChatSeen:
                fault = ChatSeenMessage.Read(bytes, out ChatSeenMessage seen);
                (fields, again) = (new JsonObject { ["id"] = seen.Id }, seen.ToArray());
                return fault;
            case MessageType.FileOffer:
                fault = FileOfferMessage.Read(bytes, out FileOfferMessage offer);
                fields = new JsonObject { ["id"] = offer.Id, ["size"] = offer.Size, ["name"] = Text(offer.Name), ["mediaType"] = Text(offer.MediaType) };
                again = offer.ToArray();
                return fault;
            case MessageType.FileAccept:
                fault = FileAcceptMessage.Read(bytes, out FileAcceptMessage accept);
                (fields, again) = (new JsonObject { ["id"] = accept.Id, ["offset"] = accept.Offset }, accept.ToArray());
                return fault;
            case MessageType.FileChunk:
                fault = FileChunkMessage.Read(bytes, out FileChunkMessage chunk);
                (fields, again) = (new JsonObject { ["id"] = chunk.Id, ["offset"] = chunk.Offset, ["payload"] = Hex(chunk.Payload) }, chunk.ToArray());
                return fault;
            case MessageType.FileTaken:
                fault = FileTakenMessage.Read(bytes, out FileTakenMessage taken);
                (fields, again) = (new JsonObject { ["id"] = taken.Id, ["offset"] = taken.Offset }, taken.ToArray());
                return fault;
            case MessageType.FileEnd:
                fault = FileEndMessage.Read(bytes, out FileEndMessage end);
                (fields, again) = (new JsonObject { ["id"] = end.Id, ["hash"] = Hex(end.Hash) }, end.Hash.Length == 0 ? [] : end.ToArray());
                return fault;
            case MessageType.FileDone:
                fault = FileDoneMessage.Read(bytes, out FileDoneMessage done);
                (fields, again) = (new JsonObject { ["id"] = done.Id }, done.ToArray());
                return fault;
            case MessageType.FileCancel:
                fault = FileCancelMessage.Read(bytes, out FileCancelMessage cancel);
                (fields, again) = (new JsonObject { ["id"] = cancel.Id, ["code"] = (int)cancel.Code }, cancel.ToArray());
                return fault;
            case MessageType.Trust:
                fault = TrustMessage.Read(bytes, out TrustMessage trust);
                (fields, again) = (new JsonObject { ["flags"] = (int)trust.Flags, ["publicKey"] = Hex(trust.PublicKey) }, trust.PublicKey.Length == 0 ? [] : trust.ToArray());
                return fault;
            case MessageType.TrustRevoked:
                fault = TrustRevokedMessage.Read(bytes, out TrustRevokedMessage revoked);
                (fields, again) = ([], revoked.ToArray());
                return fault;
            case MessageType.LoginApproved:
                fault = LoginApprovedMessage.Read(bytes, out LoginApprovedMessage approved);
                (fields, again) = ([], approved.ToArray());
                return fault;
            default:
                (fields, again) = ([], []);
                return LinkFault.UnknownType;
        }
    }

    private static string Text(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
