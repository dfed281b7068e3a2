using System.Diagnostics;

namespace Tandem.Browser.Tests;

/// <summary>The program <c>tandem</c>, or a sample, started as a user starts it, and ended as one ends it: by a signal.</summary>
internal sealed class TandemProcess : IAsyncDisposable
{
    // Starting a program takes long on a loaded machine.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly Process _process;
    private bool _terminated;

    private TandemProcess(Process process) => _process = process;

    /// <summary>Its id, for what the system knows of it.</summary>
    public int Id => _process.Id;

    /// <summary>Starts it and waits for the line that contains a text.</summary>
    public static Task<(TandemProcess Process, string Line)> StartAsync(string arguments, string until, params (string Name, string Value)[] environment) =>
        StartProgramAsync(Repository.Tandem, arguments, until, environment);

    /// <summary>Starts a sample, and waits for the line that contains a text.</summary>
    public static Task<(TandemProcess Process, string Line)> StartSampleAsync(string name, string arguments, string until) =>
        StartProgramAsync(Repository.Sample(name), arguments, until, []);

    private static async Task<(TandemProcess Process, string Line)> StartProgramAsync(
        string program, string arguments, string until, (string Name, string Value)[] environment)
    {
        Process process = Start(program, arguments, environment);
        var tandem = new TandemProcess(process);
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            while (await process.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
            {
                if (line.Contains(until, StringComparison.Ordinal)) return (tandem, line);
            }

            throw new InvalidOperationException($"{program} {arguments} ended: {await process.StandardError.ReadToEndAsync(deadline.Token)}");
        }
        catch
        {
            process.Kill(); // nobody has it to end it; it may have ended
            throw;
        }
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(string arguments, params (string Name, string Value)[] environment)
    {
        using Process process = Start(Repository.Tandem, arguments, environment);
        using var deadline = new CancellationTokenSource(Patience);
        Task<string> output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        Task<string> error = process.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, await output, await error);
        }
        finally
        {
            process.Kill();
        }
    }

    /// <summary>The next line that it writes to its standard output.</summary>
    public async Task<string> ReadLineAsync()
    {
        using var deadline = new CancellationTokenSource(Patience);
        return await _process.StandardOutput.ReadLineAsync(deadline.Token) ?? throw new EndOfStreamException("tandem ended.");
    }

    /// <summary>What it writes to its standard output until it ends. To be called at the beginning where that is more than a pipe holds.</summary>
    public Task<string> ReadToEndAsync() => _process.StandardOutput.ReadToEndAsync();

    /// <summary>Types a line, or with null the end of the input.</summary>
    public async Task TypeAsync(string? line)
    {
        if (line is null) _process.StandardInput.Close();
        else await _process.StandardInput.WriteLineAsync(line);
    }

    /// <summary>Waits until it has ended by itself.</summary>
    public async Task<int> ExitCodeAsync()
    {
        _terminated = true; // nothing is left to be told
        using var deadline = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(deadline.Token);
        return _process.ExitCode;
    }

    /// <summary>Tells it to end; <see cref="DisposeAsync"/> waits until it has.</summary>
    public void Terminate()
    {
        if (_terminated) return;
        _terminated = true;
        using (Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])) { }
    }

    public async ValueTask DisposeAsync()
    {
        Terminate();
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

    private static Process Start(string program, string arguments, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
