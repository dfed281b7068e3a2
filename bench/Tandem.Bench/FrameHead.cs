using System.Buffers.Binary;
using Tandem.Cli.Bench;

namespace Tandem.Benchmarks;

/// <summary>The header of a frame that a server sends, gathered byte by byte and judged (RFC 6455 section 5.2). A mutable struct inside a reader.</summary>
internal unsafe struct FrameHead
{
    private const int OpcodeClose = 0x8;

    private fixed byte _bytes[10];
    private int _count;

    public readonly bool IsBegun => _count != 0;

    public readonly int Opcode => _bytes[0] & 0x0F;

    public readonly bool IsControl => (_bytes[0] & 0x08) != 0;

    public readonly bool IsFinal => (_bytes[0] & 0x80) != 0;

    /// <summary>Bytes of payload, once the header is whole.</summary>
    public long Length { get; private set; }

    /// <summary>Takes the next byte.</summary>
    /// <returns>Whether the header is whole.</returns>
    public bool Add(byte next)
    {
        _bytes[_count++] = next;
        if (_count < 2 || _count < (_bytes[1] & 0x7F) switch { 126 => 4, 127 => 10, _ => 2 }) return false;
        fixed (byte* bytes = _bytes) Judge(new ReadOnlySpan<byte>(bytes, _count));
        return true;
    }

    /// <summary>The next byte begins a frame.</summary>
    public void Clear() => _count = 0;

    private void Judge(ReadOnlySpan<byte> header)
    {
        if ((header[1] & 0x80) != 0) throw new BenchException("the server masked a frame (RFC 6455 section 5.1)");
        if ((header[0] & 0x70) != 0) throw new BenchException("the server set a reserved bit (RFC 6455 section 5.2)");
        if (Opcode == OpcodeClose) throw new BenchException("the server began the closing handshake");
        Length = header.Length switch
        {
            2 => header[1],
            4 => BinaryPrimitives.ReadUInt16BigEndian(header[2..]),
            _ => BinaryPrimitives.ReadInt64BigEndian(header[2..]),
        };
        if (Length < 0) throw new BenchException("the server announced a length over 63 bits (RFC 6455 section 5.2)");
    }
}
