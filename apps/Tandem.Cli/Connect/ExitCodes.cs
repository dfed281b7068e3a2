namespace Tandem.Cli.Connect;

/// <summary>What <c>tandem connect</c> ends with.</summary>
internal static class ExitCodes
{
    /// <summary>Both close frames were exchanged, and the server's gave no error.</summary>
    public const int Closed = 0;

    /// <summary>Wrong arguments, or a line of piped input that cannot be sent.</summary>
    public const int WrongInput = 1;

    /// <summary>No connection, or a refused handshake.</summary>
    public const int NoConnection = 2;

    /// <summary>The server closed with an error, broke a rule, or was gone.</summary>
    public const int Broken = 3;

    /// <summary>Interrupted twice, or while connecting: 128 + SIGINT, as shells count it.</summary>
    public const int Interrupted = 130;
}
