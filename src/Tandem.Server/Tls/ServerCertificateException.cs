namespace Tandem.Server.Tls;

/// <summary>Why there is no certificate to serve with. The message names the file and what is wrong with it, in one sentence.</summary>
public sealed class ServerCertificateException : Exception
{
    /// <summary>Creates one.</summary>
    /// <param name="message">Which file, and what is wrong with it.</param>
    /// <param name="innerException">What was thrown at the place where it went wrong.</param>
    public ServerCertificateException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
