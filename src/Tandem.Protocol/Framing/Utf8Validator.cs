using System.Runtime.CompilerServices;

namespace Tandem.Protocol.Framing;

/// <summary>
/// UTF-8 validation of a message that arrives in pieces (RFC 6455 section 8.1, RFC 3629): vectorised over what is whole, and fail-fast,
/// so that the first byte which no valid continuation can repair is refused when it arrives, not at the end of the message.
/// </summary>
/// <remarks>
/// Between two pieces only the middle of one code point can be open. It is kept as the number of bytes that it still needs and the range
/// of the next one; the range is what excludes overlong forms, surrogates and everything over U+10FFFF (RFC 3629 section 4). What is whole of a
/// piece is judged 64 bytes at a time where the processor has vectors, whatever its language, and by the BCL's validator where it has none or less than 32 bytes came.
/// A mutable struct: keep it in a field.
/// </remarks>
public struct Utf8Validator
{
    private byte _needed;
    private byte _lower;
    private byte _upper;

    /// <summary>Whether what was appended so far ends between two code points: a message may end here.</summary>
    public readonly bool IsComplete => _needed == 0;

    /// <summary>Appends a piece.</summary>
    /// <param name="piece">The next bytes of the message; may be empty, may begin and end inside a code point.</param>
    /// <returns>False when the message can no longer become valid.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Append(ReadOnlySpan<byte> piece)
    {
        if (_needed == 0 && (piece.IsEmpty || piece[^1] < 0x80)) return Utf8Blocks.IsValid(piece);
        return AppendSplit(piece);
    }

    private bool AppendSplit(ReadOnlySpan<byte> piece)
    {
        int i = 0;
        while (_needed != 0 && i < piece.Length)
        {
            if (!Step(piece[i++])) return false;
        }

        ReadOnlySpan<byte> rest = piece[i..];
        int open = OpenTailLength(rest);
        if (!Utf8Blocks.IsValid(rest[..^open])) return false;
        foreach (byte b in rest[^open..])
        {
            if (!Step(b)) return false;
        }

        return true;
    }

    /// <summary>Bytes at the end that begin a code point which ends in a later piece: 0 to 3. What is wrong anyway may be counted in: Step finds it.</summary>
    internal static int OpenTailLength(ReadOnlySpan<byte> rest)
    {
        if (rest.Length >= 1 && rest[^1] >= 0xC0) return 1;
        if (rest.Length >= 2 && rest[^2] >= 0xE0) return 2;
        return rest.Length >= 3 && rest[^3] >= 0xF0 ? 3 : 0;
    }

    private bool Step(byte b)
    {
        if (_needed != 0)
        {
            if (b < _lower || b > _upper) return false;
            _needed--;
            (_lower, _upper) = (0x80, 0xBF);
            return true;
        }

        (_needed, _lower, _upper) = b switch
        {
            < 0x80 => ((byte)0, (byte)0x80, (byte)0xBF),
            >= 0xC2 and <= 0xDF => ((byte)1, (byte)0x80, (byte)0xBF), // C0 and C1 could only be overlong
            0xE0 => ((byte)2, (byte)0xA0, (byte)0xBF), // below A0: overlong
            0xED => ((byte)2, (byte)0x80, (byte)0x9F), // above 9F: surrogates
            >= 0xE1 and <= 0xEF => ((byte)2, (byte)0x80, (byte)0xBF),
            0xF0 => ((byte)3, (byte)0x90, (byte)0xBF), // below 90: overlong
            >= 0xF1 and <= 0xF3 => ((byte)3, (byte)0x80, (byte)0xBF),
            0xF4 => ((byte)3, (byte)0x80, (byte)0x8F), // above 8F: over U+10FFFF
            _ => ((byte)0, (byte)1, (byte)0),
        };
        return _lower <= _upper;
    }
}
