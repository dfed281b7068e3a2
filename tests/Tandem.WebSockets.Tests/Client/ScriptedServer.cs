using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>A server on loopback that does to each connection what a test says, right or wrong; over TLS when it has a certificate.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly Func<ScriptedPeer, Task> _script;
    private readonly SslServerAuthenticationOptions? _tls;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;

    private ScriptedServer(Func<ScriptedPeer, Task> script, IPAddress address, SslServerAuthenticationOptions? tls)
    {
        _script = script;
        _tls = tls;
        _listener = new TcpListener(address, 0);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Errors of TLS on the server's side, which no script sees.</summary>
    public List<Exception> TlsFailures { get; } = [];

    public static ScriptedServer Start(Func<ScriptedPeer, Task> script, IPAddress? address = null) => new(script, address ?? IPAddress.Loopback, null);

    public static ScriptedServer StartTls(X509Certificate2 certificate, Func<ScriptedPeer, Task> script, bool clientCertificate = false) =>
        new(script, IPAddress.Loopback, new SslServerAuthenticationOptions
        {
            ServerCertificate = certificate,
            ClientCertificateRequired = clientCertificate,
            RemoteCertificateValidationCallback = (_, presented, _, _) => !clientCertificate || presented is not null,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        });

    /// <summary>Answers every request with the same text, in which <c>{accept}</c> stands for the right value; then ends the connection.</summary>
    public static ScriptedServer Answering(string answer) => Start(async peer =>
    {
        string head = await peer.ReadHead();
        await peer.Send(answer.Replace("{accept}", ScriptedPeer.Accept(head), StringComparison.Ordinal));
    });

    /// <summary>The same for a request that need not be a handshake.</summary>
    public static ScriptedServer AnsweringAnything(string answer) => Start(async peer =>
    {
        await peer.ReadHead();
        await peer.Send(answer);
    });

    public Uri Uri(string target = "/", string scheme = "ws", string? host = null) => new($"{scheme}://{host ?? EndPoint.Address.ToString()}:{EndPoint.Port}{target}");

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _accepting.InTime();
        _listener.Stop();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_end.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        socket.NoDelay = true;
        using var network = new NetworkStream(socket, ownsSocket: true);
        Stream stream = network;
        try
        {
            if (_tls is not null)
            {
                var secured = new SslStream(network);
                stream = secured;
                await secured.AuthenticateAsServerAsync(_tls, _end.Token);
            }

            await _script(new ScriptedPeer(stream, _end.Token));
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The client left, or the test ended: what the test is about, it sees from the client.
            if (stream is SslStream { IsAuthenticated: false }) TlsFailures.Add(exception);
        }
        catch (System.Security.Authentication.AuthenticationException exception)
        {
            TlsFailures.Add(exception);
        }
        finally
        {
            await stream.DisposeAsync();
        }
    }
}

/// <summary>The server's end of one connection.</summary>
internal sealed class ScriptedPeer(Stream stream, CancellationToken end)
{
    public Stream Stream => stream;

    public static string Accept(string head)
    {
        string key = Field(head, "Sec-WebSocket-Key")!;
        byte[] accept = new byte[AcceptKey.AcceptLength];
        AcceptKey.Compute(Encoding.ASCII.GetBytes(key), accept);
        return Encoding.ASCII.GetString(accept);
    }

    /// <summary>The right answer, with further fields.</summary>
    public static string Switching(string head, params string[] fields) =>
        $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {Accept(head)}\r\n"
        + string.Concat(fields.Select(field => field + "\r\n")) + "\r\n";

    /// <summary>The value of the only line of a field, or null.</summary>
    public static string? Field(string head, string name) =>
        head.Split("\r\n").SingleOrDefault(line => line.StartsWith(name + ": ", StringComparison.Ordinal))?[(name.Length + 2)..];

    /// <summary>Reads to the empty line, and not a byte more.</summary>
    public async Task<string> ReadHead()
    {
        var head = new StringBuilder();
        byte[] one = new byte[1];
        while (head.Length < 4 || head.ToString(head.Length - 4, 4) != "\r\n\r\n")
        {
            if (await stream.ReadAsync(one, end) == 0) throw new EndOfStreamException();
            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    public async Task Send(string text) => await Send(Encoding.Latin1.GetBytes(text));

    public async Task Send(byte[] bytes)
    {
        await stream.WriteAsync(bytes, end);
        await stream.FlushAsync(end);
    }

    /// <summary>Says nothing more until the test is over.</summary>
    public Task Silence() => Task.Delay(Timeout.Infinite, end);

    /// <summary>Waits for the client to leave.</summary>
    public async Task End()
    {
        byte[] rest = new byte[1024];
        while (await stream.ReadAsync(rest, end) > 0)
        {
        }
    }
}
