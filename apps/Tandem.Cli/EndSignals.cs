using System.Runtime.InteropServices;

namespace Tandem.Cli;

/// <summary>
/// Ctrl-C and SIGTERM as the cancellation of a command, from before its first step: whatever it is doing then, its end is its own, with
/// deadlines of its own. System.CommandLine would cut it off 2 s after the signal, in the middle of closing its connections, and at once
/// when the signal comes before the command has first waited for something.
/// </summary>
internal sealed class EndSignals : IDisposable
{
    private readonly CancellationTokenSource _ended = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;

    public EndSignals()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
    }

    public CancellationToken Token => _ended.Token;

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        // Not the source: a signal may be being handled at this moment.
    }

    private void End(PosixSignalContext context)
    {
        context.Cancel = true;
        _ = _ended.CancelAsync(); // what the command does then is not for the thread of the signal
    }
}
