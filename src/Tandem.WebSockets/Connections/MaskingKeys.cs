using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Tandem.WebSockets.Connections;

/// <summary>
/// A client's masking keys: "derived from a strong source of entropy", and never predictable from those before (RFC 6455 section 5.3).
/// They are drawn a block at a time, because the generator costs far more for a call than for its bytes.
/// </summary>
/// <remarks>A mutable struct: keep it in a field. Not thread-safe.</remarks>
internal struct MaskingKeys
{
    private const int BlockKeys = 64; // 256 bytes for a client connection that sends

    private uint[]? _block;
    private int _left;

    public uint Next()
    {
        if (_left == 0)
        {
            _block ??= new uint[BlockKeys];
            RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(_block.AsSpan()));
            _left = BlockKeys;
        }

        return _block![--_left];
    }
}

/// <summary>The keys of all connections that one thread serves: a block for each would be more than all else that an idle one holds.</summary>
internal sealed class LoopMaskingKeys
{
    private MaskingKeys _keys;

    public uint Next() => _keys.Next();
}
