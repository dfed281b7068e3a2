using Tandem.Protocol.Handshake;
using static Tandem.Protocol.Tests.Handshake.HandshakeText;

namespace Tandem.Protocol.Tests.Handshake;

/// <summary>RFC 8441 section 5: the handshake over HTTP/2 has the fields of RFC 6455 without those that only an upgrade of HTTP/1.1 needs.</summary>
public sealed class ExtendedConnectTests
{
    [Fact]
    public void Section_5_1_the_example_passes()
    {
        Assert.Equal(HandshakeRefusal.None, JudgeConnect(
            "Sec-WebSocket-Protocol: chat, superchat", "Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Version: 13", "Origin: http://www.example.com"));
    }

    [Theory]
    [InlineData("Sec-WebSocket-Key: not a key")]
    [InlineData("Upgrade: other")]
    [InlineData("Connection: close")]
    public void What_only_an_upgrade_has_is_not_looked_at(string field) =>
        Assert.Equal(HandshakeRefusal.None, JudgeConnect("Sec-WebSocket-Version: 13", field));

    [Theory]
    [InlineData(HandshakeRefusal.UnsupportedVersion, "X-Other: 13")]
    [InlineData(HandshakeRefusal.UnsupportedVersion, "Sec-WebSocket-Version: 8")]
    [InlineData(HandshakeRefusal.UnsupportedVersion, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13")]
    [InlineData(HandshakeRefusal.InvalidOrigin, "Sec-WebSocket-Version: 13", "Origin: http://a", "Origin: http://b")]
    [InlineData(HandshakeRefusal.InvalidSubprotocols, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: chat, chat")]
    [InlineData(HandshakeRefusal.InvalidExtensions, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Extensions: a; ;")]
    public void The_rest_is_judged_as_in_an_upgrade(HandshakeRefusal refusal, params string[] fields) =>
        Assert.Equal(refusal, JudgeConnect(fields));

    private static HandshakeRefusal JudgeConnect(params string[] fields)
    {
        string head = $"CONNECT /chat HTTP/1.1\r\nHost: server.example.com\r\n{string.Concat(fields.Select(field => field + "\r\n"))}\r\n";
        Assert.True(UpgradeRequest.Parse(Bytes(head), out UpgradeRequest request, out HandshakeRefusal refusal));
        Assert.Equal(HandshakeRefusal.None, refusal);
        return request.JudgeExtendedConnect();
    }
}
