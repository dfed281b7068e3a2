using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using Tandem.Coap;
using Tandem.Link.Secrets;
using Tandem.Server.Link;
using Tandem.Server.Mobile;
using Tandem.Server.Tests.Link;

namespace Tandem.Server.Tests.Mobile;

/// <summary>A hub, a mobile server before it, and a client of CoAP.</summary>
internal sealed class MobileSite : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _all = [];

    public required LinkSite Hub { get; init; }

    public required MobileServer Server { get; init; }

    public static async Task<MobileSite> StartAsync(Func<MobileServerOptions, MobileServerOptions>? change = null, TandemLinkOptions? links = null)
    {
        LinkSite hub = await LinkSite.StartAsync(links);
        var options = new MobileServerOptions { Hub = new UriBuilder(new Uri(hub.Base, "websocket")) { Scheme = "ws" }.Uri, EndPoint = new IPEndPoint(IPAddress.Loopback, 0) };
        var server = new MobileServer(change is null ? options : change(options));
        server.Start();
        return new MobileSite { Hub = hub, Server = server };
    }

    public CoapClient NewClient(string address = "127.0.0.1")
    {
        var client = new CoapClient(Server.LocalEndPoint, new CoapClientOptions { LocalEndPoint = new IPEndPoint(IPAddress.Parse(address), 0) });
        _all.Add(client);
        return client;
    }

    /// <summary>A claim that nobody can open, and the inbox that it names.</summary>
    public static (byte[] Claim, string Inbox) NewClaim()
    {
        byte[] claim = [1, .. RandomNumberGenerator.GetBytes(100)];
        return (claim, Base64Url.EncodeToString(MailboxNames.InboxId(claim.AsSpan(1, 65))));
    }

    public static CoapRequest Request(CoapCode method, string path, string? query = null, byte[]? payload = null)
    {
        var request = new CoapRequest(method, path) { Payload = payload ?? [] };
        if (query is not null) request.Options.Query = [query];
        return request;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable each in _all) await each.DisposeAsync();
        await Server.DisposeAsync();
        await Hub.DisposeAsync();
    }
}
