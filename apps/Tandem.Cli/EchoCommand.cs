using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Drafts;
using Tandem.WebSockets;

namespace Tandem.Cli;

/// <summary><c>tandem echo</c>: the bare engine, for measuring it and for testing other implementations against it.</summary>
internal static class EchoCommand
{
    public static Command Create()
    {
        var host = CommonOptions.Host();
        var port = CommonOptions.Port(9001);
        var threads = new Option<int>("--threads") { Description = "Event loops, each a thread.", DefaultValueFactory = _ => Environment.ProcessorCount };
        threads.Validators.Add(result => CommonOptions.CheckRange(result, 1, 1024));
        var maxMessage = new Option<int>("--max-message")
        {
            Description = "Largest message, in bytes; a larger one closes its connection with 1009.",
            DefaultValueFactory = _ => new WebSocketServerOptions().MaxMessageSize,
        };
        maxMessage.Validators.Add(result => CommonOptions.CheckRange(result, 0, 1 << 30));
        var noDeflate = new Option<bool>("--no-deflate") { Description = "Do not negotiate permessage-deflate." };

        Option<bool> drafts = CommonOptions.Drafts();
        Option<Uri?> otlp = Otlp.Option();

        var command = new Command("echo", "Serve an echo: / sends every message back, /broadcast sends every message to all who are connected to it.")
        {
            host, port, threads, maxMessage, noDeflate, drafts, otlp,
        };
        command.SetAction((result, cancellation) => RunAsync(
            new WebSocketServerOptions
            {
                EndPoints = [new IPEndPoint(result.GetValue(host)!, result.GetValue(port))],
                Loops = result.GetValue(threads),
                MaxMessageSize = result.GetValue(maxMessage),
                MaxBufferedBytes = Math.Max(new WebSocketServerOptions().MaxBufferedBytes, 2 * result.GetValue(maxMessage)),
                Deflate = result.GetValue(noDeflate) ? null : new DeflateOptions(),
                Drafts = result.GetValue(drafts) ? WebSocketDrafts.All : WebSocketDrafts.None,
                Origins = OriginPolicy.Any, // an echo has nothing to steal
                OnError = (_, exception) => Console.Error.WriteLine(exception.Message),
            },
            result.GetValue(otlp),
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(WebSocketServerOptions options, Uri? collector, CancellationToken cancellation)
    {
        using Otlp? otlp = Otlp.Start(collector);
        await using var server = new WebSocketServer(options);
        server.Map(new WebSocketRoute("/", new EchoHandler()));
        server.Map(new WebSocketRoute("/broadcast", new BroadcastHandler()));
        try
        {
            server.Start();
        }
        catch (SocketException exception)
        {
            return Startup.Fail($"cannot listen on {options.EndPoints[0]}: {Startup.DescribeListenError(exception)}.");
        }

        Console.WriteLine($"echo at ws://{server.EndPoints[0]}/ (and /broadcast), {options.Loops} loops, process {Environment.ProcessId}");
        await Startup.UntilStopped(cancellation);
        await server.StopAsync(CancellationToken.None); // the stop has its own deadline
        return 0;
    }

    private sealed class EchoHandler : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => peer.Send(type, payload);
    }

    private sealed class BroadcastHandler : WebSocketHandler
    {
        private readonly Lock _lock = new();
        private readonly HashSet<WebSocketPeer> _members = [];
        private WebSocketPeer[] _peers = [];
        private bool _stale;

        public override void OnOpen(WebSocketPeer peer)
        {
            lock (_lock)
            {
                _members.Add(peer);
                _stale = true;
            }
        }

        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
        {
            foreach (WebSocketPeer member in Members()) member.Send(type, payload);
        }

        public override void OnClose(WebSocketPeer peer, in CloseCause cause)
        {
            lock (_lock)
            {
                _members.Remove(peer);
                _stale = true;
            }
        }

        // Copied when it has changed, not at every change: a thousand who come one after the other cost one copy.
        private WebSocketPeer[] Members()
        {
            lock (_lock)
            {
                if (_stale) _peers = [.. _members];
                _stale = false;
                return _peers;
            }
        }
    }
}
