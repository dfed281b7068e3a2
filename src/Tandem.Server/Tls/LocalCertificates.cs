using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Tandem.Server.Tls;

/// <summary>
/// The certificate of this machine, signed by an authority of its own. Both are made once and kept: <c>ca.pem</c> (the authority and its
/// key), <c>ca.crt</c> (the authority alone, for the devices that are to trust it) and <c>localhost.pem</c> (the certificate and its key).
/// Files with keys are for their owner only. A file of these names that was not made here is never written over.
/// </summary>
/// <param name="directory">Where they are kept.</param>
/// <param name="time">The clock. Default: the system's.</param>
public sealed class LocalCertificates(string directory, TimeProvider? time = null)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // How long another process may take to make the same certificates.
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Where the user's own are: <c>$XDG_DATA_HOME/tandem</c>, which is <c>~/.local/share/tandem</c> where that is not set.</summary>
    public static string DefaultDirectory => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "tandem");

    /// <summary>The file that devices are told to trust: the authority without its key.</summary>
    public string AuthorityPath => Path.Combine(directory, "ca.crt");

    private string AuthorityWithKeyPath => Path.Combine(directory, "ca.pem");

    private string LeafPath => Path.Combine(directory, "localhost.pem");

    /// <summary>
    /// What is kept, where it is still right; made anew where it is missing, near its end (30 days), or names another machine than
    /// this one is now. A new authority, which devices have to be told of again, is needed only every nine years or for a new host name.
    /// </summary>
    /// <param name="names">The machine. Default: as it is now.</param>
    /// <returns>The certificate, and the authority as its chain; the caller disposes it.</returns>
    /// <exception cref="ServerCertificateException">A file cannot be read or written, or is not one that was made here.</exception>
    /// <exception cref="PlatformNotSupportedException">The system is Windows.</exception>
    public ServerCertificate GetOrCreate(MachineNames? names = null)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException("Keys are kept in files of mode 0600, which Windows does not have.");
        names ??= MachineNames.Current();
        DateTimeOffset now = _time.GetUtcNow();
        try
        {
            Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
            using FileStream gate = Lock();
            using X509Certificate2 authority = GetOrCreateAuthority(names, now);
            X509Certificate2 leaf = GetOrCreateLeaf(authority, names, now);
            return new ServerCertificate(leaf, [X509CertificateLoader.LoadCertificate(authority.RawData)]);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ServerCertificateException($"The certificates cannot be kept in {directory}: it cannot be written to.", exception);
        }
    }

    [UnsupportedOSPlatform("windows")]
    private X509Certificate2 GetOrCreateAuthority(MachineNames names, DateTimeOffset now)
    {
        X509Certificate2? authority = ReadOurs(AuthorityWithKeyPath);
        if (authority is null || !LocalAuthority.IsAuthorityGood(authority, names, now))
        {
            authority?.Dispose();
            authority = LocalAuthority.CreateAuthority(names, now);
            Write(AuthorityWithKeyPath, WithKey(authority), OwnerOnly);
        }

        string exported = authority.ExportCertificatePem() + "\n";
        ReadOurs(AuthorityPath)?.Dispose();
        if (!File.Exists(AuthorityPath) || File.ReadAllText(AuthorityPath) != exported)
        {
            Write(AuthorityPath, exported, OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }

        return authority;
    }

    [UnsupportedOSPlatform("windows")]
    private X509Certificate2 GetOrCreateLeaf(X509Certificate2 authority, MachineNames names, DateTimeOffset now)
    {
        X509Certificate2? leaf = ReadOurs(LeafPath);
        if (leaf is not null && LocalAuthority.IsLeafGood(leaf, authority, names, now)) return leaf;
        leaf?.Dispose();
        leaf = LocalAuthority.CreateLeaf(authority, names, now);
        Write(LeafPath, WithKey(leaf), OwnerOnly);
        return leaf;
    }

    // Null when there is no such file.
    private X509Certificate2? ReadOurs(string path)
    {
        if (!File.Exists(path)) return null;
        try
        {
            string text = File.ReadAllText(path);
            X509Certificate2 certificate = path == AuthorityPath ? X509Certificate2.CreateFromPem(text) : X509Certificate2.CreateFromPem(text, text);
            if (LocalAuthority.IsOurs(certificate)) return certificate;
            certificate.Dispose();
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            // not ours either
        }

        throw new ServerCertificateException($"{path} is not a certificate that was made here, so it is left alone: move it away, or serve with a certificate of your own.");
    }

    private static string WithKey(X509Certificate2 certificate)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        return certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n";
    }

    // Whole or not at all: a process that is ended in between leaves what was there before.
    [UnsupportedOSPlatform("windows")]
    private static void Write(string path, string text, UnixFileMode mode)
    {
        string draft = path + ".new";
        File.Delete(draft);
        using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode }))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
    }

    // .NET takes an advisory lock on a file that is opened without sharing. The file stays: to remove it would let two hold "the" lock.
    [UnsupportedOSPlatform("windows")]
    private FileStream Lock()
    {
        long start = _time.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(directory, "lock"), new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = OwnerOnly,
                });
            }
            catch (IOException) when (_time.GetElapsedTime(start) < LockPatience)
            {
                Thread.Sleep(20);
            }
        }
    }
}
