using System.Text;
using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <content>What outlives the process: this end's text, the chat messages that were not seen, and which of the other end's have come. Files are offered again by the program.</content>
public sealed partial class LinkConversation
{
    private const byte StateVersion = 1;

    /// <summary>What <see cref="TryRestore"/> goes on with.</summary>
    /// <returns>Bytes that nobody else should read: they have texts in them.</returns>
    public byte[] Export()
    {
        byte[] content = Encoding.UTF8.GetBytes(_text.Content);
        int length = 1 + (5 * LinkLimits.MaxIntegerBytes) + content.Length + _chat.Unseen.Sum(entry => (4 * LinkLimits.MaxIntegerBytes) + entry.Text.Length);
        byte[] state = new byte[length];
        state[0] = StateVersion;
        var writer = new FieldWriter(state.AsSpan(1));
        // The text may have changed since its last revision was sent.
        writer.Integer(_text.Revision + 1);
        writer.Text(content);
        writer.Integer(_otherChat.LastId);
        writer.Integer(_chat.LastId);
        writer.Integer(_chat.Unseen.Count);
        foreach (ChatEntry entry in _chat.Unseen)
        {
            writer.Integer(entry.Id);
            writer.Integer(entry.Time);
            writer.Integer((long)entry.Flags);
            writer.Text(entry.Text);
        }

        return state[..(writer.Written + 1)];
    }

    /// <summary>Goes on with what <see cref="Export"/> gave, before anything has been received or taken.</summary>
    /// <param name="state">The bytes.</param>
    /// <returns>False: these are not such bytes, and nothing was restored.</returns>
    public bool TryRestore(ReadOnlySpan<byte> state)
    {
        if (state.IsEmpty || state[0] != StateVersion) return false;
        var reader = new FieldReader(state[1..]);
        long revision = reader.Integer(0, LinkLimits.MaxInteger);
        string content = WireText.Decode(reader.Text(0, LinkLimits.MaxTextBytes));
        long otherLast = reader.Integer(0, LinkLimits.MaxInteger), last = reader.Integer(0, LinkLimits.MaxInteger);
        long count = reader.Integer(0, ChatOutbox.Capacity);
        var unseen = new List<ChatEntry>();
        for (; count > 0 && reader.Fault == LinkFault.None; count--)
        {
            unseen.Add(new ChatEntry(
                reader.Integer(1, LinkLimits.MaxInteger), reader.Integer(0, LinkLimits.MaxInteger), (ChatFlags)reader.Flags(1), reader.Text(0, LinkLimits.MaxTextBytes).ToArray()));
        }

        if (reader.End() != LinkFault.None || content.Length > LinkLimits.MaxTextUnits) return false;
        _text.Restore(revision, content);
        _otherChat.LastId = otherLast;
        _chat.Restore(last, unseen);
        return true;
    }
}
