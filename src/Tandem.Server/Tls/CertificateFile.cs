using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Tandem.Server.Tls;

/// <summary>Reads certificates that an administrator made: PEM, with the key in the same file or in one of its own, or PFX (PKCS #12).</summary>
public static class CertificateFile
{
    // A chain of a handful is about 10 KiB; whatever is larger is another file, named by mistake.
    private const int MaxLength = 1024 * 1024;

    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    // ERROR_INVALID_PASSWORD, which .NET reports on every system.
    private const int InvalidPassword = unchecked((int)0x80070056);

    /// <summary>Reads a certificate, its key and its chain, and checks that a server can use them now.</summary>
    /// <param name="path">PEM or PFX. In PEM the server's own certificate comes first and its chain behind it.</param>
    /// <param name="keyPath">PEM with the private key; null when it is in the same file.</param>
    /// <param name="password">The password of the PFX or of the key; null when there is none.</param>
    /// <param name="time">The clock for the certificate's validity. Default: the system's.</param>
    /// <returns>The certificate; the caller disposes it.</returns>
    /// <exception cref="ServerCertificateException">It cannot be read, opened or used; the message says why in one sentence.</exception>
    public static ServerCertificate Load(string path, string? keyPath = null, string? password = null, TimeProvider? time = null)
    {
        byte[] bytes = Read(path);
        string text = Encoding.UTF8.GetString(bytes);
        ServerCertificate certificate = text.Contains("-----BEGIN ", StringComparison.Ordinal)
            ? LoadPem(path, text, keyPath, password)
            : LoadPfx(path, bytes, keyPath, password);
        try
        {
            Check(path, certificate.Certificate, (time ?? TimeProvider.System).GetUtcNow().UtcDateTime);
            return certificate;
        }
        catch
        {
            certificate.Dispose();
            throw;
        }
    }

    private static ServerCertificate LoadPem(string path, string text, string? keyPath, string? password)
    {
        string key = keyPath is null ? text : Encoding.UTF8.GetString(Read(keyPath));
        if (!text.Contains("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal)) throw new ServerCertificateException($"{path} holds no certificate.");
        if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            throw new ServerCertificateException(keyPath is null ? $"{path} holds no private key, and no key file was named." : $"{keyPath} holds no private key.");
        }

        bool encrypted = key.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal);
        if (encrypted && password is null) throw new ServerCertificateException($"The private key in {keyPath ?? path} is encrypted, and there is no password.");
        try
        {
            X509Certificate2 own = encrypted ? X509Certificate2.CreateFromEncryptedPem(text, key, password) : X509Certificate2.CreateFromPem(text, key);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(text);
            RemoveFirst(chain);
            return new ServerCertificate(own, chain);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            string why = encrypted ? "the password is wrong, or the key is not the certificate's" : "the key is not the certificate's, or one of them is damaged";
            throw new ServerCertificateException($"{path} cannot be used with the private key in {keyPath ?? path}: {why}.", exception);
        }
    }

    private static ServerCertificate LoadPfx(string path, byte[] bytes, string? keyPath, string? password)
    {
        if (keyPath is not null) throw new ServerCertificateException($"{path} is no PEM file, so there can be no key in a file of its own.");
        X509Certificate2Collection all;
        try
        {
            all = X509CertificateLoader.LoadPkcs12Collection(bytes, password);
        }
        catch (CryptographicException exception)
        {
            string why = exception.HResult != InvalidPassword ? "is neither PEM nor PFX"
                : password is null ? "is protected, and there is no password" : "cannot be opened: the password is wrong";
            throw new ServerCertificateException($"{path} {why}.", exception);
        }

        X509Certificate2 own = all.FirstOrDefault(certificate => certificate.HasPrivateKey) ?? throw new ServerCertificateException($"{path} holds no private key.");
        all.Remove(own);
        return new ServerCertificate(own, all);
    }

    private static void Check(string path, X509Certificate2 certificate, DateTime now)
    {
        DateTime begin = certificate.NotBefore.ToUniversalTime();
        DateTime end = certificate.NotAfter.ToUniversalTime();
        if (now > end) throw new ServerCertificateException($"The certificate in {path} expired on {Day(end)}.");
        if (now < begin) throw new ServerCertificateException($"The certificate in {path} is not valid before {Day(begin)}.");
        // RFC 5280 section 4.2.1.12: without the extension it may be used for anything.
        X509EnhancedKeyUsageExtension? usage = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().FirstOrDefault();
        if (usage is not null && !usage.EnhancedKeyUsages.Cast<Oid>().Any(oid => oid.Value == ServerAuthentication))
        {
            throw new ServerCertificateException($"The certificate in {path} is not for servers: serverAuth is not among its extended key usages.");
        }
    }

    private static byte[] Read(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.Length > MaxLength) throw new ServerCertificateException($"{path} is larger than {MaxLength} bytes, which no certificate is.");
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ServerCertificateException($"{path} does not exist.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ServerCertificateException($"{path} cannot be read.", exception);
        }
    }

    private static void RemoveFirst(X509Certificate2Collection chain)
    {
        chain[0].Dispose();
        chain.RemoveAt(0);
    }

    private static string Day(DateTime time) => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
