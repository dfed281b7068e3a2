using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Tandem.Browser.Tests.Lab;

/// <summary>
/// Passes TCP connections on and counts their bytes, by the carrier that stands in the address of the request that they belong to: what a packet counter between browser and
/// server sees. A browser sends no request before the answer to the one before is there, and writes each head in one piece.
/// </summary>
internal sealed partial class CountingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<string, long> _bytes = new();
    private readonly ConcurrentDictionary<string, long> _requests = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly CancellationTokenSource _disposed = new();
    private readonly Task _accepting;

    public CountingProxy(int port)
    {
        _listener.Start();
        _accepting = AcceptAsync(port);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Bytes in both directions.</summary>
    public long Bytes(string carrier) => _bytes.GetValueOrDefault(carrier);

    public long Requests(string carrier) => _requests.GetValueOrDefault(carrier);

    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _disposed.Dispose();
    }

    [GeneratedRegex(@"^(?:GET|POST) /lab/[0-9a-f]+/(\w+)/session/\S+ HTTP/1\.1\r\n")]
    private static partial Regex CarrierHead();

    [GeneratedRegex(@"^(?:GET|POST) \S+ HTTP/1\.1\r\n")]
    private static partial Regex AnyHead();

    private async Task AcceptAsync(int port)
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync(_disposed.Token);
                _connections.Add(Task.Run(() => RunAsync(client, port)));
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private async Task RunAsync(Socket client, int port)
    {
        using Socket own = client;
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        await server.ConnectAsync(IPAddress.Loopback, port);
        string carrier = "";
        await Task.WhenAny(
            PassAsync(client, server, data =>
            {
                string text = Encoding.Latin1.GetString(data);
                Match head = CarrierHead().Match(text);
                if (head.Success) _requests.AddOrUpdate(head.Groups[1].Value, 1, (_, count) => count + 1);
                if (head.Success || AnyHead().IsMatch(text)) Volatile.Write(ref carrier, head.Groups[1].Value);
                Count(carrier, data.Length);
            }),
            PassAsync(server, client, data => Count(Volatile.Read(ref carrier), data.Length)));
    }

    private void Count(string carrier, int bytes) => _bytes.AddOrUpdate(carrier, bytes, (_, count) => count + bytes);

    private async Task PassAsync(Socket from, Socket to, Action<ReadOnlySpan<byte>> count)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _disposed.Token) is var length and > 0)
            {
                count(buffer.AsSpan(0, length));
                for (int sent = 0; sent < length;) sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), _disposed.Token);
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }
}
