using System.Text;
using Tandem.Protocol.Drafts;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Drafts;

/// <summary>A client of hixie-75 or hixie-76 on a bare socket.</summary>
internal sealed class HixieClient : IDisposable
{
    /// <summary>The challenge of the example in hixie-76 section 1.2, and its answer.</summary>
    public const string Key1 = "4 @1  46546xW%0l 1 5", Key2 = "12998 5 Y3 1  .P00", Key3 = "^n:ds[4U", Response = "8jKS'y:G*Co,Wxa-";

    private HixieClient(RawClient raw) => Raw = raw;

    public RawClient Raw { get; }

    public static string Request(WebSocketDrafts draft, params string[] fields)
    {
        string more = string.Concat(fields.Select(field => field + "\r\n"));
        return draft == WebSocketDrafts.Hixie75
            ? $"GET /ws HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: localhost\r\nOrigin: http://localhost\r\n{more}\r\n"
            : $"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nSec-WebSocket-Key2: {Key2}\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key1: {Key1}\r\n"
                + $"Origin: http://localhost\r\n{more}\r\n{Key3}";
    }

    public static string Answer(WebSocketDrafts draft, string fields = "") => draft == WebSocketDrafts.Hixie75
        ? "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nWebSocket-Origin: http://localhost\r\n"
            + $"WebSocket-Location: ws://localhost/ws\r\n{fields}\r\n"
        : "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Origin: http://localhost\r\n"
            + $"Sec-WebSocket-Location: ws://localhost/ws\r\n{fields}\r\n{Response}";

    public static async Task<HixieClient> Open(TestServer server, WebSocketDrafts draft, int receiveBuffer = 0)
    {
        var client = new HixieClient(await server.Connect(receiveBuffer: receiveBuffer));
        await client.Raw.Send(Request(draft));
        await client.ReadAnswer(draft);
        return client;
    }

    /// <summary>On a connection whose request has been sent.</summary>
    public static async Task<HixieClient> On(RawClient raw, WebSocketDrafts draft)
    {
        var client = new HixieClient(raw);
        await client.ReadAnswer(draft);
        return client;
    }

    public static byte[] Text(string text) => [0x00, .. Encoding.UTF8.GetBytes(text), 0xFF];

    public Task Send(string text) => Raw.Send(Text(text));

    public Task Send(params byte[] bytes) => Raw.Send(bytes);

    /// <summary>The next message, which must be this.</summary>
    public async Task ReadText(string expected)
    {
        byte[] bytes = Text(expected);
        byte[] actual = await Raw.ReadBytes(bytes.Length);
        Assert.True(bytes.AsSpan().SequenceEqual(actual), "The text differs.");
    }

    /// <summary>What comes until the end, which must be in order, in hex.</summary>
    public async Task<string> ReadToEnd() => Convert.ToHexString(Encoding.Latin1.GetBytes(await Raw.ReadToEnd()));

    public void Dispose() => Raw.Dispose();

    private async Task ReadAnswer(WebSocketDrafts draft)
    {
        string expected = Answer(draft);
        Assert.Equal(expected, Encoding.Latin1.GetString(await Raw.ReadBytes(expected.Length)));
    }
}
