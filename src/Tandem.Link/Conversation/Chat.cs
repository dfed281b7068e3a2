using System.Text;
using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <summary>A chat message that the other end has not seen.</summary>
internal sealed record ChatEntry(long Id, long Time, ChatFlags Flags, byte[] Text);

/// <summary>What this end has written. A message is kept until it was seen.</summary>
internal sealed class ChatOutbox
{
    /// <summary>Most messages that wait: who writes to somebody asleep is told when there is no more room.</summary>
    public const int Capacity = 256;

    private int _sent;

    public List<ChatEntry> Unseen { get; } = [];

    public long LastId { get; private set; }

    public void Restore(long lastId, IEnumerable<ChatEntry> unseen)
    {
        LastId = lastId;
        Unseen.AddRange(unseen);
    }

    /// <summary>The number of the message, or null: there is no room.</summary>
    public long? Add(string text, ChatFlags flags, long time)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(LinkText.Clean(text));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, LinkLimits.MaxTextBytes, nameof(text));
        if (Unseen.Count == Capacity) return null;
        Unseen.Add(new ChatEntry(++LastId, time, flags, bytes));
        return LastId;
    }

    public bool Seen(long id)
    {
        int index = Unseen.FindIndex(entry => entry.Id == id);
        if (index < 0) return false;
        Unseen.RemoveAt(index);
        if (index < _sent) _sent--;
        return true;
    }

    public void Resync() => _sent = 0;

    public byte[]? Take()
    {
        if (_sent == Unseen.Count) return null;
        ChatEntry entry = Unseen[_sent++];
        return new ChatMessage { Id = entry.Id, Time = entry.Time, Flags = entry.Flags, Text = entry.Text }.ToArray();
    }
}

/// <summary>Which of the other end's messages have come.</summary>
internal sealed class ChatInbox
{
    /// <summary>Most answers that wait to be sent; a message whose answer is dropped comes again.</summary>
    private const int MaxAnswers = 1024;

    private readonly Queue<long> _answers = [];

    public long LastId { get; set; }

    /// <summary>Whether the message is to be shown.</summary>
    public bool Receive(long id)
    {
        if (_answers.Count < MaxAnswers) _answers.Enqueue(id);
        if (id <= LastId) return false;
        LastId = id;
        return true;
    }

    public byte[]? Take() => _answers.TryDequeue(out long id) ? new ChatSeenMessage { Id = id }.ToArray() : null;
}
