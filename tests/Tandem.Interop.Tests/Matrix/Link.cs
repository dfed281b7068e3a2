using System.Net;
using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Drafts;

namespace Tandem.Interop.Tests.Matrix;

/// <summary>How a connection is to be.</summary>
internal sealed record LinkOptions
{
    public static readonly IPEndPoint AnyPort = new(IPAddress.Loopback, 0);

    public string Id { get; init; } = "";

    public string Path => "/" + Id;

    /// <summary>What we offer or accept of permessage-deflate; null: nothing.</summary>
    public DeflateOptions? Deflate { get; init; }

    /// <summary>What our server speaks beside RFC 6455.</summary>
    public WebSocketDrafts Drafts { get; init; }

    public Profile PeerProfile { get; init; } = Profile.Deflate;

    /// <summary>What we offer as client, or support as server.</summary>
    public string[] OurSubprotocols { get; init; } = [];

    /// <summary>What the peer offers as client; as server every peer supports <see cref="Scenarios.Subprotocol"/> and nothing else.</summary>
    public string[] PeerSubprotocols { get; init; } = [];

    // Without keep-alive there is no ping but those of the scenarios.
    public WebSocketConnectionOptions Connection => new()
    {
        KeepAliveInterval = Timeout.InfiniteTimeSpan,
        MaxMessageSize = 16 * 1024 * 1024,
    };
}

/// <summary>One connection between us and a peer, with the wire tapped.</summary>
internal sealed class Link : IAsyncDisposable
{
    private static int NextId;

    private readonly Peer _peer;
    private readonly string _id;

    private Link(Peer peer, string id, Direction direction, OurEnd ours, WireTap tap)
    {
        _peer = peer;
        _id = id;
        Ours = ours;
        Tap = tap;
        (FromUs, FromPeer) = direction == Direction.Client ? (tap.FromClient, tap.FromServer) : (tap.FromServer, tap.FromClient);
    }

    public OurEnd Ours { get; }

    public WireTap Tap { get; }

    public Tape FromUs { get; }

    public Tape FromPeer { get; }

    public static async Task<Link> OpenAsync(Peer peer, Direction direction, LinkOptions options)
    {
        Link link = await OpenUnseenAsync(peer, direction, options with { Id = Interlocked.Increment(ref NextId).ToString(System.Globalization.CultureInfo.InvariantCulture) });
        await Eventually.True(() => link.FromUs.HasHead && link.FromPeer.HasHead, "both heads on the wire");
        return link;
    }

    private static Task<Link> OpenUnseenAsync(Peer peer, Direction direction, LinkOptions options) => direction switch
    {
        Direction.EventLoopServer => OpenEventLoopAsync(peer, options),
        Direction.StreamServer => OpenStreamAsync(peer, options),
        _ => OpenClientAsync(peer, options),
    };

    private static async Task<Link> OpenEventLoopAsync(Peer peer, LinkOptions options)
    {
        var end = new EventLoopEnd(options);
        WireTap tap = WireTap.Start(end.EndPoint);
        try
        {
            await peer.ConnectAsync(options.Id, Address(tap, options), options.PeerSubprotocols, options.PeerProfile);
            await end.AcceptAsync();
            return new Link(peer, options.Id, Direction.EventLoopServer, end, tap);
        }
        catch
        {
            tap.Dispose();
            await end.DisposeAsync();
            throw;
        }
    }

    private static async Task<Link> OpenStreamAsync(Peer peer, LinkOptions options)
    {
        using var server = new StreamServer(options);
        WireTap tap = WireTap.Start(server.EndPoint);
        try
        {
            Task<WebSocketConnection> accepting = server.AcceptAsync();
            await peer.ConnectAsync(options.Id, Address(tap, options), options.PeerSubprotocols, options.PeerProfile);
            return new Link(peer, options.Id, Direction.StreamServer, new StreamEnd(await accepting), tap);
        }
        catch
        {
            tap.Dispose();
            throw;
        }
    }

    private static async Task<Link> OpenClientAsync(Peer peer, LinkOptions options)
    {
        WireTap tap = WireTap.Start(new IPEndPoint(IPAddress.Loopback, peer.Ports[options.PeerProfile]));
        try
        {
            var clientOptions = new WebSocketClientOptions { Deflate = options.Deflate, Subprotocols = options.OurSubprotocols, Connection = options.Connection };
            WebSocketConnection connection = await WebSocketClient.ConnectAsync(Address(tap, options), clientOptions).InTime();
            return new Link(peer, options.Id, Direction.Client, new StreamEnd(connection), tap);
        }
        catch
        {
            tap.Dispose();
            throw;
        }
    }

    /// <summary>Sends a message and awaits it back.</summary>
    public async Task EchoAsync(WebSocketMessageType type, byte[] payload)
    {
        await Ours.SendAsync(type, payload);
        await ExpectAsync(type, payload);
    }

    /// <summary>Awaits a message.</summary>
    public async Task ExpectAsync(WebSocketMessageType type, byte[] payload)
    {
        Arrival arrival = await Ours.ReceiveAsync();
        Assert.True(
            arrival.Type == type && arrival.Payload.Length == payload.Length,
            $"{type} of {payload.Length} bytes came as {arrival.Type} of {arrival.Payload.Length}, {arrival.Cause}.");
        Assert.True(payload.AsSpan().SequenceEqual(arrival.Payload), "The payload differs.");
    }

    /// <summary>What the peer says about the connection, which has ended.</summary>
    public async Task<PeerReport> ReportAsync()
    {
        PeerReport report = await _peer.ReportAsync(_id);
        Assert.Null(report.Error);
        return report;
    }

    /// <summary>Closes in order, and both ends say so.</summary>
    public async Task<PeerReport> FinishAsync()
    {
        await Ours.CloseAsync(WebSocketCloseStatus.NormalClosure, "done");
        CloseCause cause = await Ours.ReceiveEndAsync();
        Assert.Equal((CloseInitiator.Local, WebSocketCloseStatus.NormalClosure), (cause.Initiator, cause.Status));
        PeerReport report = await ReportAsync();
        Assert.Equal((1000, "done"), (report.Code, report.Reason));
        Assert.False(FromUs.MaskedWrongly || FromPeer.MaskedWrongly);
        return report;
    }

    public async ValueTask DisposeAsync()
    {
        Tap.Dispose();
        await Ours.DisposeAsync();
    }

    private static Uri Address(WireTap tap, LinkOptions options) => new($"ws://{tap.EndPoint}{options.Path}");
}
