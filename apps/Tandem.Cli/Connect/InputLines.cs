namespace Tandem.Cli.Connect;

/// <summary>Standard input in lines of bytes, each of a bounded length.</summary>
internal sealed class InputLines(Stream stream)
{
    /// <summary>Most bytes of a line: as much as the messages of most servers may have.</summary>
    public const int MaxLength = 16 * 1024 * 1024;

    private byte[] _buffer = new byte[4096];
    private int _start;
    private int _end;
    private int _searched;
    private bool _ended;

    /// <summary>Reads the next line, without its end, CR LF or LF; the last one may have none.</summary>
    /// <returns>The line, valid until the next call; null at the end.</returns>
    /// <exception cref="InvalidDataException">The line is longer than <see cref="MaxLength"/>.</exception>
    public async Task<ReadOnlyMemory<byte>?> ReadAsync()
    {
        while (true)
        {
            int length = _buffer.AsSpan(_searched, _end - _searched).IndexOf((byte)'\n');
            if (length >= 0) return Take(_searched + length - _start, 1);
            _searched = _end;
            if (_end - _start > MaxLength) throw TooLong();
            if (_ended && _start == _end) return null;
            if (_ended) return Take(_end - _start, 0);
            MakeRoom();
            int read = await stream.ReadAsync(_buffer.AsMemory(_end));
            _end += read;
            _ended = read == 0;
        }
    }

    private ReadOnlyMemory<byte> Take(int length, int lineEnd)
    {
        if (length > MaxLength) throw TooLong();
        ReadOnlyMemory<byte> line = _buffer.AsMemory(_start, length);
        _start += length + lineEnd;
        _searched = _start;
        return line.Span.EndsWith((byte)'\r') ? line[..^1] : line;
    }

    private void MakeRoom()
    {
        if (_end < _buffer.Length) return;
        byte[] target = _end - _start > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
        _buffer.AsSpan(_start, _end - _start).CopyTo(target);
        (_buffer, _end, _searched, _start) = (target, _end - _start, _end - _start, 0);
    }

    private static InvalidDataException TooLong() => new($"a line is longer than {MaxLength / (1024 * 1024)} MiB");
}
