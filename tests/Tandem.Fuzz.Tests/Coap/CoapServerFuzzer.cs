using System.Net;
using System.Net.Sockets;
using Tandem.Coap;

namespace Tandem.Fuzz.Tests.Coap;

/// <summary>Datagrams of one client, to the server that verifies addresses or to the one that does not.</summary>
internal sealed record Onslaught(bool Verified, byte[][] Datagrams);

/// <summary>
/// Whole servers over UDP: whatever comes, they answer a ping behind it, no handler is called with what is no request, and who has not proved its address gets no more
/// bytes than it sent.
/// </summary>
internal sealed class CoapServerFuzzer : Fuzzer<Onslaught>
{
    private const ushort PingId = 0xABCD;
    private const int MaxPeers = 100_000;

    private static readonly CoapRateLimits NoLimits = new() { DatagramsPerSecond = 1_000_000, Burst = 1_000_000, TotalDatagramsPerSecond = 1_000_000, TotalBurst = 1_000_000 };

    private readonly byte[] _ping = new CoapMessage(CoapType.Confirmable, CoapCode.Empty, PingId).ToArray();
    private CoapServer? _open;
    private CoapServer? _verifying;
    private Exception? _error;

    protected override string Target => "coapserver";

    protected override long FairRun => 2_000;

    protected override IEnumerable<string> Expected => ["2.01", "2.04", "2.05", "2.31", "4.00", "4.01", "4.02", "4.04", "4.08", "5.05", "0.00"];

    public async Task RunWithServersAsync()
    {
        await using CoapServer open = Start(verifies: false);
        await using CoapServer verifying = Start(verifies: true);
        (_open, _verifying) = (open, verifying);
        await RunAsync();
        Assert.Null(_error);
        Assert.Equal(0, verifying.Statistics.Peers);
        Assert.InRange(open.Statistics.Peers, 0, MaxPeers);
        await using var client = new CoapClient(verifying.LocalEndPoint);
        Assert.Equal(CoapCode.Content, (await client.SendAsync(new CoapRequest(CoapCode.Get, "state")).InTime()).Code);
    }

    protected override Onslaught Create(Random random) => new(random.Next(4) == 0, [.. Enumerable.Range(0, random.Next(1, 25)).Select(_ => CoapGenerator.Datagram(random))]);

    protected override async ValueTask<string?> Judge(Onslaught input)
    {
        CoapServer server = input.Verified ? _verifying! : _open!;
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(server.LocalEndPoint);
        long sent = _ping.Length, received = 0;
        foreach (byte[] datagram in input.Datagrams) sent += socket.Send(datagram);
        socket.Send(_ping);
        byte[] buffer = new byte[2048];
        using var late = new CancellationTokenSource(Eventually.Deadline);
        while (true)
        {
            int length;
            try
            {
                length = await socket.ReceiveAsync(buffer, SocketFlags.None, late.Token);
            }
            catch (OperationCanceledException)
            {
                return "the ping behind it is not answered";
            }

            received += length;
            if (!CoapMessage.TryParse(buffer.AsSpan(0, length).ToArray(), out CoapMessage? answer, out CoapFault fault)) return $"the server sent {Convert.ToHexString(buffer, 0, length)}: {fault.Text()}";
            Count(answer.Code.ToString());
            if (answer is { Type: CoapType.Reset, MessageId: PingId }) break;
        }

        if (Interlocked.Exchange(ref _error, null) is { } error) return $"a handler was given what it could not be given: {error}";
        return input.Verified && received > sent ? $"{sent} bytes were answered by {received}" : null;
    }

    protected override IEnumerable<Onslaught> Smaller(Onslaught input)
    {
        foreach (byte[][] datagrams in Bytes.Smaller(input.Datagrams)) yield return input with { Datagrams = datagrams };
        for (int i = 0; i < input.Datagrams.Length; i++)
        {
            foreach (byte[] datagram in Bytes.Smaller(input.Datagrams[i])) yield return input with { Datagrams = [.. input.Datagrams[..i], datagram, .. input.Datagrams[(i + 1)..]] };
        }
    }

    protected override string Describe(Onslaught input) =>
        (input.Verified ? "to the server that verifies" : "to the server that does not verify") + "\n  " + string.Join("\n  ", input.Datagrams.Select(Convert.ToHexString));

    private CoapServer Start(bool verifies)
    {
        var server = new CoapServer(new CoapServerOptions
        {
            EndPoint = new IPEndPoint(IPAddress.Loopback, 0), VerifyAddresses = verifies, RateLimits = NoLimits, BlockSize = 32, MaxBodySize = 1024,
            // Every input is a client of its own, and many leave observations and transfers behind: with the default bound most would be refused.
            MaxPeers = MaxPeers, MaxPeersPerAddress = MaxPeers,
            OnError = exception => _error = exception,
        });
        byte[] stored = new byte[100];
        CoapResource state = server.Map("state", (_, _) => new(CoapResponse.Text(CoapCode.Content, "state")), new CoapResourceOptions { IsObservable = true });
        server.Map("store/*", (request, _) =>
        {
            if (!request.Method.IsRequest || request.Payload.Length > 1024 || request.RemoteEndPoint is null) throw new InvalidOperationException($"{request.Method}, {request.Payload.Length} bytes");
            state.Notify();
            if (request.Method == CoapCode.Get) return new(new CoapResponse(CoapCode.Content) { Payload = stored });
            return new(new CoapResponse(request.Method == CoapCode.Post ? CoapCode.Created : CoapCode.Changed));
        });
        server.Start();
        return server;
    }
}
