using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>An event of a topic: the EVENT frame that all its subscribers share, and what the node knows of it.</summary>
internal sealed class TopicEvent(byte[] frame, TopicMessage message, long time) : SharedFrame(frame)
{
    /// <summary>What it says, for other nodes that ask for history; its payload lies in the frame.</summary>
    public TopicMessage Message { get; } = message;

    /// <summary>When this node got it, in timestamps of the hub's clock.</summary>
    public long Time { get; } = time;

    public static TopicEvent Create(long topicId, TopicMessage message, long time)
    {
        byte[] key = Names.EncodeKey(message.Key, nameof(message));
        var frame = new EventFrame
        {
            TopicId = topicId, Origin = message.Origin, Offset = message.Offset,
            Flags = (message.Flags & MessageFlags.Text) | (key.Length > 0 ? MessageFlags.Key : 0), Key = key, Payload = message.Payload.Span,
        };
        byte[] bytes = GC.AllocateUninitializedArray<byte>(frame.Length);
        frame.Write(bytes);
        return new TopicEvent(bytes, message with { Payload = bytes.AsMemory(bytes.Length - message.Payload.Length) }, time);
    }
}
