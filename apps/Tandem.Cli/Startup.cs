using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Tandem.Cli;

/// <summary>What every server command does first and last.</summary>
internal static class Startup
{
    /// <summary>Starts to listen, or says in one line why that cannot be.</summary>
    public static bool TryListen(Action start, IEnumerable<IPEndPoint> endPoints)
    {
        try
        {
            start();
            return true;
        }
        catch (SocketException exception)
        {
            string why = exception.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "the port is in use",
                SocketError.AddressNotAvailable => "this machine does not have the address",
                SocketError.AccessDenied => "not permitted (ports below 1024 need privileges)",
                _ => exception.SocketErrorCode.ToString(),
            };
            Console.Error.WriteLine($"tandem: cannot listen on {string.Join(", ", endPoints)}: {why}.");
            return false;
        }
    }

    /// <summary>Waits for Ctrl-C, SIGTERM, or the command line's own cancellation.</summary>
    public static async Task UntilStopped(CancellationToken cancellation)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true; // the end is ours: connections are closed first
            stopped.TrySetResult();
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        await using CancellationTokenRegistration registration = cancellation.Register(() => stopped.TrySetResult());
        await stopped.Task;
    }
}
