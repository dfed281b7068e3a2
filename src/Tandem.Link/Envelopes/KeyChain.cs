using System.Security.Cryptography;
using Tandem.Link.Protocol;

namespace Tandem.Link.Envelopes;

/// <summary>
/// The keys of one direction: <c>key(n)</c>, and <c>c(n+1)</c>, from which all later ones follow. From neither can an earlier key be computed, so what was sealed
/// before is safe from whoever takes what is here now.
/// </summary>
internal sealed class KeyChain : IDisposable
{
    private readonly byte[] _key = new byte[LinkLimits.KeyBytes];
    private readonly byte[] _next = new byte[LinkLimits.KeyBytes];

    /// <summary>Begins with a chain key, <c>c(epoch)</c>, which it erases.</summary>
    public KeyChain(uint epoch, Span<byte> chainKey)
    {
        Epoch = epoch;
        Step(chainKey);
        CryptographicOperations.ZeroMemory(chainKey);
    }

    private KeyChain(uint epoch, ReadOnlySpan<byte> key, ReadOnlySpan<byte> next)
    {
        Epoch = epoch;
        key.CopyTo(_key);
        next.CopyTo(_next);
    }

    public uint Epoch { get; private set; }

    /// <summary><c>key(n)</c>.</summary>
    public ReadOnlySpan<byte> Key => _key;

    /// <summary><c>c(n+1)</c>.</summary>
    public ReadOnlySpan<byte> Next => _next;

    /// <summary>What was stored of one.</summary>
    public static KeyChain Restore(uint epoch, ReadOnlySpan<byte> key, ReadOnlySpan<byte> next) => new(epoch, key, next);

    public KeyChain Clone() => new(Epoch, _key, _next);

    /// <summary>Moves to a later epoch. What is behind is erased.</summary>
    public void MoveTo(uint epoch)
    {
        Span<byte> chainKey = stackalloc byte[LinkLimits.KeyBytes];
        for (; Epoch < epoch; Epoch++)
        {
            _next.CopyTo(chainKey);
            Step(chainKey);
        }

        CryptographicOperations.ZeroMemory(chainKey);
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_key);
        CryptographicOperations.ZeroMemory(_next);
    }

    private void Step(ReadOnlySpan<byte> chainKey)
    {
        HKDF.Expand(HashAlgorithmName.SHA256, chainKey, _key, "key"u8);
        HKDF.Expand(HashAlgorithmName.SHA256, chainKey, _next, "next"u8);
    }
}
