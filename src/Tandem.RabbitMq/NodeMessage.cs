using System.Buffers.Binary;
using System.Text;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.RabbitMq;

/// <summary>What nodes say to each other.</summary>
internal enum NodeMessageKind : byte
{
    /// <summary>An event of a topic.</summary>
    Event = 1,

    /// <summary>To all: a node has connected again, and what it published meanwhile others may have missed, and it theirs.</summary>
    Hello = 2,

    /// <summary>The answer to it.</summary>
    Here = 3,

    /// <summary>What do you have of a topic, after a position? Answered with a history.</summary>
    AskHistory = 4,

    /// <summary>The answer to a question.</summary>
    Answer = 5,

    /// <summary>Somebody wants a mailbox that is open.</summary>
    Want = 6,

    /// <summary>Whoever has it asks back: do you still?</summary>
    Held = 7,

    /// <summary>Yes: let go.</summary>
    Take = 8,

    /// <summary>To all: a node joins a topic, with how far it has counted there. Answered in the same way.</summary>
    Join = 9,

    /// <summary>To all: what have you taken in of a publisher? Answered with ranges of numbers.</summary>
    AskPublished = 10,
}

/// <summary>The head that all messages between nodes have: what it is, who sent it, where its answer goes, and to what it belongs.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Node">Who sent it.</param>
/// <param name="Queue">The sender's queue; empty for events, which nobody answers.</param>
/// <param name="Request">A number of the sender's; in an answer, of the one who asked.</param>
/// <param name="Name">The topic or mailbox.</param>
internal readonly record struct NodeMessage(NodeMessageKind Kind, Guid Node, string Queue, long Request, string Name)
{
    // The first byte of every message, so that nodes of different builds do not take one for the other.
    private const byte Version = 1;
    // Where a payload's own size is not what is allocated.
    private const int HeadBytes = 128;

    public static byte[] Event(Guid node, TopicMessage message)
    {
        using var stream = new MemoryStream(HeadBytes + message.Topic.Length + message.Payload.Length);
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        new NodeMessage(NodeMessageKind.Event, node, "", 0, message.Topic).WriteHead(writer);
        WriteEvent(writer, message);
        return stream.ToArray();
    }

    public byte[] Bare() => With(static _ => { });

    public byte[] With(IReadOnlyList<TopicPosition> positions) => With(writer => WritePositions(writer, positions));

    public byte[] With(ulong publisher) => With(writer => writer.Write(publisher));

    public byte[] With(IReadOnlyList<(long First, long Last)> numbers) => With(writer =>
    {
        writer.Write(numbers.Count);
        foreach ((long first, long last) in numbers)
        {
            writer.Write(first);
            writer.Write(last);
        }
    });

    public byte[] With(BackplaneHistory history, int maxBytes) => With(writer =>
    {
        WritePositions(writer, history.Heads);
        int first = history.Events.Count;
        for (long bytes = 0; first > 0; first--)
        {
            bytes += history.Events[first - 1].Payload.Length + HeadBytes;
            if (bytes > maxBytes) break;
        }

        writer.Write(history.Events.Count - first);
        foreach (TopicMessage message in history.Events.Skip(first)) WriteEvent(writer, message);
    });

    /// <summary>Reads a message.</summary>
    /// <exception cref="InvalidDataException">It is not one.</exception>
    public static NodeMessage Read(byte[] body, out NodeMessageBody rest)
    {
        rest = new NodeMessageBody(body);
        if (rest.Byte() != Version) throw new InvalidDataException("A message of another version came from another node.");
        return new NodeMessage((NodeMessageKind)rest.Byte(), rest.Guid(), rest.String(), rest.Int64(), rest.String());
    }

    private byte[] With(Action<BinaryWriter> write)
    {
        using var stream = new MemoryStream(HeadBytes);
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        WriteHead(writer);
        write(writer);
        return stream.ToArray();
    }

    private void WriteHead(BinaryWriter writer)
    {
        writer.Write(Version);
        writer.Write((byte)Kind);
        Span<byte> node = stackalloc byte[16];
        Node.TryWriteBytes(node);
        writer.Write(node);
        writer.Write(Queue);
        writer.Write(Request);
        writer.Write(Name);
    }

    private static void WriteEvent(BinaryWriter writer, TopicMessage message)
    {
        writer.Write(message.Origin);
        writer.Write(message.Offset);
        writer.Write(message.Publisher);
        writer.Write(message.Number);
        writer.Write((byte)message.Flags);
        writer.Write(message.Key ?? "");
        writer.Write(message.Payload.Length);
        writer.Write(message.Payload.Span);
    }

    private static void WritePositions(BinaryWriter writer, IReadOnlyList<TopicPosition> positions)
    {
        writer.Write(positions.Count);
        foreach (TopicPosition position in positions)
        {
            writer.Write(position.Origin);
            writer.Write(position.Offset);
        }
    }
}

/// <summary>Reads the bytes of a message. Payloads are parts of them, which are kept with the payload.</summary>
internal struct NodeMessageBody(byte[] body)
{
    private int _at;

    public byte Byte() => Take(1)[0];

    public Guid Guid() => new(Take(16));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    public string String()
    {
        int length = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = Byte();
            length |= (next & 0x7f) << shift;
            if (next < 0x80) break;
            if (shift == 21) throw Malformed();
        }

        return Encoding.UTF8.GetString(Take(length));
    }

    public TopicMessage Event(string topic)
    {
        uint origin = (uint)Int32();
        long offset = Int64(), publisher = Int64(), number = Int64();
        var flags = (MessageFlags)Byte();
        string key = String();
        int length = Int32();
        Take(length);
        return new TopicMessage(topic, origin, offset, (ulong)publisher, number, flags, key.Length == 0 ? null : key, body.AsMemory(_at - length, length));
    }

    public List<TopicPosition> Positions()
    {
        List<TopicPosition> positions = [];
        for (int count = Int32(); count > 0; count--) positions.Add(new TopicPosition((uint)Int32(), Int64()));
        return positions;
    }

    public List<(long First, long Last)> Numbers()
    {
        List<(long, long)> numbers = [];
        for (int count = Int32(); count > 0; count--) numbers.Add((Int64(), Int64()));
        return numbers;
    }

    public BackplaneHistory History(string topic)
    {
        List<TopicPosition> heads = Positions();
        List<TopicMessage> events = [];
        for (int count = Int32(); count > 0; count--) events.Add(Event(topic));
        return new BackplaneHistory(events, heads);
    }

    private int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > body.Length - _at) throw Malformed();
        _at += count;
        return body.AsSpan(_at - count, count);
    }

    private static InvalidDataException Malformed() => new("A malformed message came from another node.");
}
