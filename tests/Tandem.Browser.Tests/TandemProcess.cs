using System.Diagnostics;

namespace Tandem.Browser.Tests;

/// <summary>The program <c>tandem</c>, started as a user starts it, and ended as one ends it: by a signal.</summary>
internal sealed class TandemProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;

    private TandemProcess(Process process) => _process = process;

    /// <summary>Starts it and waits for the line that contains a text.</summary>
    public static async Task<(TandemProcess Process, string Line)> StartAsync(string arguments, string until)
    {
        Process process = Start(arguments);
        var tandem = new TandemProcess(process);
        using var deadline = new CancellationTokenSource(Patience);
        while (await process.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
        {
            if (line.Contains(until, StringComparison.Ordinal)) return (tandem, line);
        }

        throw new InvalidOperationException($"tandem {arguments} ended: {await process.StandardError.ReadToEndAsync(deadline.Token)}");
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(string arguments)
    {
        using Process process = Start(arguments);
        using var deadline = new CancellationTokenSource(Patience);
        Task<string> output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        Task<string> error = process.StandardError.ReadToEndAsync(deadline.Token);
        await process.WaitForExitAsync(deadline.Token);
        return (process.ExitCode, await output, await error);
    }

    public async ValueTask DisposeAsync()
    {
        using (Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])) { }
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            throw new TimeoutException("tandem did not end after SIGTERM.");
        }

        Assert.Equal(0, _process.ExitCode);
        _process.Dispose();
    }

    private static Process Start(string arguments) => Process.Start(new ProcessStartInfo(Repository.Tandem, arguments)
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}
