using System.Net;
using System.Net.Sockets;

namespace Tandem.Coap.Tests.Support;

/// <summary>A socket that sends and receives messages, and does nothing by itself.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket;
    private ushort _nextId;

    public RawClient(IPEndPoint server)
    {
        _socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        _socket.Connect(server);
    }

    public void Send(CoapMessage message) => _socket.Send(message.ToArray());

    public void Send(ReadOnlySpan<byte> datagram) => _socket.Send(datagram);

    public async Task<CoapMessage> ReceiveAsync()
    {
        byte[] buffer = new byte[2048];
        using var late = new CancellationTokenSource(Eventually.Deadline);
        int length = await _socket.ReceiveAsync(buffer, SocketFlags.None, late.Token);
        Assert.True(CoapMessage.TryParse(buffer.AsMemory(0, length), out CoapMessage? message, out CoapFault fault), fault.Text());
        return message;
    }

    /// <summary>Whether nothing has come that was sent before now: a ping's answer is the next thing.</summary>
    public async Task AssertNothingAsync()
    {
        Send(new CoapMessage(CoapType.Confirmable, CoapCode.Empty, 0xFFFF));
        CoapMessage next = await ReceiveAsync();
        Assert.Equal((CoapType.Reset, (ushort)0xFFFF), (next.Type, next.MessageId));
    }

    public async Task<CoapMessage> ExchangeAsync(CoapCode method, string path, Action<CoapOptionSet>? options = null, ReadOnlyMemory<byte> payload = default, byte token = 1)
    {
        var message = new CoapMessage(CoapType.Confirmable, method, _nextId++, new CoapToken([token])) { Payload = payload };
        message.Options.Path = path;
        options?.Invoke(message.Options);
        Send(message);
        CoapMessage answer = await ReceiveAsync();
        Assert.Equal((CoapType.Acknowledgement, message.MessageId, message.Token), (answer.Type, answer.MessageId, answer.Token));
        return answer;
    }

    public void Acknowledge(CoapMessage message) => Send(new CoapMessage(CoapType.Acknowledgement, CoapCode.Empty, message.MessageId));

    public void Reset(CoapMessage message) => Send(new CoapMessage(CoapType.Reset, CoapCode.Empty, message.MessageId));

    public void Dispose() => _socket.Dispose();
}
