using Tandem.Link.Protocol;

namespace Tandem.Fields;

/// <summary>How messages of links begin.</summary>
internal ref partial struct FieldReader
{
    public FieldReader(ReadOnlySpan<byte> message, MessageType type)
    {
        _bytes = message;
        _position = 1;
        _fault = message.IsEmpty ? LinkFault.EmptyMessage : message[0] != (byte)type ? LinkFault.UnknownType : LinkFault.None;
    }
}

/// <inheritdoc cref="FieldReader"/>
internal ref partial struct FieldWriter
{
    public FieldWriter(Span<byte> destination, MessageType type)
        : this(destination, (byte)type)
    {
    }
}
