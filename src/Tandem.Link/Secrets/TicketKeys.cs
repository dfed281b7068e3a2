using System.Security.Cryptography;
using Tandem.Link.Protocol;

namespace Tandem.Link.Secrets;

/// <summary>What follows from a secret: the routing id, which the server knows, and the pre-shared key, which it does not.</summary>
public sealed class TicketKeys : IDisposable
{
    private readonly byte[] _routingId = new byte[LinkLimits.RoutingIdBytes];
    private readonly byte[] _preSharedKey = new byte[LinkLimits.KeyBytes];

    internal TicketKeys(ReadOnlySpan<byte> prk)
    {
        HKDF.Expand(HashAlgorithmName.SHA256, prk, _routingId, "routing"u8);
        HKDF.Expand(HashAlgorithmName.SHA256, prk, _preSharedKey, "psk"u8);
    }

    /// <summary>16 bytes by which the server joins the ends.</summary>
    public ReadOnlyMemory<byte> RoutingId => _routingId;

    internal ReadOnlyMemory<byte> PreSharedKey => _preSharedKey;

    /// <summary>Erases the key.</summary>
    public void Dispose() => CryptographicOperations.ZeroMemory(_preSharedKey);
}
