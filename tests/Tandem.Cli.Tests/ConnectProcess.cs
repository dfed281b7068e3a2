using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tandem.Browser.Tests;

namespace Tandem.Cli.Tests;

/// <summary>How a run of <c>tandem connect</c> ended.</summary>
internal sealed record Ended(int ExitCode, string Output, string Error);

/// <summary><c>tandem connect</c>, as a script starts it: with pipes; or, by <see cref="InTerminal"/>, as a person does.</summary>
internal sealed class ConnectProcess : IAsyncDisposable
{
    // Starting a program takes long on a loaded machine.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly Task _reading;

    private ConnectProcess(string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = new UTF8Encoding(false),
        };
        start.Environment.Remove("NO_COLOR");
        start.Environment["TERM"] = "xterm";
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        _process = Process.Start(start)!;
        _reading = Task.WhenAll(ReadAsync(_process.StandardOutput, _output), ReadAsync(_process.StandardError, _error));
    }

    /// <summary>Called with what has just been read of standard output.</summary>
    public Action<string>? OnOutput { get; set; }

    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    public string Error
    {
        get
        {
            lock (_error) return _error.ToString();
        }
    }

    public static ConnectProcess Start(params string[] arguments) => StartCommand(["connect", .. arguments]);

    /// <summary>Another command than <c>connect</c>.</summary>
    public static ConnectProcess StartCommand(params string[] arguments) => new(Repository.Tandem, arguments);

    /// <summary>In a terminal, where standard output and standard error come out together.</summary>
    /// <remarks>The shell that <c>script</c> starts is replaced: Ctrl-C is for the whole foreground, and dash would die of it and give its own exit code.</remarks>
    public static ConnectProcess InTerminal(string arguments, params (string Name, string Value)[] environment) =>
        TandemInTerminal($"connect {arguments}", environment);

    /// <summary>The same for another command of Tandem's.</summary>
    public static ConnectProcess TandemInTerminal(string arguments, params (string Name, string Value)[] environment) =>
        CommandInTerminal($"exec {Repository.Tandem} {arguments}", environment);

    /// <summary>Any command of a shell in a terminal.</summary>
    public static ConnectProcess CommandInTerminal(string command, params (string Name, string Value)[] environment) =>
        new("script", ["--quiet", "--return", "--command", command, "/dev/null"], environment);

    /// <summary>As one side of a shell's pipe.</summary>
    public static ConnectProcess InShell(string command) => new("/bin/sh", ["-c", command.Replace("tandem", Repository.Tandem, StringComparison.Ordinal)]);

    /// <summary>Runs it to its end, with this as its input.</summary>
    public static async Task<Ended> RunAsync(string input, params string[] arguments)
    {
        await using ConnectProcess process = Start(arguments);
        await process.TypeAsync(input);
        return await process.EndAsync();
    }

    public async Task TypeAsync(string text) => await TypeAsync(Encoding.UTF8.GetBytes(text));

    public async Task TypeAsync(byte[] bytes)
    {
        try
        {
            await _process.StandardInput.BaseStream.WriteAsync(bytes).AsTask().WaitAsync(Patience);
            await _process.StandardInput.BaseStream.FlushAsync().WaitAsync(Patience);
        }
        catch (IOException)
        {
            // It has ended already: what it said tells why.
        }
    }

    public Task SeeOutputAsync(string text) => Eventually.True(() => Output.Contains(text, StringComparison.Ordinal), $"output of {text}, but: {Output}{Error}", Patience);

    public Task SeeErrorAsync(string text) => Eventually.True(() => Error.Contains(text, StringComparison.Ordinal), $"error output of {text}, but: {Error}", Patience);

    public void Signal(string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Waits for the end without ending the input.</summary>
    public async Task<Ended> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Patience);
        await _reading.WaitAsync(Patience);
        return new Ended(_process.ExitCode, Output, Error);
    }

    /// <summary>Ends the input, and waits for the end.</summary>
    public async Task<Ended> EndAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // As above.
        }

        return await ExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader reader, StringBuilder text)
    {
        char[] buffer = new char[64 * 1024];
        int count;
        while ((count = await reader.ReadAsync(buffer)) > 0)
        {
            lock (text) text.Append(buffer, 0, count);
            if (text == _output) OnOutput?.Invoke(new string(buffer, 0, count));
        }
    }
}
