using System.Net.WebSockets;
using Tandem.WebSockets;

namespace Tandem.Cli.Bench;

/// <summary>What went wrong, counted by cause, so that nothing of it is lost and ten thousand of a kind are one line. Thread-safe.</summary>
internal sealed class ErrorTally
{
    // Causes are few; a server that makes them up by the thousand is told apart no further.
    private const int MaxCauses = 50;
    private const string Others = "other causes";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _counts = [];

    public long Total
    {
        get
        {
            lock (_gate) return _counts.Values.Sum();
        }
    }

    public void Add(string cause, long count = 1)
    {
        lock (_gate)
        {
            if (_counts.Count >= MaxCauses && !_counts.ContainsKey(cause)) cause = Others;
            _counts[cause] = _counts.GetValueOrDefault(cause) + count;
        }
    }

    /// <summary>A connection that did not come to be.</summary>
    public void Add(WebSocketConnectException failure) => Add(failure.Message.TrimEnd('.'));

    /// <summary>A connection that ended and should not have.</summary>
    public void Add(in CloseCause cause) => Add(cause.Initiator switch
    {
        CloseInitiator.Peer when cause.Reason.Length != 0 => $"the server closed a connection: {(int)cause.Status} {cause.Reason}",
        CloseInitiator.Peer => $"the server closed a connection: {(cause.Status == WebSocketCloseStatus.Empty ? "no code" : ((int)cause.Status).ToString(System.Globalization.CultureInfo.InvariantCulture))}",
        CloseInitiator.ProtocolFault => $"the server broke a rule: {cause.Reason}",
        CloseInitiator.TransportEnd => "the connection was lost",
        CloseInitiator.Timeout => "the server did not answer in time",
        CloseInitiator.Overflow => "the server did not take what was sent to it",
        _ => $"a connection ended: {cause.Initiator}",
    });

    /// <summary>The most frequent first.</summary>
    public KeyValuePair<string, long>[] ToArray()
    {
        lock (_gate) return [.. _counts.OrderByDescending(count => count.Value).ThenBy(count => count.Key, StringComparer.Ordinal)];
    }
}
