using System.Diagnostics;
using System.Net.WebSockets;
using Tandem.WebSockets;

namespace Tandem.Cli.Bench;

/// <summary>How far a run is.</summary>
internal enum Phase
{
    /// <summary>Connections are being opened.</summary>
    Opening,

    /// <summary>The load is on.</summary>
    Loading,

    /// <summary>Nothing new is sent; what is under way may come back.</summary>
    Draining,

    /// <summary>It is over: how connections end is of no interest any more.</summary>
    Ended,
}

/// <summary>
/// What one loop does with its share of the connections. Everything but the members that say otherwise is on the loop's thread; nothing is allocated for a message.
/// </summary>
internal abstract class Load : WebSocketClientHandler
{
    // Connections that are being opened at a time, by each thread: a fraction of any server's backlog.
    private const int OpenedAtOnce = 100;

    // Between phases, how soon a loop sees that the next one has come.
    private static readonly TimeSpan PhaseWait = TimeSpan.FromMilliseconds(5);

    private readonly BenchRun _run;
    private readonly List<Connection> _connections = [];
    private WebSocketClientLoop? _loop;
    private int _toOpen; // connections of which opening has not begun
    private int _first; // number of the first connection
    private int _opening;
    private bool _begun;
    private int _open;
    private int _settled;
    private long _messages;
    private long _bad;
    private long _outstanding;
    private int _compressed;
    private bool _drains;

    protected Load(BenchRun run)
    {
        _run = run;
        Options = run.Options;
        Payloads = run.Payloads;
    }

    /// <summary>Messages that have come; of any thread.</summary>
    public long Messages => Volatile.Read(ref _messages);

    /// <summary>Messages that are not what they should be; of any thread.</summary>
    public long Bad => Volatile.Read(ref _bad);

    /// <summary>Messages, or handshakes, of which is not known yet what became of them; of any thread.</summary>
    public long Outstanding => Volatile.Read(ref _outstanding);

    /// <summary>Connections that are open; of any thread.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Connections of which is known whether they opened; of any thread.</summary>
    public int Settled => Volatile.Read(ref _settled);

    /// <summary>Whether the loop has seen that nothing new is to be sent; of any thread.</summary>
    public bool Drains => Volatile.Read(ref _drains);

    /// <summary>Whether a compressed message has come; of any thread.</summary>
    public bool SawCompression => Volatile.Read(ref _compressed) != 0;

    /// <summary>When the loop has ended: what was sent within the measurement.</summary>
    public LatencyHistogram Latency { get; } = new();

    protected BenchOptions Options { get; }

    protected Payloads Payloads { get; }

    protected BenchRun Run => _run;

    protected IReadOnlyList<Connection> Connections => _connections;

    protected WebSocketClientLoop Loop => _loop!;

    /// <summary>Gives the load its loop; before anything is opened.</summary>
    public void Attach(WebSocketClientLoop loop) => Volatile.Write(ref _loop, loop);

    /// <summary>Has more connections opened. Of any thread, when those before are settled.</summary>
    /// <param name="first">The number of the first of them.</param>
    /// <param name="count">How many.</param>
    public void OpenMore(int first, int count)
    {
        _first = first;
        Volatile.Write(ref _toOpen, count); // which the loop reads first
    }

    public override void OnOpen(WebSocketPeer peer)
    {
        var connection = (Connection)peer.State!;
        connection.Peer = peer;
        _connections.Add(connection);
        Volatile.Write(ref _open, _open + 1);
        Opened(connection);
    }

    public override void OnConnectFailed(object? state, WebSocketConnectException failure)
    {
        if (_run.Phase == Phase.Ended) return;
        _run.Errors.Add(failure);
        Settle();
    }

    public override void OnClose(WebSocketPeer peer, in CloseCause cause)
    {
        var connection = (Connection)peer.State!;
        Volatile.Write(ref _open, _open - 1);
        if (_run.Phase != Phase.Ended && !connection.Ends) Lost(connection, in cause);
        connection.Peer = null;
        Ended(connection);
    }

    public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
    {
        var connection = (Connection)peer.State!;
        long number = connection.Received++;
        if (!Payloads.Matches(number, type, payload)) Wrong(type, payload);
        if (number == 0 && peer.Frame.Rsv1) Volatile.Write(ref _compressed, 1);
        Volatile.Write(ref _messages, _messages + 1);
        Received(connection, number);
    }

    public override TimeSpan OnTurn()
    {
        if (Volatile.Read(ref _toOpen) > 0) OpenSome();
        Phase phase = _run.Phase;
        if (phase == Phase.Opening) return PhaseWait;
        if (phase == Phase.Loading && !_begun)
        {
            _begun = true;
            Begin();
        }

        TimeSpan wait = Turn(phase);
        if (phase == Phase.Draining) Volatile.Write(ref _drains, true);
        return wait;
    }

    public override void OnError(WebSocketPeer? peer, Exception exception) => _run.Errors.Add($"tandem bench itself: {exception.Message}");

    /// <summary>A connection is open.</summary>
    protected virtual void Opened(Connection connection) => Settle();

    /// <summary>All connections are open: the load begins.</summary>
    protected virtual void Begin()
    {
    }

    /// <summary>A message has come.</summary>
    protected abstract void Received(Connection connection, long number);

    /// <summary>At the end of a turn.</summary>
    protected virtual TimeSpan Turn(Phase phase) => PhaseWait;

    /// <summary>A connection has ended that should not have.</summary>
    protected virtual void Lost(Connection connection, in CloseCause cause)
    {
        _run.Errors.Add(in cause);
        long unanswered = connection.Sent - connection.Received;
        if (unanswered <= 0) return;
        Returned(unanswered);
        _run.Errors.Add("messages that were under way on connections that ended", unanswered);
    }

    /// <summary>A connection has ended, in whatever way.</summary>
    protected virtual void Ended(Connection connection)
    {
    }

    /// <summary>What became of opening a connection is known; the next is opened at the end of the turn.</summary>
    protected void Settle()
    {
        _opening--;
        Volatile.Write(ref _settled, _settled + 1);
    }

    /// <summary>Sends the connection's next message.</summary>
    protected void SendNext(Connection connection)
    {
        connection.Peer!.Send(Options.Type, Payloads[connection.Sent++]);
        Begun();
    }

    /// <summary>Something is under way whose end is waited for.</summary>
    protected void Begun() => Volatile.Write(ref _outstanding, _outstanding + 1);

    /// <summary>Messages are not under way any more.</summary>
    protected void Returned(long count = 1) => Volatile.Write(ref _outstanding, _outstanding - count);

    /// <summary>Records how long a message took, when it belongs to the measurement.</summary>
    protected void Record(long since)
    {
        if (!_run.Measures(since)) return;
        Latency.Record((long)Stopwatch.GetElapsedTime(since).TotalNanoseconds);
    }

    protected void Wrong(WebSocketMessageType type, ReadOnlySpan<byte> payload)
    {
        Volatile.Write(ref _bad, _bad + 1);
        string what = type != Options.Type ? $"a message came as {type}" : payload.Length != Options.Size ? $"a message came with another length than {Options.Size} bytes" : "a message came with other bytes";
        _run.Errors.Add(what);
    }

    private void OpenSome()
    {
        while (_opening < OpenedAtOnce && Volatile.Read(ref _toOpen) > 0)
        {
            _opening++;
            Volatile.Write(ref _toOpen, _toOpen - 1);
            int number = _first++;
            Loop.Connect(new Connection(number), Options.Source(number));
        }
    }
}

/// <summary>A connection of a load.</summary>
/// <param name="number">Its number among those of all threads.</param>
internal sealed class Connection(int number)
{
    public int Number => number;

    /// <summary>Null once it has ended.</summary>
    public WebSocketPeer? Peer { get; set; }

    public long Sent { get; set; }

    public long Received { get; set; }

    /// <summary>Its end is ours.</summary>
    public bool Ends { get; set; }

    /// <summary>When messages were sent, or should have been, by their number; a ring.</summary>
    public long[] Times { get; set; } = [];
}
