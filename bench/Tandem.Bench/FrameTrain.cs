using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Tandem.Benchmarks;

/// <summary>
/// The messages of a measurement, prepared: a ring of different messages as masked frames, one behind the other, so that any number of
/// them up to the window leaves with one send; and the echoes that a server would send back, unmasked, to compare with. All connections
/// share it: a connection is a place in the ring.
/// </summary>
/// <remarks>
/// A masking key comes from a strong source (RFC 6455 section 5.3), but is used again each time the ring comes round: what unpredictable
/// keys protect from is not on loopback, and the server's work is the same. Frames are laid out here by hand, not by the engine's writer:
/// a mistake that both sides shared would go unseen.
/// </remarks>
internal sealed unsafe class FrameTrain : IDisposable
{
    private const int RingBytes = 256 * 1024; // stays in the second-level cache
    private const int MaxRing = 64;
    private const long MaxBytes = 256L * 1024 * 1024;
    private const int MaxRequestHeader = 14;

    private readonly byte* _requests;
    private readonly byte* _echoes;
    private readonly int _echoHeader;

    /// <summary>Prepares.</summary>
    /// <param name="size">Bytes of payload of each message.</param>
    /// <param name="window">Most messages that are sent at once.</param>
    /// <param name="text">Text messages instead of binary ones; the payload is letters either way.</param>
    public FrameTrain(int size, int window, bool text)
    {
        Size = size;
        FirstByte = (byte)(0x80 | (text ? 0x1 : 0x2)); // FIN and the opcode
        Count = Math.Clamp(RingBytes / (size + MaxRequestHeader), 2, MaxRing);
        _echoHeader = size < 126 ? 2 : size <= ushort.MaxValue ? 4 : 10;
        EchoLength = _echoHeader + size;
        RequestLength = EchoLength + 4;
        // Behind the ring its beginning once more, so that a window from any place in it is contiguous.
        Frames = Count + window;
        if ((long)Frames * RequestLength > MaxBytes) throw new LoadFailureException($"size and in-flight together exceed {MaxBytes >> 20} MiB");

        _requests = (byte*)NativeMemory.Alloc((nuint)Frames * (nuint)RequestLength);
        _echoes = (byte*)NativeMemory.Alloc((nuint)Frames * (nuint)EchoLength);
        for (int i = 0; i < Frames; i++) Lay(i);
    }

    /// <summary>Bytes of payload of each message.</summary>
    public int Size { get; }

    /// <summary>The first byte of every frame: FIN and the opcode.</summary>
    public byte FirstByte { get; }

    /// <summary>How many different messages there are.</summary>
    public int Count { get; }

    /// <summary>How many lie one behind the other.</summary>
    public int Frames { get; }

    /// <summary>Bytes of a masked frame, as the client sends it.</summary>
    public int RequestLength { get; }

    /// <summary>Bytes of the echo, when the server sends it as one frame with a minimal header.</summary>
    public int EchoLength { get; }

    /// <summary>The bytes to send from an offset on.</summary>
    public byte* Request(int offset) => _requests + offset;

    /// <summary>Echoes as one frame each, from a message on.</summary>
    public ReadOnlySpan<byte> Echoes(int index, int count) => new(_echoes + ((long)index * EchoLength), count * EchoLength);

    /// <summary>The payload of a message.</summary>
    public ReadOnlySpan<byte> Payload(int index) => new(_echoes + ((long)index * EchoLength) + _echoHeader, Size);

    public void Dispose()
    {
        NativeMemory.Free(_requests);
        NativeMemory.Free(_echoes);
    }

    private void Lay(int index)
    {
        var echo = new Span<byte>(_echoes + ((long)index * EchoLength), EchoLength);
        var request = new Span<byte>(_requests + ((long)index * RequestLength), RequestLength);
        if (index >= Count)
        {
            new ReadOnlySpan<byte>(_echoes + ((long)(index - Count) * EchoLength), EchoLength).CopyTo(echo);
            new ReadOnlySpan<byte>(_requests + ((long)(index - Count) * RequestLength), RequestLength).CopyTo(request);
            return;
        }

        echo[0] = FirstByte;
        if (_echoHeader == 2) echo[1] = (byte)Size;
        else if (_echoHeader == 4) BinaryPrimitives.WriteUInt16BigEndian(echo[2..], (ushort)Size);
        else BinaryPrimitives.WriteUInt64BigEndian(echo[2..], (ulong)Size);
        if (_echoHeader != 2) echo[1] = (byte)(_echoHeader == 4 ? 126 : 127);

        Span<byte> payload = echo[_echoHeader..];
        RandomNumberGenerator.GetItems("abcdefghijklmnopqrstuvwxyz012345"u8, payload);

        echo[.._echoHeader].CopyTo(request);
        request[1] |= 0x80; // MASK
        Span<byte> key = request.Slice(_echoHeader, 4);
        RandomNumberGenerator.Fill(key);
        Span<byte> masked = request[(_echoHeader + 4)..];
        for (int i = 0; i < Size; i++) masked[i] = (byte)(payload[i] ^ key[i & 3]);
    }
}
