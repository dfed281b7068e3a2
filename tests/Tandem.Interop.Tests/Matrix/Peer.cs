using System.Collections.Concurrent;

namespace Tandem.Interop.Tests.Matrix;

/// <summary>
/// An implementation of others. As server or client it does the same: it sends back every message as it came, but for texts that begin
/// with an exclamation mark, which it obeys (peers/README.md).
/// </summary>
public abstract class Peer : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<PeerReport>> _reports = new();

    public abstract PeerCard Card { get; }

    /// <summary>Its version, once it has been started.</summary>
    public string Version { get; protected set; } = "";

    /// <summary>What the machine lacks to run it; null when nothing.</summary>
    public string? Missing { get; protected set; }

    /// <summary>The port of its server for each profile that it has.</summary>
    public IReadOnlyDictionary<Profile, int> Ports { get; protected set; } = new Dictionary<Profile, int>();

    public abstract ValueTask InitializeAsync();

    public abstract ValueTask DisposeAsync();

    /// <summary>Tries a scenario; returns when it went as it should.</summary>
    internal virtual Task RunAsync(Direction direction, Scenario scenario) => Scenarios.RunAsync(this, direction, scenario);

    /// <summary>Makes its client connect.</summary>
    public abstract Task ConnectAsync(string id, Uri uri, string[] subprotocols, Profile profile);

    /// <summary>The parameters that it asks for in a profile, as they must stand in the answer to the handshake.</summary>
    public virtual string[] Asks(Direction direction, Profile profile) => profile switch
    {
        Profile.NoContext => ["server_no_context_takeover", "client_no_context_takeover"],
        Profile.Window => [$"server_max_window_bits={Scenarios.WindowBits}", $"client_max_window_bits={Scenarios.WindowBits}"],
        _ => [],
    };

    /// <summary>What it said at the end of a connection.</summary>
    public Task<PeerReport> ReportAsync(string id) => Report(id).Task.InTime();

    /// <summary>Takes a report.</summary>
    protected void Told(PeerReport report) => Report(report.Id).TrySetResult(report);

    private TaskCompletionSource<PeerReport> Report(string id) => _reports.GetOrAdd(id, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
