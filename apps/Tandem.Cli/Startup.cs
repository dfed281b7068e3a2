using System.Net.Sockets;

namespace Tandem.Cli;

/// <summary>What every server command does first and last.</summary>
internal static class Startup
{
    /// <summary>Why an address cannot be listened on, in a few words; null when the exception says something else.</summary>
    public static string? DescribeListenError(Exception exception)
    {
        // Kestrel wraps what its transport says.
        for (Exception? inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is not SocketException socket) continue;
            return socket.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "the port is in use",
                SocketError.AddressNotAvailable => "this machine does not have the address",
                SocketError.InvalidArgument => "a link-local address needs its interface behind it, as in fe80::1%eth0",
                SocketError.AccessDenied => "not permitted (ports below 1024 need privileges)",
                _ => socket.SocketErrorCode.ToString(),
            };
        }

        return null;
    }

    /// <summary>Says in one line why the command cannot do what it was asked to.</summary>
    /// <returns>Its exit code.</returns>
    public static int Fail(string why)
    {
        Console.Error.WriteLine($"tandem: {why}");
        return 1;
    }

    /// <summary>Waits for Ctrl-C or SIGTERM: <see cref="EndSignals"/>.</summary>
    public static async Task UntilStopped(CancellationToken cancellation) =>
        await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
