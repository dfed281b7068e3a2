using System.Security.Cryptography;

namespace Tandem.Benchmarks;

/// <summary>
/// What is published: a ring of different payloads, letters only, so that JSON needs no escapes for them. The n-th event of a run, from 0,
/// has the payload at n in the ring, and every subscriber has to get all of them in this order.
/// </summary>
internal sealed class News
{
    public const int Count = 64;

    private readonly byte[] _payloads;

    public News(int size)
    {
        Size = size;
        _payloads = new byte[Count * size];
        RandomNumberGenerator.GetItems("abcdefghijklmnopqrstuvwxyz012345"u8, _payloads);
    }

    /// <summary>Bytes of each.</summary>
    public int Size { get; }

    public ReadOnlySpan<byte> Payload(long number) => _payloads.AsSpan((int)(number % Count) * Size, Size);
}
