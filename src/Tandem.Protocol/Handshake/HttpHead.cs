using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;

namespace Tandem.Protocol.Handshake;

/// <summary>What came of parsing an HTTP head: it is whole, more is needed, or the rule that it breaks.</summary>
public enum HttpHeadStatus : byte
{
    /// <summary>The head is whole and well formed.</summary>
    Complete,

    /// <summary>The empty line that ends the head has not arrived.</summary>
    NeedMoreData,

    /// <summary>The start line alone fills the limit.</summary>
    StartLineTooLong,

    /// <summary>The head is longer than <see cref="HttpHead.MaxLength"/>.</summary>
    TooLong,

    /// <summary>More than <see cref="HttpHead.MaxFields"/> fields.</summary>
    TooManyFields,

    /// <summary>A CR or an LF that is not part of a CRLF, or another control character.</summary>
    InvalidCharacter,

    /// <summary>A line that begins with a blank: obsolete line folding (RFC 9112 section 5.2).</summary>
    ObsoleteFolding,

    /// <summary>A field line without a colon, or whose name is not a token, or with a blank before the colon (RFC 9112 section 5.1).</summary>
    InvalidFieldName,
}

/// <summary>
/// The head of an HTTP/1.1 message (RFC 9112 sections 2 to 5), parsed where it lies: start line, then fields, each line ended by CRLF and
/// nothing else. Stricter than a general HTTP server has to be, because everything that speaks WebSocket writes correct heads, and what
/// two parsers read differently is how requests are smuggled.
/// </summary>
public ref struct HttpHead
{
    /// <summary>Most bytes of a head, the empty line included.</summary>
    public const int MaxLength = 8 * 1024;

    /// <summary>Most fields of a head.</summary>
    public const int MaxFields = 64;

    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    // RFC 9110 section 5.5: field-vchar, SP, HTAB and obs-text. CR and LF are handled before, as line ends.
    private static readonly SearchValues<byte> ControlBytes = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127]);

    private ReadOnlySpan<byte> _bytes;
    private FieldTable _fields;
    private int _startLineLength;

    /// <summary>Bytes of the head, the empty line included: where the bytes behind the handshake begin.</summary>
    public readonly int Length => _bytes.Length;

    /// <summary>The head as it came.</summary>
    public readonly ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The start line without its CRLF.</summary>
    public readonly ReadOnlySpan<byte> StartLine => _bytes[.._startLineLength];

    /// <summary>How many fields there are.</summary>
    public int FieldCount { get; private set; }

    /// <summary>The name of a field.</summary>
    /// <param name="index">0 to <see cref="FieldCount"/> - 1.</param>
    /// <returns>A token, in the peer's own case.</returns>
    public readonly ReadOnlySpan<byte> Name(int index) => _bytes.Slice(_fields[index].Name, _fields[index].NameLength);

    /// <summary>The value of a field.</summary>
    /// <param name="index">0 to <see cref="FieldCount"/> - 1.</param>
    /// <returns>The value without blanks around it.</returns>
    public readonly ReadOnlySpan<byte> Value(int index) => _bytes.Slice(_fields[index].Value, _fields[index].ValueLength);

    /// <summary>Finds the next field of a name.</summary>
    /// <param name="name">The name, in any case.</param>
    /// <param name="start">The index to look from.</param>
    /// <returns>The index, or -1.</returns>
    public readonly int Find(ReadOnlySpan<byte> name, int start = 0)
    {
        for (int i = start; i < FieldCount; i++)
        {
            if (_fields[i].NameLength == name.Length && Ascii.EqualsIgnoreCase(Name(i), name)) return i;
        }

        return -1;
    }

    /// <summary>The value of a field that is there exactly once.</summary>
    /// <param name="name">The name, in any case.</param>
    /// <param name="value">The value; empty when the result is not 1.</param>
    /// <returns>0 when the field is absent, 1 when it is there once, 2 when it is repeated.</returns>
    public readonly int TryGetSingle(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        int index = Find(name);
        if (index < 0) return 0;
        if (Find(name, index + 1) >= 0) return 2;
        value = Value(index);
        return 1;
    }

    /// <summary>Whether a list field, in all its lines, holds a token (RFC 9110 section 5.6.1), in any case.</summary>
    /// <param name="name">The field's name.</param>
    /// <param name="token">The token.</param>
    /// <returns>True when it does.</returns>
    public readonly bool ListContains(ReadOnlySpan<byte> name, ReadOnlySpan<byte> token)
    {
        for (int i = Find(name); i >= 0; i = Find(name, i + 1))
        {
            var list = new HttpListEnumerator(Value(i));
            while (list.MoveNext())
            {
                if (Ascii.EqualsIgnoreCase(list.Current, token)) return true;
            }
        }

        return false;
    }

    /// <summary>Whether bytes are a token (RFC 9110 section 5.6.2): not empty, and no separators.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>True when they are.</returns>
    public static bool IsToken(ReadOnlySpan<byte> bytes) => !bytes.IsEmpty && !bytes.ContainsAnyExcept(TokenBytes);

    /// <summary>Whether bytes may be a field's value: no CR, LF or other control characters.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>True when they may.</returns>
    internal static bool IsFieldValue(ReadOnlySpan<byte> bytes) => !bytes.ContainsAny(ControlBytes);

    /// <summary>Parses the head at the start of what has been received.</summary>
    /// <param name="received">All bytes received so far. The head keeps slices of them.</param>
    /// <param name="head">The head, when the result is <see cref="HttpHeadStatus.Complete"/>.</param>
    /// <returns>The outcome. A CR or LF that is not part of a CRLF is refused even while more is needed; the other rules wait for the whole head.</returns>
    public static HttpHeadStatus Parse(ReadOnlySpan<byte> received, out HttpHead head)
    {
        head = default;
        // An empty line before the start line, which RFC 9112 section 2.2 suggests to skip for old clients, is not: none of those speaks WebSocket.
        ReadOnlySpan<byte> window = received.Length > MaxLength ? received[..MaxLength] : received;
        int end = window.IndexOf("\r\n\r\n"u8);
        if (end < 0) return JudgeIncomplete(window);
        head._bytes = window[..(end + 4)];
        return head.ParseLines(window[..(end + 2)]);
    }

    private static HttpHeadStatus JudgeIncomplete(ReadOnlySpan<byte> window)
    {
        // A bare LF is refused now: a peer that ends its lines so would wait for an answer for ever.
        for (ReadOnlySpan<byte> rest = window; !rest.IsEmpty;)
        {
            int at = rest.IndexOfAny((byte)'\r', (byte)'\n');
            if (at < 0) break;
            if (rest[at] == '\n') return HttpHeadStatus.InvalidCharacter;
            if (at + 1 < rest.Length && rest[at + 1] != '\n') return HttpHeadStatus.InvalidCharacter;
            rest = rest[Math.Min(at + 2, rest.Length)..];
        }

        if (window.Length < MaxLength) return HttpHeadStatus.NeedMoreData;
        return window.IndexOf("\r\n"u8) < 0 ? HttpHeadStatus.StartLineTooLong : HttpHeadStatus.TooLong;
    }

    private HttpHeadStatus ParseLines(ReadOnlySpan<byte> lines)
    {
        _startLineLength = lines.IndexOf("\r\n"u8);
        if (lines[.._startLineLength].ContainsAny(ControlBytes)) return HttpHeadStatus.InvalidCharacter;
        for (int at = _startLineLength + 2; at < lines.Length;)
        {
            ReadOnlySpan<byte> line = lines[at..];
            line = line[..line.IndexOf("\r\n"u8)];
            if (FieldCount == MaxFields) return HttpHeadStatus.TooManyFields;
            if (line[0] is (byte)' ' or (byte)'\t') return HttpHeadStatus.ObsoleteFolding;
            int colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[..colon].ContainsAnyExcept(TokenBytes)) return HttpHeadStatus.InvalidFieldName;
            if (line[(colon + 1)..].ContainsAny(ControlBytes)) return HttpHeadStatus.InvalidCharacter;
            int start = colon + 1;
            int stop = line.Length;
            while (start < stop && line[start] is (byte)' ' or (byte)'\t') start++;
            while (stop > start && line[stop - 1] is (byte)' ' or (byte)'\t') stop--;
            _fields[FieldCount++] = new Field((ushort)at, (ushort)colon, (ushort)(at + start), (ushort)(stop - start));
            at += line.Length + 2;
        }

        return HttpHeadStatus.Complete;
    }

    // Offsets fit 16 bits because a head has at most 8 KiB: eight bytes a field keep the whole table on the stack.
    private readonly record struct Field(ushort Name, ushort NameLength, ushort Value, ushort ValueLength);

    [InlineArray(MaxFields)]
    private struct FieldTable
    {
        private Field _first;
    }
}
