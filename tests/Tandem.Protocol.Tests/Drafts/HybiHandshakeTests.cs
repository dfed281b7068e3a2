using System.Text;
using Tandem.Protocol.Drafts;
using Tandem.Protocol.Handshake;
using static Tandem.Protocol.Tests.Drafts.DraftText;

namespace Tandem.Protocol.Tests.Drafts;

/// <summary>The opening handshakes of hybi-07 to hybi-12: that of RFC 6455 with another version, and until hybi-10 another name for the page's origin.</summary>
public sealed class HybiHandshakeTests
{
    [Theory]
    [InlineData(7, WebSocketDrafts.Hybi07)]
    [InlineData(8, WebSocketDrafts.Hybi08)]
    public void The_answer_is_that_of_RFC6455(int version, WebSocketDrafts draft)
    {
        UpgradeRequest request = Accepted(Hybi(version, "Sec-WebSocket-Origin: http://example.com"), draft);
        Assert.Equal(draft, request.Draft);
        Assert.False(request.IsHixie);
        Assert.Equal(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            + "Sec-WebSocket-Protocol: chat\r\n\r\n",
            Answer(in request, "chat"));
    }

    [Theory]
    [InlineData(7, "Sec-WebSocket-Origin: http://example.com")]
    [InlineData(8, "Sec-WebSocket-Origin: http://example.com")]
    [InlineData(8, "Origin: http://example.com")] // hybi-11
    public void The_origin_of_the_page_is_found_under_either_name(int version, string field) =>
        Assert.Equal("http://example.com", Encoding.ASCII.GetString(Accepted(Hybi(version, field)).Origin));

    [Theory]
    [InlineData("Sec-WebSocket-Origin: http://a", "Sec-WebSocket-Origin: http://a")]
    [InlineData("Sec-WebSocket-Origin: http://a", "Origin: http://a")]
    [InlineData("Origin: http://a", "Origin: http://a")]
    public void A_page_has_one_origin(params string[] fields) => Assert.Equal(HandshakeRefusal.InvalidOrigin, Judge(Hybi(8, fields)));

    [Fact]
    public void In_RFC6455_the_old_name_of_the_origin_means_nothing() =>
        Assert.True(Accepted(Hybi(13, "Sec-WebSocket-Origin: http://example.com")).Origin.IsEmpty);

    [Theory]
    [InlineData(7, WebSocketDrafts.None)]
    [InlineData(8, WebSocketDrafts.None)]
    [InlineData(7, WebSocketDrafts.All & ~WebSocketDrafts.Hybi07)]
    [InlineData(8, WebSocketDrafts.All & ~WebSocketDrafts.Hybi08)]
    [InlineData(6, WebSocketDrafts.All)]
    [InlineData(9, WebSocketDrafts.All)]
    [InlineData(12, WebSocketDrafts.All)]
    public void A_version_that_is_not_spoken_is_refused(int version, WebSocketDrafts spoken) =>
        Assert.Equal(HandshakeRefusal.UnsupportedVersion, Judge(Hybi(version), spoken));

    [Theory]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ==", "short", HandshakeRefusal.InvalidKey)]
    [InlineData("Sec-WebSocket-Key", "X-Key", HandshakeRefusal.MissingKey)]
    [InlineData("chat, superchat", "chat, chat", HandshakeRefusal.InvalidSubprotocols)]
    [InlineData("Connection: Upgrade", "Connection: close", HandshakeRefusal.ConnectionNotUpgrade)]
    public void The_rules_of_RFC6455_hold(string old, string replacement, HandshakeRefusal refusal) =>
        Assert.Equal(refusal, Judge(Hybi(8).Replace(old, replacement, StringComparison.Ordinal)));

    [Fact]
    public void Drafts_change_nothing_for_RFC6455()
    {
        UpgradeRequest request = Accepted(Hybi(13), WebSocketDrafts.All);
        Assert.Equal(WebSocketDrafts.None, request.Draft);
        Assert.Equal(request.Head.Length, request.Length);
    }

    [Theory]
    [InlineData(7, WebSocketDrafts.Hybi07)]
    [InlineData(8, WebSocketDrafts.Hybi08)]
    [InlineData(13, WebSocketDrafts.None)]
    public void A_request_with_a_version_is_of_that_and_fields_of_hixie_mean_nothing(int version, WebSocketDrafts draft)
    {
        UpgradeRequest request = Accepted(Hybi(version, "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5", "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00", "WebSocket-Protocol: other"));
        Assert.Equal((draft, request.Head.Length, "chat"), (request.Draft, request.Length, request.SelectSubprotocol(["other", "chat"])));
    }

    [Theory]
    [InlineData(WebSocketDrafts.None, "13")]
    [InlineData(WebSocketDrafts.Hixie, "13")]
    [InlineData(WebSocketDrafts.Hybi07, "13, 7")]
    [InlineData(WebSocketDrafts.Hybi08 | WebSocketDrafts.Hixie76, "13, 8")]
    [InlineData(WebSocketDrafts.All, "13, 8, 7")]
    public void RFC6455_4_4_a_refused_client_is_told_the_versions_that_are_spoken(WebSocketDrafts drafts, string versions)
    {
        byte[] answer = new byte[HandshakeRefusals.MaxLength];
        int length = HandshakeRefusals.Write(answer, HandshakeRefusal.UnsupportedVersion, drafts);
        Assert.Contains($"\r\nSec-WebSocket-Version: {versions}\r\n", Encoding.ASCII.GetString(answer, 0, length), StringComparison.Ordinal);
    }
}
