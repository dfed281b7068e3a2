using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text;
using System.Text.Unicode;

namespace Tandem.Protocol.Framing;

/// <summary>
/// UTF-8 (RFC 3629) judged by vectors, the same answer as <see cref="Utf8.IsValid"/>, whose own vectors are for ASCII only. The method is that of Keiser and Lemire,
/// "Validating UTF-8 In Less Than One Instruction Per Byte".
/// </summary>
/// <remarks>
/// Whatever is wrong with a byte and the one before it shows in three nibbles: both of the first byte and the high one of the second. Each looks up the errors that it allows,
/// and those that all three allow are there. That is all but one rule: the third and the fourth byte of a code point follow a continuation byte, and nothing else
/// does. Whether a byte is one of those is seen in the bytes two and three before it.
/// </remarks>
internal static class Utf8Blocks
{
    /// <summary>Bytes from which on this is faster than the BCL's; at least a vector, and the bytes that decide about its first ones.</summary>
    internal const int MinLength = 32;

    /// <summary>Bytes of the shortest text for <see cref="IsValid{TBlock}"/>: a block that ends with the text has a vector before it.</summary>
    internal const int MinBlocksLength = VectorLength + BlockLength;

    private const int VectorLength = 16;
    private const int BlockLength = 64;

    private const byte Unfinished = 0x01; // a lead, then no continuation
    private const byte Stray = 0x02; // ASCII, then a continuation
    private const byte Overlong2 = 0x04; // C0 and C1: below U+0080
    private const byte Overlong3 = 0x08; // E0, then 80 to 9F: below U+0800
    private const byte Surrogate = 0x10; // ED, then A0 to BF: U+D800 to U+DFFF
    private const byte TooLarge = 0x20; // F4 and above, then 90 to BF: over U+10FFFF
    private const byte Overlong4 = 0x40; // F0, then 80 to 8F: below U+10000; and F5 and above, then the same: too large
    private const byte Continued = 0x80; // two continuations: an error unless the second is the third or fourth byte of its code point
    private const byte Any = Unfinished | Stray | Continued; // no matter what the low nibble is

    private static Vector128<byte> ByFirstHigh
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128.Create(
            Stray, Stray, Stray, Stray, Stray, Stray, Stray, Stray,
            Continued, Continued, Continued, Continued,
            Unfinished | Overlong2, Unfinished, Unfinished | Overlong3 | Surrogate, Unfinished | Overlong4 | TooLarge);
    }

    private static Vector128<byte> ByFirstLow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128.Create(
            Any | Overlong2 | Overlong3 | Overlong4, Any | Overlong2, Any, Any,
            Any | TooLarge, Any | TooLarge | Overlong4, Any | TooLarge | Overlong4, Any | TooLarge | Overlong4,
            Any | TooLarge | Overlong4, Any | TooLarge | Overlong4, Any | TooLarge | Overlong4, Any | TooLarge | Overlong4,
            Any | TooLarge | Overlong4, Any | TooLarge | Overlong4 | Surrogate, Any | TooLarge | Overlong4, Any | TooLarge | Overlong4);
    }

    private static Vector128<byte> BySecondHigh
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128.Create(
            Unfinished, Unfinished, Unfinished, Unfinished, Unfinished, Unfinished, Unfinished, Unfinished,
            Stray | Continued | Overlong2 | Overlong3 | Overlong4, Stray | Continued | Overlong2 | Overlong3 | TooLarge,
            Stray | Continued | Overlong2 | Surrogate | TooLarge, Stray | Continued | Overlong2 | Surrogate | TooLarge,
            Unfinished, Unfinished, Unfinished, Unfinished);
    }

    /// <summary>Whether a text is UTF-8, and ends between two code points.</summary>
    /// <param name="text">Of any length.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsValid(ReadOnlySpan<byte> text) =>
        text.Length < MinLength || !Vector128.IsHardwareAccelerated ? Utf8.IsValid(text) : IsValidByVectors(text);

    private static bool IsValidByVectors(ReadOnlySpan<byte> text)
    {
        if (text.Length < MinBlocksLength) return Ascii.IsValid(text) || IsValidShort(text);
        // Vectors of 512 bits were no faster, for ASCII as little as for Chinese.
        return Avx2.IsSupported ? IsValid<Block256>(text) : IsValid<Block128>(text);
    }

    /// <summary>The answer for at least <see cref="MinLength"/> bytes, vector by vector.</summary>
    internal static bool IsValidShort(ReadOnlySpan<byte> text)
    {
        ref byte start = ref MemoryMarshal.GetReference(text);
        nuint last = (nuint)text.Length - VectorLength;
        Vector128<byte> errors = ErrorsAtStart(ref start);
        for (nuint i = VectorLength; i < last; i += VectorLength) errors |= Block128.Errors(ref start, i);
        errors |= Block128.Errors(ref start, last);
        return errors == Vector128<byte>.Zero && Utf8Validator.OpenTailLength(text) == 0;
    }

    /// <summary>The answer for at least <see cref="MinBlocksLength"/> bytes: past blocks of ASCII, and through what is between them.</summary>
    internal static bool IsValid<TBlock>(ReadOnlySpan<byte> text)
        where TBlock : struct, IBlock
    {
        ref byte start = ref MemoryMarshal.GetReference(text);
        nuint length = (nuint)text.Length;
        nuint last = length - BlockLength; // what is left at the end is looked at as a part of the last whole block
        nuint i = 0;
        while (true)
        {
            // Here i is between two code points.
            while (length - i >= 4 * BlockLength && TBlock.AreFourAscii(ref start, i)) i += 4 * BlockLength;
            nuint at;
            while (true)
            {
                if (i == length) return true;
                at = Math.Min(i, last);
                if (!TBlock.IsAscii(ref start, at)) break;
                i = at + BlockLength;
            }

            if (i == 0)
            {
                if (ErrorsAtStart(ref start) != Vector128<byte>.Zero) return false;
                i = VectorLength;
            }

            bool ascii; // only behind such a block it is sure that nothing is open
            do
            {
                at = Math.Min(i, last);
                if (!TBlock.IsValid(ref start, at, out ascii)) return false;
                i = at + BlockLength;
            }
            while (!ascii && i != length);

            if (!ascii) return Utf8Validator.OpenTailLength(text) == 0;
        }
    }

    /// <summary>The first vector, before which there is nothing: as if zeros were.</summary>
    private static Vector128<byte> ErrorsAtStart(ref byte start)
    {
        Vector128<byte> current = Vector128.LoadUnsafe(ref start);
        return Block128.Errors(
            current,
            Vector128.Shuffle(current, Vector128.Create((byte)0xFF, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)),
            Vector128.Shuffle(current, Vector128.Create((byte)0xFF, 0xFF, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)),
            Vector128.Shuffle(current, Vector128.Create((byte)0xFF, 0xFF, 0xFF, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)));
    }

    /// <summary>What is done with a block of 64 bytes, by vectors of one width.</summary>
    internal interface IBlock
    {
        public static abstract bool IsAscii(ref byte text, nuint at);

        public static abstract bool AreFourAscii(ref byte text, nuint at);

        /// <summary>Whether no byte of a block is wrong behind the three before it. There are at least 16 before it.</summary>
        public static abstract bool IsValid(ref byte text, nuint at, out bool ascii);
    }

    /// <summary>Vectors of 128 bits, which every processor has that has any.</summary>
    internal readonly struct Block128 : IBlock
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool IsAscii(ref byte text, nuint at) => (Union(ref text, at) & Vector128.Create((byte)0x80)) == Vector128<byte>.Zero;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool AreFourAscii(ref byte text, nuint at)
        {
            Vector128<byte> union = Union(ref text, at) | Union(ref text, at + 64) | (Union(ref text, at + 128) | Union(ref text, at + 192));
            return (union & Vector128.Create((byte)0x80)) == Vector128<byte>.Zero;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool IsValid(ref byte text, nuint at, out bool ascii)
        {
            ascii = IsAscii(ref text, at);
            Vector128<byte> errors = Errors(ref text, at);
            for (nuint i = 16; i < BlockLength; i += 16) errors |= Errors(ref text, at + i);
            return errors == Vector128<byte>.Zero;
        }

        /// <summary>What is wrong with 16 bytes; there are at least 3 before them.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Errors(ref byte text, nuint at) => Errors(
            Vector128.LoadUnsafe(ref text, at), Vector128.LoadUnsafe(ref text, at - 1), Vector128.LoadUnsafe(ref text, at - 2), Vector128.LoadUnsafe(ref text, at - 3));

        /// <summary>What is wrong with bytes, given for each the one before it, the one before that, and the one before that.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Errors(Vector128<byte> current, Vector128<byte> before1, Vector128<byte> before2, Vector128<byte> before3)
        {
            Vector128<byte> pairs = Vector128.ShuffleNative(ByFirstHigh, before1 >>> 4)
                & Vector128.ShuffleNative(ByFirstLow, before1 & Vector128.Create((byte)0x0F))
                & Vector128.ShuffleNative(BySecondHigh, current >>> 4);
            // The top bit is left where a lead of three bytes or more is two before, or one of four is three before.
            Vector128<byte> continues = Vector128.SubtractSaturate(before2, Vector128.Create((byte)(0xE0 - Continued)))
                | Vector128.SubtractSaturate(before3, Vector128.Create((byte)(0xF0 - Continued)));
            return (continues & Vector128.Create(Continued)) ^ pairs;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<byte> Union(ref byte text, nuint at) =>
            Vector128.LoadUnsafe(ref text, at) | Vector128.LoadUnsafe(ref text, at + 16)
            | (Vector128.LoadUnsafe(ref text, at + 32) | Vector128.LoadUnsafe(ref text, at + 48));
    }

    /// <summary>Vectors of 256 bits, where there is AVX2.</summary>
    internal readonly struct Block256 : IBlock
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool IsAscii(ref byte text, nuint at) => (Union(ref text, at) & Vector256.Create((byte)0x80)) == Vector256<byte>.Zero;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool AreFourAscii(ref byte text, nuint at)
        {
            Vector256<byte> union = Union(ref text, at) | Union(ref text, at + 64) | (Union(ref text, at + 128) | Union(ref text, at + 192));
            return (union & Vector256.Create((byte)0x80)) == Vector256<byte>.Zero;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool IsValid(ref byte text, nuint at, out bool ascii)
        {
            ascii = IsAscii(ref text, at);
            return (Errors(ref text, at) | Errors(ref text, at + 32)) == Vector256<byte>.Zero;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<byte> Errors(ref byte text, nuint at)
        {
            Vector256<byte> current = Vector256.LoadUnsafe(ref text, at);
            // AVX2 shifts each half by itself: what comes into either is the end of the half before it. Three more loads instead cost a quarter of the speed.
            Vector256<byte> halfBefore = Vector256.LoadUnsafe(ref text, at - 16);
            Vector256<byte> before1 = Avx2.AlignRight(current, halfBefore, 15);
            Vector256<byte> pairs = Avx2.Shuffle(Vector256.Create(ByFirstHigh), before1 >>> 4)
                & Avx2.Shuffle(Vector256.Create(ByFirstLow), before1 & Vector256.Create((byte)0x0F))
                & Avx2.Shuffle(Vector256.Create(BySecondHigh), current >>> 4);
            Vector256<byte> continues = Vector256.SubtractSaturate(Avx2.AlignRight(current, halfBefore, 14), Vector256.Create((byte)(0xE0 - Continued)))
                | Vector256.SubtractSaturate(Avx2.AlignRight(current, halfBefore, 13), Vector256.Create((byte)(0xF0 - Continued)));
            return (continues & Vector256.Create(Continued)) ^ pairs;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<byte> Union(ref byte text, nuint at) => Vector256.LoadUnsafe(ref text, at) | Vector256.LoadUnsafe(ref text, at + 32);
    }
}
