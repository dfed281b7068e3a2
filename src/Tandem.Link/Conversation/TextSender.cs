using System.Text;
using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <summary>This end's text. However fast it changes, a bounded number of edits is under way: what is typed meanwhile becomes one.</summary>
internal sealed class TextSender
{
    private (string Content, int Start, int End) _typed = ("", 0, 0);
    private (string Content, int Start, int End) _sent = ("", 0, 0);
    private long _seen;
    private bool _stateIsDue;

    public string Content => _typed.Content;

    public long Revision { get; private set; }

    /// <summary>Goes on with a text that was stored.</summary>
    public void Restore(long revision, string content)
    {
        Revision = revision;
        _typed = _sent = (content, 0, 0);
    }

    public void Set(string content, int start, int end)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(content.Length, LinkLimits.MaxTextUnits, nameof(content));
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfLessThan(end, start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(end, content.Length);
        _typed = (LinkText.Clean(content), start, end);
    }

    public void Seen(long revision)
    {
        if (revision > _seen && revision <= Revision) _seen = revision;
    }

    /// <summary>The other end wants all of it.</summary>
    public void Want() => _stateIsDue = true;

    /// <summary>The other end has started, or something was lost.</summary>
    public void Resync() => _stateIsDue |= Revision > 0;

    public byte[]? Take()
    {
        bool isChanged = _typed != _sent;
        if (_stateIsDue)
        {
            if (isChanged) Revision++;
            _stateIsDue = false;
            _sent = _typed;
            return new TextStateMessage
            {
                Revision = Revision, CompositionStart = _sent.Start, CompositionEnd = _sent.End, Content = Encoding.UTF8.GetBytes(_sent.Content),
            }.ToArray();
        }

        if (!isChanged || Revision - _seen >= LinkLimits.MaxEditsUnderWay) return null;
        (int position, int deleted, string inserted) = LinkText.Difference(_sent.Content, _typed.Content);
        _sent = _typed;
        return new TextEditMessage
        {
            BaseRevision = Revision++, Position = position, Deleted = deleted, CompositionStart = _sent.Start, CompositionEnd = _sent.End,
            Inserted = Encoding.UTF8.GetBytes(inserted),
        }.ToArray();
    }
}
