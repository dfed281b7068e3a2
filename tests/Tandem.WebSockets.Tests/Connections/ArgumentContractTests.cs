using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using static System.Net.WebSockets.WebSocketMessageType;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>What is thrown for wrong arguments: by the call itself, before anything is sent.</summary>
public sealed class ArgumentContractTests : Contract
{
    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Only_text_and_binary_are_sent(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        foreach (WebSocketMessageType type in (WebSocketMessageType[])[Close, (WebSocketMessageType)7, (WebSocketMessageType)(-1)])
        {
            Assert.Throws<ArgumentException>("messageType", () => { _ = subject.Socket.SendAsync(new ArraySegment<byte>([1]), type, true, default); });
            Assert.Throws<ArgumentException>("messageType", () => { _ = subject.Socket.SendAsync(new Memory<byte>([1]), type, true, default).AsTask(); });
        }

        Assert.Equal(WebSocketState.Open, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_segment_must_have_an_array(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        Assert.Throws<ArgumentNullException>("buffer.Array", () => { _ = subject.Socket.SendAsync(default(ArraySegment<byte>), Text, true, default); });
        Assert.Throws<ArgumentNullException>("buffer.Array", () => { _ = subject.Socket.ReceiveAsync(default(ArraySegment<byte>), default); });
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Fragments_agree_about_compression(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await subject.Socket.SendAsync(new Memory<byte>([65]), Text, WebSocketMessageFlags.DisableCompression, default).InTime();
        Assert.Throws<ArgumentException>(
            "messageFlags", () => { _ = subject.Socket.SendAsync(new Memory<byte>([65]), Text, WebSocketMessageFlags.EndOfMessage, default).AsTask(); });
        const WebSocketMessageFlags both = WebSocketMessageFlags.DisableCompression | WebSocketMessageFlags.EndOfMessage;
        await subject.Socket.SendAsync(new Memory<byte>([66]), Text, both, default).InTime();
        Assert.Equal(0x01, (await subject.Peer.ReadFrameAsync()).FirstByte);
        Assert.Equal(0x80, (await subject.Peer.ReadFrameAsync()).FirstByte);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_close_reason_fits_a_control_frame(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        string tooLong = new string('x', 122) + "é";
        Assert.Throws<ArgumentException>("statusDescription", () => { _ = subject.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, tooLong, default); });
        Assert.Throws<ArgumentException>("statusDescription", () => { _ = subject.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, tooLong, default); });
        Assert.Throws<ArgumentException>("statusDescription", () => { _ = subject.Socket.CloseOutputAsync(WebSocketCloseStatus.Empty, "x", default); });
        Assert.Equal(WebSocketState.Open, subject.Socket.State);
        await subject.Socket.ShutOutputAsync(1000, new string('x', 123));
        Assert.Equal(125, (await subject.Peer.ReadFrameAsync()).Payload.Length);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Codes_that_exist_only_to_be_reported_are_not_sent(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        foreach (int code in (int[])[0, 999, 1006, 1015])
        {
            Assert.Throws<ArgumentException>("closeStatus", () => { _ = subject.Socket.CloseAsync((WebSocketCloseStatus)code, null, default); });
            Assert.Throws<ArgumentException>("closeStatus", () => { _ = subject.Socket.CloseOutputAsync((WebSocketCloseStatus)code, null, default); });
        }

        Assert.Equal(WebSocketState.Open, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_stream_must_be_readable_and_writable(Maker maker, WebSocketRole role, Transport transport)
    {
        Assert.True(Enum.IsDefined(transport));
        Assert.Throws<ArgumentNullException>("stream", () => Subject.Create(maker, role, null!));
        Assert.Throws<ArgumentException>("stream", () => Subject.Create(maker, role, new MemoryStream([1], writable: false)));
    }
}
