using System.Text;

namespace Tandem.Protocol.Handshake;

/// <summary>Writes an HTTP head into a span, and lets nothing through that would break out of its line (response splitting).</summary>
internal ref struct HeadWriter
{
    private readonly Span<byte> _destination;

    public HeadWriter(Span<byte> destination) => _destination = destination;

    public int Written { get; private set; }

    public Span<byte> Take(int count)
    {
        if (count > _destination.Length - Written) throw new ArgumentException("The destination is too short for the head.");
        Span<byte> taken = _destination.Slice(Written, count);
        Written += count;
        return taken;
    }

    public void Append(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Appends text that is checked to be visible characters of Latin-1, blanks and tabs.</summary>
    public void AppendText(string text)
    {
        Span<byte> taken = Take(text.Length);
        // Encoding.Latin1 would put a question mark or a look-alike for what is not Latin-1.
        if (text.AsSpan().ContainsAnyExceptInRange('\0', '\u00FF')) throw new ArgumentException("A character outside Latin-1 in an HTTP head.", nameof(text));
        Encoding.Latin1.GetBytes(text, taken);
        if (!HttpHead.IsFieldValue(taken)) throw new ArgumentException("A control character in an HTTP head.", nameof(text));
    }

    public void AppendField(string name, string value)
    {
        int start = Written;
        AppendText(name);
        if (!HttpHead.IsToken(_destination[start..Written])) throw new ArgumentException($"\"{name}\" is not a field name (RFC 9110 section 5.1).", nameof(name));
        Append(": "u8);
        AppendText(value);
        Append("\r\n"u8);
    }
}
