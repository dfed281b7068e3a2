using System.Net.WebSockets;
using System.Numerics;
using System.Text;

namespace Tandem.Cli.Bench;

/// <summary>
/// The messages of a run, by number: ASCII, the same in every run, and each different from those around it, so that what comes back can be told to be the one
/// that was sent. They are slices of one buffer. What is to be compressed looks like JSON and does not repeat itself within a window.
/// </summary>
internal sealed class Payloads
{
    // Up to here every byte is compared; of a larger message its two ends and a piece that moves along.
    public const int ComparedWhole = 4 * 1024;
    private const int Piece = 256;
    private const int Overlapping = 16;
    private const int MaxMemory = 16 << 20;

    private readonly byte[] _bytes;
    private readonly int _size;
    private readonly int _mask;
    private readonly int _stride;
    private readonly WebSocketMessageType _type;

    public Payloads(BenchOptions options)
    {
        _size = options.Size;
        _type = options.Type;
        // Powers of two, for a mask instead of a division. 64 of 1 KiB are twice the largest window.
        int count = options.Deflate ? 1 << BitOperations.Log2((uint)Math.Clamp(MaxMemory / Math.Max(1, _size), 2, 64)) : Overlapping;
        _mask = count - 1;
        _stride = options.Deflate ? _size : 1;
        _bytes = new byte[_size + (_mask * _stride)];
        var random = new Random(6455);
        if (options.Deflate) FillJson(_bytes, random);
        else foreach (ref byte b in _bytes.AsSpan()) b = (byte)('a' + random.Next(26));
    }

    public ReadOnlySpan<byte> this[long number] => _bytes.AsSpan((int)(number & _mask) * _stride, _size);

    /// <summary>Whether this is the message of that number: its type, its length, and, as far as is cheap, its bytes.</summary>
    public bool Matches(long number, WebSocketMessageType type, ReadOnlySpan<byte> payload)
    {
        if (type != _type || payload.Length != _size) return false;
        ReadOnlySpan<byte> expected = this[number];
        if (_size <= ComparedWhole) return payload.SequenceEqual(expected);
        int middle = (int)(number * Piece % (_size - Piece));
        return payload[..Piece].SequenceEqual(expected[..Piece])
            && payload[^Piece..].SequenceEqual(expected[^Piece..])
            && payload.Slice(middle, Piece).SequenceEqual(expected.Slice(middle, Piece));
    }

    private static void FillJson(Span<byte> bytes, Random random)
    {
        string[] states = ["open", "packed", "shipped", "returned"];
        while (!bytes.IsEmpty)
        {
            string row = $"{{\"order\":{random.Next(100_000)},\"customer\":\"c-{random.Next(1 << 20):x5}\",\"quantity\":{random.Next(1, 20)},"
                + $"\"price\":{random.Next(500)}.{random.Next(100):00},\"state\":\"{states[random.Next(states.Length)]}\"}},";
            int count = Math.Min(row.Length, bytes.Length);
            Encoding.ASCII.GetBytes(row.AsSpan(0, count), bytes);
            bytes = bytes[count..];
        }
    }
}
