using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.RabbitMq.Tests.Support;

/// <summary>The plainest of carriers: frames over TCP, each behind four bytes of length.</summary>
internal sealed class StreamCarrier : Carrier
{
    private readonly Channel<bool> _ready = Channel.CreateUnbounded<bool>();
    private readonly NetworkStream _stream;

    private StreamCarrier(SessionHub hub, NetworkStream stream)
        : base(hub, new CarrierContext()) => _stream = stream;

    public static async Task ServeAsync(SessionHub hub, Socket socket)
    {
        socket.NoDelay = true;
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        var carrier = new StreamCarrier(hub, stream);
        Task writing = carrier.WriteAsync();
        try
        {
            while (await ReadFrameAsync(stream) is { } frame) carrier.Receive(frame);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
        }

        carrier.Detach();
        stream.Close();
        carrier._ready.Writer.TryWrite(true);
        await writing;
    }

    public static async Task<byte[]?> ReadFrameAsync(Stream stream)
    {
        byte[] length = new byte[4];
        if (await stream.ReadAtLeastAsync(length, 4, throwOnEndOfStream: false) < 4) return null;
        byte[] frame = new byte[BinaryPrimitives.ReadInt32LittleEndian(length)];
        await stream.ReadExactlyAsync(frame);
        return frame;
    }

    public static void AddFrame(MemoryStream burst, SharedFrame frame)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, frame.Span.Length);
        burst.Write(length);
        burst.Write(frame.Span);
    }

    protected override void OnReady() => _ready.Writer.TryWrite(true);

    protected override void OnEnded(SessionCode code, string reason) => _stream.Close();

    private async Task WriteAsync()
    {
        try
        {
            while (true)
            {
                await _ready.Reader.ReadAsync();
                var burst = new MemoryStream();
                while (TryTake(out SharedFrame? frame, out _)) AddFrame(burst, frame);
                await _stream.WriteAsync(burst.GetBuffer().AsMemory(0, (int)burst.Length));
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
        }
    }
}

/// <summary>A node: a hub on a backplane, and a port for its clients.</summary>
internal sealed class Node : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Backplane _backplane;
    private readonly List<Socket> _sockets = [];

    public Node(Backplane backplane, Application? application = null)
    {
        _backplane = backplane;
        Application = application ?? new Application();
        Hub = new SessionHub(Application, new SessionHubOptions { MaxSessionsPerOwner = 1000 }, backplane);
        _listener.Start();
        _ = AcceptAsync();
    }

    public Application Application { get; }

    public SessionHub Hub { get; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Ends with all its connections; its backplane, too.</summary>
    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        lock (_sockets)
        {
            foreach (Socket socket in _sockets) socket.Close();
        }

        await Hub.DisposeAsync();
        await _backplane.DisposeAsync();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync();
                lock (_sockets) _sockets.Add(socket);
                _ = StreamCarrier.ServeAsync(Hub, socket);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }
    }
}

/// <summary>Allows everything.</summary>
internal sealed class Application : SessionApplication
{
    public TopicOptions Topics { get; set; } = new() { HistoryEvents = 20_000, HistoryBytes = 16 * 1024 * 1024, BacklogEvents = 20_000 };

    public MailboxOptions Mailboxes { get; set; } = new();

    public List<Exception> Faults { get; } = [];

    protected override bool May(Session session, SessionAction action, string name) => true;

    protected override TopicOptions? GetTopic(string name) => Topics;

    protected override MailboxOptions? GetMailbox(string name) => Mailboxes;

    protected override void OnFault(Session? session, Exception exception)
    {
        lock (Faults) Faults.Add(exception);
    }
}

/// <summary>A node in a process of its own: says its port, and lives until its input ends or it is killed.</summary>
internal static class NodeProgram
{
    public static async Task<int> RunAsync(Uri uri, string prefix)
    {
        // Ends when the tests do, however they end, also when there is no broker.
        Task end = Task.Run(() =>
        {
            while (Console.In.ReadLine() is not null)
            {
            }
        });
        var backplane = new RabbitMqBackplane(new RabbitMqBackplaneOptions { Uri = uri, Prefix = prefix });
        var node = new Node(backplane);
        await Task.WhenAny(backplane.WaitUntilConnectedAsync(), end);
        Console.WriteLine(node.Port);
        await end;
        await node.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10));
        return 0;
    }
}
