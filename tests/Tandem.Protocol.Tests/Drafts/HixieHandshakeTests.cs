using System.Text;
using Tandem.Protocol.Drafts;
using Tandem.Protocol.Handshake;
using static Tandem.Protocol.Tests.Drafts.DraftText;

namespace Tandem.Protocol.Tests.Drafts;

/// <summary>The opening handshakes of hixie-75 and hixie-76: sections 4 and 5 of both.</summary>
public sealed class HixieHandshakeTests
{
    [Fact]
    public void Hixie76_1_2_the_example_is_answered_as_printed()
    {
        UpgradeRequest request = Accepted(Hixie76);
        Assert.Equal(WebSocketDrafts.Hixie76, request.Draft);
        Assert.Equal(Hixie76.Length, request.Length);
        Assert.Equal("http://example.com", Encoding.ASCII.GetString(request.Origin));
        Assert.Equal("sample", request.SelectSubprotocol(["sample"]));
        Assert.Equal(Hixie76Answer, Answer(in request, "sample"));
    }

    [Fact]
    public void Hixie75_1_2_the_example_is_answered_as_printed()
    {
        UpgradeRequest request = Accepted(Hixie75);
        Assert.Equal(WebSocketDrafts.Hixie75, request.Draft);
        Assert.Equal(Hixie75.Length, request.Length);
        Assert.Equal("sample", request.SelectSubprotocol(["sample"]));
        Assert.Equal(Hixie75Answer, Answer(in request, "sample"));
    }

    [Theory]
    [InlineData("4 @1  46546xW%0l 1 5", "12998 5 Y3 1  .P00", "^n:ds[4U", "8jKS'y:G*Co,Wxa-")]
    [InlineData("18x 6]8vM;54 *(5:  {   U1]8  z [  8", "1_ tx7X d  <  nw  334J702) 7]o}` 0", "Tm[K T2u", "fQJ,fN/4F4!~K~MH")]
    [InlineData("3e6b263  4 17 80", "17  9 G`ZD9   2 2b 7X 3 /r90", "WjN}|M(6", "n`9eBk9z$R8pOtVb")]
    public void Hixie76_1_3_the_examples_of_challenges(string key1, string key2, string third, string response)
    {
        Assert.True(HixieHandshake.TryReadKey(Bytes(key1), out uint first));
        Assert.True(HixieHandshake.TryReadKey(Bytes(key2), out uint second));
        byte[] actual = new byte[HixieHandshake.ResponseLength];
        HixieHandshake.Respond(first, second, Bytes(third), actual);
        Assert.Equal(response, Encoding.Latin1.GetString(actual));
    }

    [Theory]
    [InlineData("18x 6]8vM;54 *(5:  {   U1]8  z [  8", 155_712_099u)]
    [InlineData("1_ tx7X d  <  nw  334J702) 7]o}` 0", 173_347_027u)]
    [InlineData("4294967295 ", 4_294_967_295u)]
    [InlineData("0 ", 0u)]
    [InlineData("1\t2 x", 12u)] // U+0020 alone is a space
    public void Hixie76_5_2_a_key_is_its_digits_divided_by_its_spaces(string key, uint number)
    {
        Assert.True(HixieHandshake.TryReadKey(Bytes(key), out uint actual));
        Assert.Equal(number, actual);
    }

    [Theory]
    [InlineData("")]
    [InlineData("12345")] // no space: a page could send such a field with XMLHttpRequest
    [InlineData("1 2 3")] // two spaces do not divide 123
    [InlineData("  abc")] // no digit
    [InlineData("4294967296 ")] // 33 bits
    [InlineData("99999999999999999999999999 ")] // more than any integer has
    public void Hixie76_5_2_a_key_that_no_client_makes_is_refused(string key)
    {
        Assert.False(HixieHandshake.TryReadKey(Bytes(key), out _));
        string middle = key.Trim() == key ? key : $"x{key}x"; // blanks at the ends are not a value's
        Assert.Equal(HandshakeRefusal.InvalidDraftKey, Judge(Hixie76.Replace("12998 5 Y3 1  .P00", middle, StringComparison.Ordinal)));
        Assert.Equal(HandshakeRefusal.InvalidDraftKey, Judge(Hixie76.Replace("4 @1  46546xW%0l 1 5", middle, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n", "")]
    [InlineData("Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n", "")]
    [InlineData("Host: example.com\r\n", "Host: example.com\r\nSec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n")]
    public void Hixie76_5_2_each_key_is_there_once(string old, string replacement) =>
        Assert.Equal(HandshakeRefusal.InvalidDraftKey, Judge(Hixie76.Replace(old, replacement, StringComparison.Ordinal)));

    [Fact]
    public void Hixie76_4_1_the_request_is_whole_with_the_eight_bytes_behind_its_head()
    {
        byte[] request = Bytes(Hixie76);
        for (int length = 0; length < request.Length; length++)
        {
            Assert.False(UpgradeRequest.Parse(request.AsSpan(0, length), out _, out HandshakeRefusal refusal, WebSocketDrafts.All));
            Assert.Equal(HandshakeRefusal.None, refusal);
        }

        // What is behind them is not the handshake's.
        Assert.True(UpgradeRequest.Parse([.. request, 0x00, 0xFF], out UpgradeRequest parsed, out _, WebSocketDrafts.All));
        Assert.Equal(request.Length, parsed.Length);
    }

    [Theory]
    [InlineData(WebSocketDrafts.Hixie75)]
    [InlineData(WebSocketDrafts.Hixie76)]
    public void A_head_is_refused_whose_answer_might_not_fit_the_bound_of_a_head(WebSocketDrafts draft)
    {
        // Nothing but what the answer repeats, with the longest names that it can have there.
        string least = draft == WebSocketDrafts.Hixie75
            ? "GET /? HTTP/1.1\r\nHost: h\r\nOrigin: o\r\nUpgrade:websocket\r\nConnection:upgrade\r\n\r\n"
            : "GET /? HTTP/1.1\r\nHost: h\r\nOrigin: o\r\nUpgrade:websocket\r\nConnection:upgrade\r\nSec-WebSocket-Key1:x1 x\r\nSec-WebSocket-Key2:x1 x\r\n\r\n";
        string third = draft == WebSocketDrafts.Hixie75 ? "" : "12345678";
        string Long(int length) => least.Replace("/?", "/?" + new string('x', length - least.Length), StringComparison.Ordinal);
        Assert.Equal(HandshakeRefusal.HeadTooLong, Judge(Long(HixieHandshake.MaxHeadLength + 1)));
        UpgradeRequest request = Accepted(Long(HixieHandshake.MaxHeadLength) + third);
        byte[] answer = new byte[HttpHead.MaxLength];
        Assert.InRange(ServerHandshake.WriteAccepted(answer, in request, null), HixieHandshake.MaxHeadLength, HttpHead.MaxLength);
    }

    [Theory]
    [InlineData("Content-Length: 8", HandshakeRefusal.None)] // as Netty's client does
    [InlineData("Content-Length: 0", HandshakeRefusal.UnexpectedBody)]
    [InlineData("Content-Length: 9", HandshakeRefusal.UnexpectedBody)]
    [InlineData("Content-Length: 8\r\nContent-Length: 8", HandshakeRefusal.UnexpectedBody)]
    [InlineData("Transfer-Encoding: chunked", HandshakeRefusal.UnexpectedBody)]
    public void Hixie76_the_challenge_may_be_announced_as_a_body_and_no_other(string field, HandshakeRefusal refusal) =>
        Assert.Equal(refusal, Judge(Hixie76.Replace("Host:", $"{field}\r\nHost:", StringComparison.Ordinal)));

    [Theory]
    [InlineData("Content-Length: 0", HandshakeRefusal.None)]
    [InlineData("Content-Length: 8", HandshakeRefusal.UnexpectedBody)]
    public void Hixie75_has_no_challenge_that_could_be_announced(string field, HandshakeRefusal refusal) =>
        Assert.Equal(refusal, Judge(Hixie75.Replace("Host:", $"{field}\r\nHost:", StringComparison.Ordinal)));

    [Fact]
    public void For_a_request_that_asks_for_no_WebSocket_no_challenge_is_waited_for() =>
        Assert.Equal(HandshakeRefusal.NotAnUpgrade, Judge(Hixie76[..^HixieHandshake.ChallengeLength].Replace("Upgrade: WebSocket", "Upgrade: h2c", StringComparison.Ordinal)));

    [Fact]
    public void A_copy_of_a_request_that_outlives_its_buffer_is_answered_alike()
    {
        UpgradeRequestSnapshot snapshot = Accepted(Hixie76).ToSnapshot();
        UpgradeRequest request = snapshot.Request;
        Assert.Equal(Hixie76Answer, Answer(in request, "sample"));
        Assert.Equal(("http://example.com", "sample"), (snapshot.Origin, Assert.Single(snapshot.Subprotocols)));
        UpgradeRequest older = Accepted(Hixie75).ToSnapshot().Request;
        Assert.Equal(Hixie75Answer, Answer(in older, "sample"));
    }

    [Theory]
    [InlineData("GET /demo?room=1 HTTP/1.1", "ws://example.com/demo?room=1")]
    [InlineData("GET /demo? HTTP/1.1", "ws://example.com/demo?")]
    [InlineData("GET http://other:81/demo?room=1 HTTP/1.1", "ws://other:81/demo?room=1")]
    public void Section_5_2_the_location_is_what_the_client_has_asked_for(string line, string location)
    {
        UpgradeRequest request = Accepted(Hixie76.Replace("GET /demo HTTP/1.1", line, StringComparison.Ordinal));
        Assert.Contains($"\r\nSec-WebSocket-Location: {location}\r\n", Answer(in request), StringComparison.Ordinal);
    }

    [Fact]
    public void Hixie76_a_client_without_an_origin_is_told_none()
    {
        const string origin = "Origin: http://example.com\r\n";
        UpgradeRequest request = Accepted(Hixie76.Replace(origin, "", StringComparison.Ordinal));
        Assert.Equal(Hixie76Answer.Replace($"Sec-WebSocket-{origin}", "", StringComparison.Ordinal), Answer(in request, "sample"));
    }

    [Fact]
    public void Hixie75_a_client_without_an_origin_is_told_none_and_further_fields_follow()
    {
        UpgradeRequest request = Accepted(Hixie75.Replace("Origin: http://example.com\r\n", "", StringComparison.Ordinal));
        Assert.Equal(
            "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nWebSocket-Location: ws://example.com/demo\r\nSet-Cookie: a=b\r\n\r\n",
            Answer(in request, null, new KeyValuePair<string, string>("Set-Cookie", "a=b")));
    }

    [Fact]
    public void A_subprotocol_that_was_not_offered_is_not_written()
    {
        Assert.Throws<ArgumentException>(() =>
        {
            UpgradeRequest request = Accepted(Hixie75.Replace("WebSocket-Protocol", "Sec-WebSocket-Protocol", StringComparison.Ordinal));
            Answer(in request, "sample"); // hixie-75 does not know that name
        });
    }

    [Theory]
    [InlineData(WebSocketDrafts.None)]
    [InlineData(WebSocketDrafts.All & ~WebSocketDrafts.Hixie76)]
    public void Hixie76_is_refused_where_it_is_not_spoken(WebSocketDrafts spoken) => Assert.Equal(HandshakeRefusal.UnsupportedVersion, Judge(Hixie76, spoken));

    [Theory]
    [InlineData(WebSocketDrafts.None)]
    [InlineData(WebSocketDrafts.All & ~WebSocketDrafts.Hixie75)]
    public void Hixie75_is_refused_where_it_is_not_spoken(WebSocketDrafts spoken) => Assert.Equal(HandshakeRefusal.UnsupportedVersion, Judge(Hixie75, spoken));

    [Theory]
    [InlineData("Sec-WebSocket-Draft: 2")] // hybi-01 to -03: the same handshake, other frames
    [InlineData("Sec-WebSocket-Version: 6")]
    [InlineData("Sec-WebSocket-Version: 6\r\nSec-WebSocket-Version: 8")]
    [InlineData("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")] // of RFC 6455, whose version was forgotten
    public void What_is_of_another_draft_is_not_taken_for_hixie(string field)
    {
        Assert.Equal(HandshakeRefusal.UnsupportedVersion, Judge(Hixie75.Replace("Host:", $"{field}\r\nHost:", StringComparison.Ordinal)));
        if (field.Contains("Key", StringComparison.Ordinal)) return;
        Assert.Equal(HandshakeRefusal.UnsupportedVersion, Judge(Hixie76.Replace("Host:", $"{field}\r\nHost:", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("GET ", "POST ", HandshakeRefusal.MethodNotGet)]
    [InlineData("Upgrade: WebSocket\r\n", "", HandshakeRefusal.NotAnUpgrade)]
    [InlineData("Connection: Upgrade\r\n", "", HandshakeRefusal.ConnectionNotUpgrade)]
    [InlineData("Origin: http://example.com\r\n", "Origin: http://a\r\nOrigin: http://b\r\n", HandshakeRefusal.InvalidOrigin)]
    [InlineData("Host: example.com\r\n", "", HandshakeRefusal.InvalidHost)]
    [InlineData("Protocol: sample\r\n", "Protocol: sample, sample\r\n", HandshakeRefusal.InvalidSubprotocols)]
    public void The_rules_of_every_handshake_are_theirs_too(string old, string replacement, HandshakeRefusal refusal)
    {
        Assert.Equal(refusal, Judge(Hixie75.Replace(old, replacement, StringComparison.Ordinal)));
        Assert.Equal(refusal, Judge(Hixie76.Replace(old, replacement, StringComparison.Ordinal)));
    }
}
