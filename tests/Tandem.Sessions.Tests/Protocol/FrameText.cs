using System.Text;
using System.Text.Json.Nodes;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests.Protocol;

/// <summary>Any frame as its fields, with the names that TypeScript gives them, and back again.</summary>
internal static class FrameText
{
    /// <summary>Reads a frame of any type.</summary>
    public static SessionFault Read(ReadOnlySpan<byte> bytes, out JsonObject fields) => Read(bytes, out fields, out _);

    /// <summary>Reads a frame of any type and writes it again.</summary>
    public static SessionFault Read(ReadOnlySpan<byte> bytes, out JsonObject fields, out byte[] again)
    {
        fields = [];
        again = [];
        if (bytes.IsEmpty) return SessionFault.EmptyFrame;
        switch ((FrameType)bytes[0])
        {
            case FrameType.Open:
            {
                SessionFault fault = OpenFrame.Read(bytes, out OpenFrame frame);
                fields = Fields(
                    ("version", frame.Version), ("flags", (int)frame.Flags), ("publisher", frame.Publisher.ToString("x16")), ("received", frame.Received),
                    ("token", Text(frame.Token)), ("ticket", Text(frame.Ticket)));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.Opened:
            {
                SessionFault fault = OpenedFrame.Read(bytes, out OpenedFrame frame);
                fields = Fields(
                    ("flags", (int)frame.Flags), ("session", Text(frame.Session)), ("token", Text(frame.Token)), ("received", frame.Received),
                    ("timeToLive", frame.TimeToLive), ("heartbeat", frame.Heartbeat), ("maxFrame", frame.MaxFrame), ("maxRequests", frame.MaxRequests));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.Ack:
            {
                SessionFault fault = AckFrame.Read(bytes, out AckFrame frame);
                fields = Fields(("received", frame.Received));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.Ping:
            {
                SessionFault fault = PingFrame.Read(bytes, out PingFrame frame);
                fields = Fields(("opaque", frame.Opaque));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.Pong:
            {
                SessionFault fault = PongFrame.Read(bytes, out PongFrame frame);
                fields = Fields(("opaque", frame.Opaque));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.Close:
            {
                SessionFault fault = CloseFrame.Read(bytes, out CloseFrame frame);
                fields = Fields(("code", (int)frame.Code), ("reason", Text(frame.Reason)));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            default:
                return (FrameType)bytes[0] < FrameType.Reply ? ReadUp(bytes, out fields, out again) : ReadDown(bytes, out fields, out again);
        }
    }

    private static SessionFault ReadUp(ReadOnlySpan<byte> bytes, out JsonObject fields, out byte[] again)
    {
        SessionFault fault;
        switch ((FrameType)bytes[0])
        {
            case FrameType.Subscribe:
            {
                fault = SubscribeFrame.Read(bytes, out SubscribeFrame frame);
                fields = Fields(("request", frame.Request), ("flags", (int)frame.Flags), ("topic", Text(frame.Topic)));
                if ((frame.Flags & SubscribeFlags.Recover) != 0) fields["position"] = Pairs(frame.Position);
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.Unsubscribe:
            {
                fault = UnsubscribeFrame.Read(bytes, out UnsubscribeFrame frame);
                fields = Fields(("request", frame.Request), ("topicId", frame.TopicId));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.Publish:
            {
                fault = PublishFrame.Read(bytes, out PublishFrame frame);
                fields = Fields(("request", frame.Request), ("flags", (int)frame.Flags), ("topic", Text(frame.Topic)));
                if ((frame.Flags & MessageFlags.Key) != 0) fields["key"] = Text(frame.Key);
                fields["payload"] = Convert.ToHexStringLower(frame.Payload);
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.MailboxSend:
            {
                fault = MailboxSendFrame.Read(bytes, out MailboxSendFrame frame);
                fields = Fields(
                    ("request", frame.Request), ("flags", (int)frame.Flags), ("mailbox", Text(frame.Mailbox)),
                    ("payload", Convert.ToHexStringLower(frame.Payload)));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.MailboxOpen:
            {
                fault = MailboxOpenFrame.Read(bytes, out MailboxOpenFrame frame);
                fields = Fields(("request", frame.Request), ("prefetch", frame.Prefetch), ("mailbox", Text(frame.Mailbox)));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.MailboxSettle:
            {
                fault = MailboxSettleFrame.Read(bytes, out MailboxSettleFrame frame);
                fields = Fields(("mailboxId", frame.MailboxId), ("delivery", frame.Delivery));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.MailboxClose:
            {
                fault = MailboxCloseFrame.Read(bytes, out MailboxCloseFrame frame);
                fields = Fields(("request", frame.Request), ("mailboxId", frame.MailboxId));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.ClientMessage:
            {
                fault = ClientMessageFrame.Read(bytes, out ClientMessageFrame frame);
                fields = Fields(("flags", (int)frame.Flags), ("payload", Convert.ToHexStringLower(frame.Payload)));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            default:
                (fields, again) = ([], []);
                return SessionFault.UnknownType;
        }
    }

    private static SessionFault ReadDown(ReadOnlySpan<byte> bytes, out JsonObject fields, out byte[] again)
    {
        SessionFault fault;
        switch ((FrameType)bytes[0])
        {
            case FrameType.Reply:
            {
                fault = ReplyFrame.Read(bytes, out ReplyFrame frame);
                fields = Fields(("request", frame.Request), ("status", (int)frame.Status), ("text", Text(frame.Text)));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.Subscribed:
            {
                fault = SubscribedFrame.Read(bytes, out SubscribedFrame frame);
                fields = Fields(
                    ("request", frame.Request), ("topicId", frame.TopicId), ("flags", (int)frame.Flags), ("presence", frame.Presence),
                    ("position", Pairs(frame.Position)));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.Event:
            {
                fault = EventFrame.Read(bytes, out EventFrame frame);
                fields = Fields(("topicId", frame.TopicId), ("origin", frame.Origin), ("offset", frame.Offset), ("flags", (int)frame.Flags));
                if ((frame.Flags & MessageFlags.Key) != 0) fields["key"] = Text(frame.Key);
                fields["payload"] = Convert.ToHexStringLower(frame.Payload);
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.Gap:
            {
                fault = GapFrame.Read(bytes, out GapFrame frame);
                fields = Fields(("topicId", frame.TopicId), ("missed", frame.Missed), ("position", Pairs(frame.Position)));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.Presence:
            {
                fault = PresenceFrame.Read(bytes, out PresenceFrame frame);
                fields = Fields(("topicId", frame.TopicId), ("count", frame.Count));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.MailboxOpened:
            {
                fault = MailboxOpenedFrame.Read(bytes, out MailboxOpenedFrame frame);
                fields = Fields(("request", frame.Request), ("mailboxId", frame.MailboxId));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.Delivery:
            {
                fault = DeliveryFrame.Read(bytes, out DeliveryFrame frame);
                fields = Fields(
                    ("mailboxId", frame.MailboxId), ("delivery", frame.Delivery), ("flags", (int)frame.Flags),
                    ("payload", Convert.ToHexStringLower(frame.Payload)));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.MailboxClosed:
            {
                fault = MailboxClosedFrame.Read(bytes, out MailboxClosedFrame frame);
                fields = Fields(("mailboxId", frame.MailboxId), ("code", (int)frame.Code));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            case FrameType.ServerMessage:
            {
                fault = ServerMessageFrame.Read(bytes, out ServerMessageFrame frame);
                fields = Fields(("flags", (int)frame.Flags), ("payload", Convert.ToHexStringLower(frame.Payload)));
                again = frame.ToShared().Span.ToArray();
                return fault;
            }

            default:
                (fields, again) = ([], []);
                return SessionFault.UnknownType;
        }
    }

    private static JsonObject Fields(params (string Name, JsonNode Value)[] fields)
    {
        var result = new JsonObject();
        foreach ((string name, JsonNode value) in fields) result[name] = value;
        return result;
    }

    private static string Text(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);

    private static JsonArray Pairs(PositionList list) =>
        [.. list.ToArray().Select(entry => (JsonNode)new JsonArray(entry.Origin, entry.Offset))];
}
