namespace Tandem.Sessions.Protocol;

/// <summary>
/// Reads the body of an HTTP carrier: the number of its first reliable frame, then frames behind their lengths. Its frames are not looked into.
/// </summary>
public ref struct FrameBody
{
    private readonly ReadOnlySpan<byte> _body;
    private readonly int _maxFrame;
    private int _position;

    /// <summary>Begins to read.</summary>
    /// <param name="body">A whole body.</param>
    /// <param name="maxFrame">Most bytes of a frame.</param>
    public FrameBody(ReadOnlySpan<byte> body, int maxFrame)
    {
        _body = body;
        _maxFrame = maxFrame;
        var reader = new FieldReader(body);
        First = reader.Integer(0, ProtocolLimits.MaxInteger);
        Fault = reader.Fault;
        _position = reader.Position;
    }

    /// <summary>The number of the first reliable frame; 0: the body says that it has none.</summary>
    public long First { get; }

    /// <summary>The rule that was broken, after which there are no more frames.</summary>
    public SessionFault Fault { get; private set; }

    /// <summary>The next frame.</summary>
    /// <param name="frame">At least one byte, at most as many as the bound.</param>
    /// <returns>False: the body has ended, or a rule was broken.</returns>
    public bool TryRead(out ReadOnlySpan<byte> frame)
    {
        frame = default;
        if (Fault != SessionFault.None || _position == _body.Length) return false;
        var reader = new FieldReader(_body[_position..]);
        long length = reader.Integer(0, ProtocolLimits.MaxInteger);
        if (reader.Fault == SessionFault.None && length == 0) Fault = SessionFault.EmptyFrame;
        else if (length > _maxFrame) Fault = SessionFault.FrameTooLarge;
        else frame = reader.Take((int)length);
        if (Fault == SessionFault.None) Fault = reader.Fault;
        _position += reader.Position;
        return Fault == SessionFault.None;
    }

    /// <summary>Bytes that a frame takes in a body.</summary>
    /// <param name="frame">The frame.</param>
    /// <returns>The frame and its length field.</returns>
    public static int LengthOf(ReadOnlySpan<byte> frame) => FieldWriter.TextLength(frame);

    /// <summary>Writes the number that begins a body.</summary>
    /// <param name="first">The number of the first reliable frame that follows; 0: none.</param>
    /// <param name="destination">At least 8 bytes.</param>
    /// <returns>How many were written.</returns>
    public static int WriteFirst(long first, Span<byte> destination)
    {
        var writer = new FieldWriter(destination);
        writer.Integer(first);
        return writer.Written;
    }

    /// <summary>Writes a frame behind its length.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="destination">At least <see cref="LengthOf"/> bytes.</param>
    /// <returns>How many were written.</returns>
    public static int WriteFrame(ReadOnlySpan<byte> frame, Span<byte> destination)
    {
        var writer = new FieldWriter(destination);
        writer.Text(frame);
        return writer.Written;
    }
}
