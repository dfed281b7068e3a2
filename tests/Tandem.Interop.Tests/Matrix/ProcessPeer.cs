using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tandem.Interop.Tests.Matrix;

/// <summary>
/// A peer that is a program: JSON lines in and out (peers/README.md). It ends when its input does, so it does not outlive the tests
/// however they end; and where it does not, timeout(1) ends it and all that it started.
/// </summary>
public abstract class ProcessPeer : Peer
{
    // Not the deadline of the tests: a Java machine or a Firefox takes its time to start on a busy machine.
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(120);

    private static readonly JsonSerializerOptions Camel = new(JsonSerializerDefaults.Web);

    private readonly StringBuilder _errors = new();
    private Process? _process;
    private Task? _reading;

    /// <summary>The program and its arguments, from the repository's root.</summary>
    protected abstract string[] Command { get; }

    /// <summary>What must exist for it, beside the program.</summary>
    protected virtual string[] Needs => [];

    public override async ValueTask InitializeAsync()
    {
        Missing = Command.Take(1).Concat(Needs).FirstOrDefault(path => !Path.Exists(Path.Combine(Tools.Root, path)));
        if (Missing is not null) return;
        var start = new ProcessStartInfo(Tools.Timeout[0], [.. Tools.Timeout[1..], .. Command])
        {
            WorkingDirectory = Tools.Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = Encoding.UTF8,
        };
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors) _errors.AppendLine(line.Data);
        };
        _process.BeginErrorReadLine();
        string? line = await _process.StandardOutput.ReadLineAsync().WaitAsync(StartDeadline);
        if (line is null) throw new InvalidOperationException($"{Card.Name} did not start: {Errors}");
        Ready ready = JsonSerializer.Deserialize<Ready>(line, Camel)!;
        Version = ready.Version;
        Ports = ready.Ports?.ToDictionary(port => Enum.Parse<Profile>(port.Key, ignoreCase: true), port => port.Value) ?? [];
        _reading = ReadAsync(_process.StandardOutput);
    }

    public override async ValueTask DisposeAsync()
    {
        if (_process is null) return;
        _process.StandardInput.Close();
        try
        {
            await _process.WaitForExitAsync().InTime();
        }
        catch (TimeoutException)
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{Card.Name} did not end with its input.");
        }

        await _reading!.InTime();
        _process.Dispose();
    }

    public override Task ConnectAsync(string id, Uri uri, string[] subprotocols, Profile profile) => ConnectAsync(id, uri, subprotocols, profile, version: null);

    /// <summary>Makes its client connect as clients did before RFC 6455: for a peer that can, the number of the version; 0 is hixie-76, null RFC 6455.</summary>
    public async Task ConnectAsync(string id, Uri uri, string[] subprotocols, Profile profile, int? version)
    {
        string line = JsonSerializer.Serialize(new Connect(id, uri.AbsoluteUri, subprotocols, Name(profile), version), Camel);
        await _process!.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    private string Errors
    {
        get
        {
            lock (_errors) return _errors.ToString();
        }
    }

    private static string Name(Profile profile) => JsonNamingPolicy.CamelCase.ConvertName(profile.ToString());

    private async Task ReadAsync(StreamReader output)
    {
        while (await output.ReadLineAsync() is { } line)
        {
            // What a library prints of itself is no report.
            if (line.StartsWith('{')) Told(JsonSerializer.Deserialize<PeerReport>(line, Camel)!);
        }
    }

    private sealed record Ready(string Version, Dictionary<string, int>? Ports);

    private sealed record Connect(
        string Id, string Url, string[] Protocols, string Profile, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Version);
}
