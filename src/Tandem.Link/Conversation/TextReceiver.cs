using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <summary>The other end's text, as far as this end has it.</summary>
internal sealed class TextReceiver
{
    private long _revision;
    private bool _wants;
    private bool _wantIsDue;
    private bool _seenIsDue;

    public string Content { get; private set; } = "";

    public int CompositionStart { get; private set; }

    public int CompositionEnd { get; private set; }

    public LinkFault Receive(TextStateMessage state)
    {
        string content = WireText.Decode(state.Content);
        if (content.Length > LinkLimits.MaxTextUnits) return LinkFault.TextTooLong;
        if (state.CompositionStart > state.CompositionEnd || state.CompositionEnd > content.Length) return LinkFault.CompositionOutOfRange;
        _wants = _wantIsDue = false;
        Become(state.Revision, content, state.CompositionStart, state.CompositionEnd);
        return LinkFault.None;
    }

    /// <summary>Applies an edit. False: it does not fit, and the whole text is wanted.</summary>
    public bool Receive(TextEditMessage edit)
    {
        string inserted = WireText.Decode(edit.Inserted);
        if (edit.BaseRevision == _revision && edit.Position <= Content.Length && edit.Deleted <= Content.Length - edit.Position
            && LinkText.IsBoundary(Content, edit.Position) && LinkText.IsBoundary(Content, edit.Position + edit.Deleted)
            && Content.Length - edit.Deleted + inserted.Length is var length && length <= LinkLimits.MaxTextUnits
            && edit.CompositionStart <= edit.CompositionEnd && edit.CompositionEnd <= length)
        {
            int position = (int)edit.Position;
            Become(_revision + 1, string.Concat(Content.AsSpan(0, position), inserted, Content.AsSpan(position + (int)edit.Deleted)), edit.CompositionStart, edit.CompositionEnd);
            return true;
        }

        if (!_wants) _wants = _wantIsDue = true;
        return false;
    }

    public byte[]? Take()
    {
        if (_wantIsDue)
        {
            _wantIsDue = false;
            return default(TextWantMessage).ToArray();
        }

        if (!_seenIsDue) return null;
        _seenIsDue = false;
        return new TextSeenMessage { Revision = _revision }.ToArray();
    }

    private void Become(long revision, string content, long start, long end)
    {
        (_revision, Content, CompositionStart, CompositionEnd) = (revision, content, (int)start, (int)end);
        _seenIsDue = true;
    }
}
