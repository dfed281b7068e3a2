namespace Tandem.Protocol.Handshake;

/// <summary>The subprotocols of a handshake in order, over all lines of Sec-WebSocket-Protocol (RFC 6455 section 11.3.4), or what a draft calls it.</summary>
public ref struct SubprotocolEnumerator
{
    private readonly HttpHead _head;
    private readonly ReadOnlySpan<byte> _field;
    private HttpListEnumerator _line;
    private int _index;

    internal SubprotocolEnumerator(HttpHead head, ReadOnlySpan<byte> field)
    {
        _head = head;
        _field = field;
        _index = -1;
    }

    /// <summary>The name.</summary>
    public readonly ReadOnlySpan<byte> Current => _line.Current;

    /// <summary>Goes on to the next name.</summary>
    /// <returns>False at the end.</returns>
    public bool MoveNext()
    {
        while (!_line.MoveNext())
        {
            _index = _head.Find(_field, _index + 1);
            if (_index < 0)
            {
                _index = HttpHead.MaxFields; // stays at the end
                return false;
            }

            _line = new HttpListEnumerator(_head.Value(_index));
        }

        return true;
    }
}
