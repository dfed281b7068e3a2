using System.Buffers;

namespace Tandem.Protocol.Handshake;

/// <summary>What <see cref="ExtensionReader.Read"/> found.</summary>
public enum ExtensionToken : byte
{
    /// <summary>The end of the field.</summary>
    End,

    /// <summary>The name of an extension; its parameters follow.</summary>
    Extension,

    /// <summary>A parameter of the extension before it.</summary>
    Parameter,

    /// <summary>The field breaks the grammar.</summary>
    Invalid,
}

/// <summary>
/// Reads one line of Sec-WebSocket-Extensions by the grammar of RFC 6455 section 9.1:
/// <c>extension-list = 1#( token *( ";" token [ "=" ( token | quoted-string ) ] ) )</c>, where a quoted value must be a token once unquoted.
/// </summary>
public ref struct ExtensionReader
{
    private static readonly SearchValues<byte> Separators = SearchValues.Create(" \t,;=\""u8);

    private ReadOnlySpan<byte> _rest;
    private bool _started;
    private bool _inExtension;

    /// <summary>Begins before the first extension.</summary>
    /// <param name="value">The value of the field.</param>
    public ExtensionReader(ReadOnlySpan<byte> value) => _rest = value;

    /// <summary>The name of the extension or parameter.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>The value of the parameter, unquoted; empty when it has none (a value is never empty: a token has at least one character).</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Whether a line is well formed.</summary>
    /// <param name="value">The value of the field.</param>
    /// <returns>True when it is.</returns>
    public static bool IsValid(ReadOnlySpan<byte> value)
    {
        var reader = new ExtensionReader(value);
        ExtensionToken token;
        do token = reader.Read();
        while (token is ExtensionToken.Extension or ExtensionToken.Parameter);
        return token == ExtensionToken.End;
    }

    /// <summary>Reads the next name.</summary>
    /// <returns>What it is.</returns>
    public ExtensionToken Read()
    {
        Value = default;
        SkipBlanks();
        if (_inExtension && TrySkip((byte)';')) return ReadParameter();
        if (_inExtension && !_rest.IsEmpty && _rest[0] != ',') return Fail();
        _inExtension = false;

        // Empty list elements are for a recipient to skip (RFC 9110 section 5.6.1.2), but the list is "1#": not all may be empty.
        while (TrySkip((byte)',')) SkipBlanks();
        if (_rest.IsEmpty) return _started ? ExtensionToken.End : ExtensionToken.Invalid;
        if (!TryReadToken(out ReadOnlySpan<byte> name)) return Fail();
        _started = _inExtension = true;
        Name = name;
        return ExtensionToken.Extension;
    }

    private ExtensionToken ReadParameter()
    {
        SkipBlanks();
        if (!TryReadToken(out ReadOnlySpan<byte> name)) return Fail();
        Name = name;
        SkipBlanks();
        if (!TrySkip((byte)'=')) return ExtensionToken.Parameter;
        SkipBlanks();
        if (!(_rest.StartsWith("\""u8) ? TryReadQuoted(out ReadOnlySpan<byte> value) : TryReadToken(out value))) return Fail();
        Value = value;
        return ExtensionToken.Parameter;
    }

    private bool TryReadQuoted(out ReadOnlySpan<byte> value)
    {
        value = default;
        for (int i = 1; i < _rest.Length; i++)
        {
            if (_rest[i] == '\\') i++;
            else if (_rest[i] == '"')
            {
                ReadOnlySpan<byte> raw = _rest[1..i];
                _rest = _rest[(i + 1)..];
                value = raw.Contains((byte)'\\') ? Unescape(raw) : raw;
                return HttpHead.IsToken(value);
            }
        }

        return false;
    }

    // Nobody escapes characters of a token, but they may (RFC 9110 section 5.6.4): the one place in a handshake that allocates.
    private static byte[] Unescape(ReadOnlySpan<byte> raw)
    {
        var unescaped = new List<byte>(raw.Length);
        for (int i = 0; i < raw.Length; i++)
        {
            if (raw[i] == '\\') i++;
            unescaped.Add(raw[i]);
        }

        return [.. unescaped];
    }

    private bool TryReadToken(out ReadOnlySpan<byte> token)
    {
        int end = _rest.IndexOfAny(Separators);
        token = end < 0 ? _rest : _rest[..end];
        _rest = _rest[token.Length..];
        return HttpHead.IsToken(token);
    }

    private void SkipBlanks() => _rest = _rest.TrimStart(" \t"u8);

    private bool TrySkip(byte separator)
    {
        if (_rest.IsEmpty || _rest[0] != separator) return false;
        _rest = _rest[1..];
        return true;
    }

    private ExtensionToken Fail()
    {
        _rest = default;
        _started = _inExtension = false;
        return ExtensionToken.Invalid;
    }
}
