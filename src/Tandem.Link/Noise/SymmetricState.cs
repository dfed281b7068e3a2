using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Tandem.Link.Protocol;

namespace Tandem.Link.Noise;

/// <summary>The SymmetricState and CipherState of Noise (sections 5.1, 5.2), for SHA-256 and AES-GCM.</summary>
internal sealed class SymmetricState : IDisposable
{
    private const int HashBytes = LinkLimits.KeyBytes;
    private readonly byte[] _chainingKey = new byte[HashBytes];
    private readonly byte[] _hash = new byte[HashBytes];
    private readonly byte[] _key = new byte[HashBytes];
    private bool _hasKey;
    private ulong _nonce;

    public SymmetricState(string protocolName)
    {
        byte[] name = Encoding.ASCII.GetBytes(protocolName);
        // A name of at most HASHLEN bytes is filled up with zeros and not hashed.
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, HashBytes);
        name.CopyTo(_hash, 0);
        _hash.CopyTo(_chainingKey, 0);
    }

    private SymmetricState(SymmetricState other)
    {
        other._chainingKey.CopyTo(_chainingKey, 0);
        other._hash.CopyTo(_hash, 0);
        other._key.CopyTo(_key, 0);
        _hasKey = other._hasKey;
        _nonce = other._nonce;
    }

    public ReadOnlySpan<byte> Hash => _hash;

    public int Overhead => _hasKey ? LinkLimits.TagBytes : 0;

    public SymmetricState Clone() => new(this);

    public void MixHash(ReadOnlySpan<byte> data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(_hash);
        hash.AppendData(data);
        hash.GetHashAndReset(_hash);
    }

    public void MixKey(ReadOnlySpan<byte> material)
    {
        Span<byte> output = stackalloc byte[2 * HashBytes];
        Derive(material, output);
        output[..HashBytes].CopyTo(_chainingKey);
        SetKey(output[HashBytes..]);
        CryptographicOperations.ZeroMemory(output);
    }

    public void MixKeyAndHash(ReadOnlySpan<byte> material)
    {
        Span<byte> output = stackalloc byte[3 * HashBytes];
        Derive(material, output);
        output[..HashBytes].CopyTo(_chainingKey);
        MixHash(output.Slice(HashBytes, HashBytes));
        SetKey(output[(2 * HashBytes)..]);
        CryptographicOperations.ZeroMemory(output);
    }

    /// <summary>Encrypts when there is a key, and mixes what comes out into the hash.</summary>
    public void EncryptAndHash(ReadOnlySpan<byte> plaintext, Span<byte> destination)
    {
        if (_hasKey)
        {
            Span<byte> nonce = stackalloc byte[12];
            WriteNonce(_nonce++, nonce);
            using var aes = new AesGcm(_key, LinkLimits.TagBytes);
            aes.Encrypt(nonce, plaintext, destination[..plaintext.Length], destination[plaintext.Length..], _hash);
        }
        else
        {
            plaintext.CopyTo(destination);
        }

        MixHash(destination);
    }

    /// <summary>The reverse. False: it was not made with this key for this transcript; the state is of no more use.</summary>
    public bool TryDecryptAndHash(ReadOnlySpan<byte> data, Span<byte> plaintext)
    {
        if (_hasKey)
        {
            Span<byte> nonce = stackalloc byte[12];
            WriteNonce(_nonce++, nonce);
            using var aes = new AesGcm(_key, LinkLimits.TagBytes);
            try
            {
                aes.Decrypt(nonce, data[..plaintext.Length], data[plaintext.Length..], plaintext, _hash);
            }
            catch (AuthenticationTagMismatchException)
            {
                return false;
            }
        }
        else
        {
            data.CopyTo(plaintext);
        }

        MixHash(data);
        return true;
    }

    /// <summary>The keys of the two directions (section 5.2, Split), the initiator's first.</summary>
    public (byte[] First, byte[] Second) Split()
    {
        Span<byte> output = stackalloc byte[2 * HashBytes];
        Derive([], output);
        (byte[] First, byte[] Second) keys = (output[..HashBytes].ToArray(), output[HashBytes..].ToArray());
        CryptographicOperations.ZeroMemory(output);
        return keys;
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_chainingKey);
        CryptographicOperations.ZeroMemory(_key);
    }

    /// <summary>The nonce of AES-GCM: four bytes of zeros, and the counter, most significant byte first (section 12.4).</summary>
    public static void WriteNonce(ulong counter, Span<byte> nonce)
    {
        nonce[..4].Clear();
        BinaryPrimitives.WriteUInt64BigEndian(nonce[4..], counter);
    }

    // The HKDF of section 4.3 is that of RFC 5869 with the chaining key as salt and no info. Not HKDF.DeriveKey, which OpenSSL refuses where Split gives it no material.
    private void Derive(ReadOnlySpan<byte> material, Span<byte> output)
    {
        Span<byte> prk = stackalloc byte[HashBytes];
        HMACSHA256.HashData(_chainingKey, material, prk);
        HKDF.Expand(HashAlgorithmName.SHA256, prk, output, []);
        CryptographicOperations.ZeroMemory(prk);
    }

    private void SetKey(ReadOnlySpan<byte> key)
    {
        key.CopyTo(_key);
        _hasKey = true;
        _nonce = 0;
    }
}
