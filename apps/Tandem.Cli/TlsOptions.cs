using System.CommandLine;
using Tandem.Server.Tls;

namespace Tandem.Cli;

/// <summary>The options of a command that serves TLS: whether it does, and with which certificate.</summary>
internal sealed class TlsOptions
{
    private const string PasswordVariable = "TANDEM_CERT_PASSWORD";

    private readonly Option<bool> _tls = new("--tls") { Description = "Serve https and wss, with a certificate of this machine's own authority where --cert names no other." };

    private readonly Option<string?> _cert = new("--cert") { Description = "Certificate to serve with: PEM with its chain, or PFX. Implies --tls.", HelpName = "FILE" };

    private readonly Option<string?> _key = new("--key") { Description = "Private key of --cert, when it is not in the same file: PEM.", HelpName = "FILE" };

    private readonly Option<string?> _password = new("--cert-password")
    {
        Description = $"Password of the PFX or of the key. Others on this machine can see it here; better set {PasswordVariable}.",
        HelpName = "PASSWORD",
    };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _tls, _cert, _key, _password }) command.Options.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_cert) is null && (result.GetResult(_key) ?? result.GetResult(_password)) is { } orphan)
            {
                result.AddError($"{orphan.Option.Name} needs --cert.");
            }
        });
    }

    /// <summary>What to serve with; null for plaintext.</summary>
    /// <exception cref="ServerCertificateException">There is nothing to serve with; the message says why.</exception>
    public ServerTls? Load(ParseResult result)
    {
        if (result.GetValue(_cert) is { } path)
        {
            string? password = result.GetValue(_password) ?? Environment.GetEnvironmentVariable(PasswordVariable);
            return new ServerTls(CertificateFile.Load(path, result.GetValue(_key), password), AuthorityPath: null);
        }

        if (!result.GetValue(_tls)) return null;
        var local = new LocalCertificates(LocalCertificates.DefaultDirectory);
        return new ServerTls(local.GetOrCreate(), local.AuthorityPath);
    }
}

/// <summary>What to serve TLS with.</summary>
/// <param name="Certificate">The certificate and its chain.</param>
/// <param name="AuthorityPath">The file that devices are to trust, where the certificate is of this machine's own authority.</param>
internal sealed record ServerTls(ServerCertificate Certificate, string? AuthorityPath);
