using Tandem.Sessions.Protocol;

namespace Tandem.Server.Sessions;

/// <summary>The frames of one answer to a poll. A body counts its reliable frames from the first, so there is none missing between them.</summary>
internal sealed class PollBody
{
    private readonly List<SharedFrame> _frames = [];
    private long _next;

    public IReadOnlyList<SharedFrame> Frames => _frames;

    /// <summary>The number of the first reliable frame; 0: there is none.</summary>
    public long First { get; private set; }

    /// <summary>Bytes of the frames, with their lengths.</summary>
    public int Length { get; private set; }

    public void Add(SharedFrame frame, long number)
    {
        // An acknowledgement has overtaken this request: its client has what was taken so far, which need not be sent, and what follows would be counted wrongly.
        if (number > 0 && number != _next)
        {
            _frames.RemoveAll(other => other.IsReliable);
            First = number;
        }

        if (number > 0) _next = number + 1;
        _frames.Add(frame);
        Length += FrameBody.LengthOf(frame.Span);
    }
}
