using System.Globalization;
using System.Text;

namespace Tandem.Cli.Connect;

/// <summary>Bytes as people read them: a few in one line, more with their offsets. They come in pieces.</summary>
internal sealed class HexDump
{
    private const int RowLength = 16;

    private readonly byte[] _row = new byte[RowLength];
    private int _count;
    private long _offset;

    /// <summary>Takes a piece, and gives the lines that are complete.</summary>
    public void Append(ReadOnlySpan<byte> bytes, StringBuilder lines)
    {
        while (!bytes.IsEmpty)
        {
            if (_count == RowLength) WriteRow(lines); // only now: what fits one row is written without an offset
            int count = Math.Min(bytes.Length, RowLength - _count);
            bytes[..count].CopyTo(_row.AsSpan(_count));
            bytes = bytes[count..];
            _count += count;
        }
    }

    /// <summary>Gives the last lines, and begins again.</summary>
    public void End(StringBuilder lines)
    {
        if (_offset == 0)
        {
            lines.Append("binary").Append(_count == 0 ? ", empty" : ":");
            foreach (byte value in _row.AsSpan(0, _count)) lines.Append(CultureInfo.InvariantCulture, $" {value:x2}");
            lines.Append('\n');
        }
        else
        {
            if (_count != 0) WriteRow(lines);
            lines.Append(CultureInfo.InvariantCulture, $"{_offset:x8}\n");
        }

        _count = 0;
        _offset = 0;
    }

    private void WriteRow(StringBuilder lines)
    {
        if (_offset == 0) lines.Append("binary:\n");
        lines.Append(CultureInfo.InvariantCulture, $"{_offset:x8} ");
        for (int i = 0; i < RowLength; i++)
        {
            if (i % 8 == 0) lines.Append(' ');
            if (i < _count) lines.Append(CultureInfo.InvariantCulture, $"{_row[i]:x2} ");
            else lines.Append("   ");
        }

        lines.Append(" |");
        foreach (byte value in _row.AsSpan(0, _count)) lines.Append(value is >= 0x20 and < 0x7F ? (char)value : '.');
        lines.Append("|\n");
        _offset += _count;
        _count = 0;
    }
}
