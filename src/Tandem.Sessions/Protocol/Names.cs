using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Tandem.Sessions.Protocol;

/// <summary>What a topic or a mailbox may be called: 1 to 255 bytes of UTF-8 without control characters.</summary>
internal static class Names
{
    private static readonly SearchValues<byte> Controls = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(value => (byte)value), 0x7F]);

    public static bool HasControl(ReadOnlySpan<byte> name) => name.ContainsAny(Controls);

    /// <summary>The bytes of a name that the application gave.</summary>
    /// <exception cref="ArgumentException">It is not a name.</exception>
    public static byte[] Encode(string name, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(name, parameter);
        byte[] bytes = Encode(name, ProtocolLimits.MaxNameBytes, parameter);
        if (HasControl(bytes)) throw new ArgumentException("A name has no control characters.", parameter);
        return bytes;
    }

    /// <summary>The bytes of a key that the application gave; null and empty: none.</summary>
    /// <exception cref="ArgumentException">It is too long, or half of a surrogate pair is missing.</exception>
    public static byte[] EncodeKey(string? key, string parameter) =>
        string.IsNullOrEmpty(key) ? [] : Encode(key, ProtocolLimits.MaxKeyBytes, parameter);

    /// <summary>The bytes of a reason or a reply's text, cut where it is too long.</summary>
    public static byte[] Reason(string text)
    {
        if (text.Length == 0) return [];
        byte[] bytes = new byte[ProtocolLimits.MaxTextBytes];
        Utf8.FromUtf16(text, bytes, out _, out int written, replaceInvalidSequences: true);
        return bytes[..written];
    }

    private static byte[] Encode(string text, int max, string parameter)
    {
        byte[] bytes;
        try
        {
            bytes = Strict.GetBytes(text);
        }
        catch (EncoderFallbackException exception)
        {
            throw new ArgumentException("The text is not Unicode: half of a surrogate pair is missing.", parameter, exception);
        }

        return bytes.Length <= max ? bytes : throw new ArgumentException($"At most {max} bytes of UTF-8.", parameter);
    }

    private static readonly UTF8Encoding Strict = new(false, true);
}
