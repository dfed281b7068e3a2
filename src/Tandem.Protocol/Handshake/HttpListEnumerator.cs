namespace Tandem.Protocol.Handshake;

/// <summary>
/// The elements of a comma-separated list field whose elements are tokens (RFC 9110 section 5.6.1): blanks around them are dropped,
/// and empty elements are skipped, as that section asks of a recipient.
/// </summary>
public ref struct HttpListEnumerator
{
    private ReadOnlySpan<byte> _rest;

    /// <summary>Begins before the first element.</summary>
    /// <param name="value">The value of the field.</param>
    public HttpListEnumerator(ReadOnlySpan<byte> value) => _rest = value;

    /// <summary>The element.</summary>
    public ReadOnlySpan<byte> Current { get; private set; }

    /// <summary>Goes on to the next element that is not empty.</summary>
    /// <returns>False at the end.</returns>
    public bool MoveNext()
    {
        while (!_rest.IsEmpty)
        {
            int comma = _rest.IndexOf((byte)',');
            ReadOnlySpan<byte> element = comma < 0 ? _rest : _rest[..comma];
            _rest = comma < 0 ? default : _rest[(comma + 1)..];
            Current = element.Trim(" \t"u8);
            if (!Current.IsEmpty) return true;
        }

        return false;
    }
}
