using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Tandem.Coap.Tests.Support;

namespace Tandem.Coap.Tests.Interop;

/// <summary>Our client against libcoap's example server, which lets clients make resources and has one that tells the time.</summary>
public sealed class LibcoapServerTests : IAsyncLifetime
{
    private Process? _process;
    private CoapClient? _client;

    private CoapClient Client => _client!;

    public async ValueTask InitializeAsync()
    {
        Programs.Require();
        int port = Ports.Free(ProtocolType.Udp);
        _process = Programs.StartServer(port, "-d", "10");
        _client = new CoapClient(new IPEndPoint(IPAddress.Loopback, port));
        await _client.PingAsync().InTime();
    }

    public async ValueTask DisposeAsync()
    {
        if (_client is not null) await _client.DisposeAsync();
        if (_process is null) return;
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    [Fact]
    public async Task We_get()
    {
        CoapResponse response = await Client.SendAsync(new CoapRequest(CoapCode.Get, ".well-known/core")).InTime();
        Assert.Equal(CoapCode.Content, response.Code);
        Assert.Equal(CoapContentFormat.LinkFormat, response.ContentFormat);
        Assert.Contains("</time>", response.ReadText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task We_get_a_separate_response()
    {
        // "async" answers after as many seconds as the query says.
        var request = new CoapRequest(CoapCode.Get, "async");
        request.Options.Query = ["1"];
        CoapResponse response = await Client.SendAsync(request).InTime();
        Assert.Equal(CoapCode.Content, response.Code);
        Assert.Equal("done", response.ReadText());
    }

    [Fact]
    public async Task We_put_and_get_and_delete_100_KB_in_blocks()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(100_000);
        CoapResponse put = await Client.SendAsync(new CoapRequest(CoapCode.Put, "large") { Payload = bytes, ContentFormat = CoapContentFormat.OctetStream }).InTime();
        Assert.Equal(CoapCode.Created, put.Code);
        CoapResponse got = await Client.SendAsync(new CoapRequest(CoapCode.Get, "large")).InTime();
        Assert.Equal(CoapCode.Content, got.Code);
        Assert.Equal(bytes, got.Payload.ToArray());
        Assert.Equal(CoapCode.Deleted, (await Client.SendAsync(new CoapRequest(CoapCode.Delete, "large")).InTime()).Code);
        Assert.Equal(CoapCode.NotFound, (await Client.SendAsync(new CoapRequest(CoapCode.Get, "large")).InTime()).Code);
    }

    [Fact]
    public async Task We_observe()
    {
        // It notifies once in each second, and writes the time when it does: twice the same when it was held up at the end of one.
        var states = new HashSet<string>();
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        await foreach (CoapResponse state in Client.ObserveAsync(new CoapRequest(CoapCode.Get, "time"), deadline.Token))
        {
            states.Add(state.ReadText());
            if (states.Count == 3) break;
        }

        Assert.Equal(3, states.Count);
    }
}
