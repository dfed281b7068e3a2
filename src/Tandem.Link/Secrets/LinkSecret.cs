using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Tandem.Link.Protocol;

namespace Tandem.Link.Secrets;

/// <summary>What one end shows and the other scans: a GUID. Everything else of a link is derived from it.</summary>
/// <remarks><see cref="ToString"/> does not tell it, so that it does not get into a log by accident; <see cref="ToCode"/> does.</remarks>
public sealed class LinkSecret : IDisposable
{
    /// <summary>A text that is longer is not a code; an address is much shorter.</summary>
    private const int MaxCodeLength = 1024;

    // Not char.IsWhiteSpace, nor JavaScript's trim: they differ from each other.
    private const string Space = "\t\n\r \u00A0\u3000";
    private static readonly SearchValues<char> SpaceValues = SearchValues.Create(Space);

    private readonly byte[] _bytes = new byte[LinkLimits.SecretBytes];
    private bool _isDisposed;

    private LinkSecret()
    {
    }

    /// <summary>Draws a new one: a GUID of version 4, of which 122 bits are random.</summary>
    /// <returns>A secret to be disposed of.</returns>
    public static LinkSecret Create()
    {
        var secret = new LinkSecret();
        RandomNumberGenerator.Fill(secret._bytes);
        secret._bytes[6] = (byte)((secret._bytes[6] & 0x0F) | 0x40);
        secret._bytes[8] = (byte)((secret._bytes[8] & 0x3F) | 0x80);
        return secret;
    }

    /// <summary>
    /// Reads what somebody typed, pasted or scanned: a GUID with or without hyphens, in either case, in braces or not, with space around it, or an address
    /// that ends in <c>/phone#</c> and the GUID.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <param name="secret">The secret, to be disposed of.</param>
    /// <returns>False: it is not a code.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out LinkSecret? secret)
    {
        secret = null;
        if (text.Length > MaxCodeLength) return false;
        text = text.Trim(Space);
        int fragment = text.LastIndexOf('#');
        if (fragment >= 0)
        {
            ReadOnlySpan<char> address = text[..fragment];
            if (!address.EndsWith("/phone", StringComparison.Ordinal) || address.ContainsAny(SpaceValues)) return false;
            text = text[(fragment + 1)..];
        }

        if (text is ['{', .., '}']) text = text[1..^1];
        // Not Guid.TryParseExact, which takes signs and "0x" inside.
        Span<char> digits = stackalloc char[2 * LinkLimits.SecretBytes];
        if (text.Length == 36)
        {
            if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return false;
            text[..8].CopyTo(digits);
            text[9..13].CopyTo(digits[8..]);
            text[14..18].CopyTo(digits[12..]);
            text[19..23].CopyTo(digits[16..]);
            text[24..].CopyTo(digits[20..]);
        }
        else if (!text.TryCopyTo(digits) || text.Length != digits.Length)
        {
            return false;
        }

        var read = new LinkSecret();
        if (Convert.FromHexString(digits, read._bytes, out _, out _) != OperationStatus.Done || !read._bytes.AsSpan().ContainsAnyExcept((byte)0)) return false;
        secret = read;
        return true;
    }

    /// <summary>The GUID as it is shown: in lower case with hyphens.</summary>
    /// <returns>36 characters, which are the secret.</returns>
    /// <exception cref="ObjectDisposedException">It was disposed of.</exception>
    public string ToCode() => new Guid(Bytes, bigEndian: true).ToString("D");

    /// <summary>What the code on the screen says.</summary>
    /// <param name="origin">The origin of the page that the phone is to open, such as https://example.org.</param>
    /// <returns>An address whose fragment is the secret: a browser does not send it.</returns>
    /// <exception cref="ObjectDisposedException">It was disposed of.</exception>
    public string ToAddress(string origin) => $"{origin}/phone#{ToCode()}";

    /// <summary>Derives what the ends and the server know a ticket by.</summary>
    /// <returns>Keys to be disposed of.</returns>
    /// <exception cref="ObjectDisposedException">It was disposed of.</exception>
    public TicketKeys DeriveKeys()
    {
        Span<byte> prk = stackalloc byte[LinkLimits.KeyBytes];
        HKDF.Extract(HashAlgorithmName.SHA256, Bytes, "tandem-link-1"u8, prk);
        var keys = new TicketKeys(prk);
        CryptographicOperations.ZeroMemory(prk);
        return keys;
    }

    /// <summary>Erases the secret.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        CryptographicOperations.ZeroMemory(_bytes);
    }

    /// <summary>The name of the type: the secret is not for logs.</summary>
    /// <returns>The same for all.</returns>
    public override string ToString() => nameof(LinkSecret);

    private ReadOnlySpan<byte> Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _bytes;
        }
    }
}
