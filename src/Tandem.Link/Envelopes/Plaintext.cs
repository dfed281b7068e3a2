using Tandem.Link.Protocol;

namespace Tandem.Link.Envelopes;

/// <summary>A message behind its length, with zeros up to a multiple of 64 bytes: lengths of words are nobody's business.</summary>
internal static class Plaintext
{
    public static int PaddedLength(int message)
    {
        int length = FieldWriter.IntegerLength(message) + message;
        return (length + LinkLimits.PaddingBytes - 1) / LinkLimits.PaddingBytes * LinkLimits.PaddingBytes;
    }

    /// <summary>Most bytes of an envelope.</summary>
    public static int MaxEnvelope { get; } = LinkLimits.EnvelopeHeaderBytes + PaddedLength(LinkLimits.MaxMessageBytes) + LinkLimits.TagBytes;

    public static void Write(ReadOnlySpan<byte> message, Span<byte> destination)
    {
        var writer = new FieldWriter(destination);
        writer.Text(message);
        destination[writer.Written..].Clear();
    }

    /// <summary>The message in a plaintext, or the rule that it breaks.</summary>
    public static LinkFault Read(ReadOnlySpan<byte> plaintext, out ReadOnlySpan<byte> message)
    {
        message = default;
        var reader = new FieldReader(plaintext);
        long length = reader.Integer(0, LinkLimits.MaxInteger);
        if (reader.Fault != LinkFault.None) return reader.Fault;
        if (length == 0) return LinkFault.EmptyMessage;
        if (length > LinkLimits.MaxMessageBytes) return LinkFault.MessageTooLarge;
        ReadOnlySpan<byte> found = reader.Take((int)length);
        if (reader.Fault != LinkFault.None) return reader.Fault;
        if (plaintext.Length != PaddedLength((int)length) || plaintext[reader.Position..].ContainsAnyExcept((byte)0)) return LinkFault.BadPadding;
        message = found;
        return LinkFault.None;
    }
}
