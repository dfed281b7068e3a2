using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tandem.WebSockets.EventLoop;

/// <summary>
/// Where a message grows that did not come in one piece. Its memory follows what has arrived, never what was announced: at most
/// <see cref="Growth"/> times the bytes received so far, so a peer that announces a gigabyte and sends a byte costs one byte's worth.
/// </summary>
internal sealed class MessageBuffer
{
    /// <summary>Four keeps copying to a third of the message, where doubling would copy all of it once.</summary>
    private const int Growth = 4;

    private const int MinimumSize = 512;

    private byte[] _array = [];

    /// <summary>Bytes of the message that are here.</summary>
    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _array.AsSpan(0, Length);

    /// <summary>Room to receive into directly.</summary>
    /// <param name="expected">Bytes that the current frame still owes: no use for more.</param>
    public Memory<byte> Receivable(long expected)
    {
        if (_array.Length == Length) Grow(Length + 1, expected - 1);
        Memory<byte> free = _array.AsMemory(Length);
        return free.Length > expected ? free[..(int)expected] : free;
    }

    /// <summary>Appends payload; without a copy when it was received into <see cref="Receivable"/>.</summary>
    /// <param name="payload">The bytes.</param>
    /// <param name="expected">Bytes that the current frame still owes after them.</param>
    public void Append(ReadOnlySpan<byte> payload, long expected)
    {
        if (payload.IsEmpty) return;
        bool inPlace = Length < _array.Length && Unsafe.AreSame(ref _array[Length], ref MemoryMarshal.GetReference(payload));
        if (!inPlace)
        {
            if (_array.Length - Length < payload.Length) Grow(Length + payload.Length, expected);
            payload.CopyTo(_array.AsSpan(Length));
        }

        Length += payload.Length;
    }

    /// <summary>Empties the buffer and gives its memory back.</summary>
    public void Release()
    {
        if (_array.Length != 0) ArrayPool<byte>.Shared.Return(_array);
        _array = [];
        Length = 0;
    }

    private void Grow(int needed, long expected)
    {
        // A power of two, so that the pool, which rounds up to one, does not double what was measured out.
        long most = (long)BitOperations.RoundUpToPowerOf2((ulong)needed * Growth + 1) / 2;
        long size = Math.Max(Math.Min(needed + expected, most), MinimumSize);
        byte[] array = ArrayPool<byte>.Shared.Rent((int)Math.Min(size, Array.MaxLength));
        Written.CopyTo(array);
        if (_array.Length != 0) ArrayPool<byte>.Shared.Return(_array);
        _array = array;
    }
}
