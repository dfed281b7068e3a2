using System.Text;
using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;
using Tandem.Protocol.Compression;

namespace Tandem.Conformance.Tests.Rfc7692;

/// <summary>
/// RFC 7692 sections 5 and 7.1: every combination of the four parameters in offers and answers, each followed by messages that use what was
/// agreed; and what is declined, refused or failed.
/// </summary>
public sealed class Section7_1_NegotiationTests
{
    private const string Name = "permessage-deflate";
    private static readonly Subject[] Servers = [Subject.EventLoop, Subject.Sockets, Subject.Stream];
    private static readonly SubjectOptions Deflates = new() { Deflate = new DeflateOptions() };
    private static readonly string[] Flags = ["", "; server_no_context_takeover", "; client_no_context_takeover", "; server_no_context_takeover; client_no_context_takeover"];
    private static readonly byte[] Json = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 60).Select(i => $"{{\"id\":{i * 7919},\"name\":\"peer {i % 7}\",\"ok\":true}},")));

    public static MatrixTheoryData<Subject, string> Offers => new(Servers, Combinations(["", "; client_max_window_bits"]));

    public static TheoryData<string> Answers => [.. Combinations([""])];

    // What breaks a rule of section 7.1 is declined, whatever else is in it.
    public static MatrixTheoryData<Subject, string> Declined => new(Servers, [
        $"{Name}; unknown",
        $"{Name}; unknown=1",
        $"{Name}; server_no_context_takeover=1",
        $"{Name}; client_no_context_takeover=true",
        $"{Name}; server_no_context_takeover; server_no_context_takeover",
        $"{Name}; client_no_context_takeover; client_no_context_takeover",
        $"{Name}; server_max_window_bits",
        $"{Name}; server_max_window_bits=7",
        $"{Name}; server_max_window_bits=16",
        $"{Name}; server_max_window_bits=0",
        $"{Name}; server_max_window_bits=08",
        $"{Name}; server_max_window_bits=10.0",
        $"{Name}; server_max_window_bits=-9",
        $"{Name}; server_max_window_bits=x",
        $"{Name}; server_max_window_bits=10; server_max_window_bits=10",
        $"{Name}; client_max_window_bits=7",
        $"{Name}; client_max_window_bits=16",
        $"{Name}; client_max_window_bits=015",
        $"{Name}; client_max_window_bits; client_max_window_bits",
        $"{Name}; client_max_window_bits=9; client_max_window_bits=9",
        "x-webkit-deflate-frame",
        "permessage-bzip2; client_max_window_bits",
        "permessage-deflate-not",
        "foo; permessage-deflate"]);

    public static IEnumerable<TheoryDataRow<Subject, string, string>> InOrder =>
        from subject in Servers
        from row in ((string Offers, string Answer)[])
        [
            ($"{Name}; unknown, {Name}", Name),
            ($"{Name}; server_max_window_bits=7, {Name}; server_max_window_bits=9", $"{Name}; server_max_window_bits=9"),
            ($"other, {Name}; client_no_context_takeover", $"{Name}; client_no_context_takeover"),
            ($"{Name}; server_max_window_bits=10, {Name}; server_max_window_bits=12, {Name}", $"{Name}; server_max_window_bits=10"),
            (
                $"{Name}; server_no_context_takeover; client_max_window_bits=9, {Name}; client_max_window_bits, {Name}",
                $"{Name}; server_no_context_takeover; client_max_window_bits=9"),
            ($"{Name}, {Name}; server_no_context_takeover", Name),
            ($",, {Name} ,,", Name),
            ($"{Name};server_max_window_bits=\"11\"", $"{Name}; server_max_window_bits=11"),
            ($"{Name} ; client_max_window_bits = \"1\\0\"", $"{Name}; client_max_window_bits=10"),
        ]
        select new TheoryDataRow<Subject, string, string>(subject, row.Offers, row.Answer);

    // RFC 6455 section 9.1: what breaks the grammar of the field is no handshake.
    public static MatrixTheoryData<Subject, string> Malformed => new(Servers, [
        ";", "=", ",", $"{Name};", $"{Name};;", $"{Name}; a=", $"{Name}; a=\"", $"{Name}; a=\"b c\"", $"{Name}; =9", $"{Name} client_max_window_bits", $"{Name}; a b", "\"permessage-deflate\"", $"{Name}; a=\"\""]);

    // The client offers "permessage-deflate; client_max_window_bits".
    public static TheoryData<string> Unacceptable =>
    [
        "other", "permessage-deflate-not", $"{Name}; unknown", $"{Name}; unknown=1", $"{Name}, {Name}", $"{Name}, other", $"other, {Name}",
        $"{Name}; server_no_context_takeover=1", $"{Name}; client_no_context_takeover=1",
        $"{Name}; server_no_context_takeover; server_no_context_takeover", $"{Name}; client_no_context_takeover; client_no_context_takeover",
        $"{Name}; server_max_window_bits", $"{Name}; server_max_window_bits=7", $"{Name}; server_max_window_bits=16", $"{Name}; server_max_window_bits=08",
        $"{Name}; server_max_window_bits=9; server_max_window_bits=9", $"{Name}; server_max_window_bits=x",
        $"{Name}; client_max_window_bits", $"{Name}; client_max_window_bits=7", $"{Name}; client_max_window_bits=16", $"{Name}; client_max_window_bits=010",
        $"{Name}; client_max_window_bits=9; client_max_window_bits=9", $"{Name};", $"{Name}; a=\"", ";", ",",
    ];

    public static TheoryData<DeflateOptions, string> BeyondTheOffer => new()
    {
        { new DeflateOptions { ServerNoContextTakeover = true }, Name },
        { new DeflateOptions { ServerNoContextTakeover = true }, $"{Name}; client_no_context_takeover" },
        { new DeflateOptions { ServerMaxWindowBits = 10 }, Name },
        { new DeflateOptions { ServerMaxWindowBits = 10 }, $"{Name}; server_max_window_bits=11" },
        { new DeflateOptions { ClientMaxWindowBits = 10 }, $"{Name}; client_max_window_bits=11" },
        { new DeflateOptions { ClientMaxWindowBits = 10 }, $"{Name}; client_max_window_bits=15" },
    };

    [Theory]
    [MemberData(nameof(Offers), DisableDiscoveryEnumeration = true)]
    public async Task A_server_agrees_within_the_offer_and_keeps_to_it(Subject subject, string offer)
    {
        await using DeflateTester tester = await DeflateTester.Open(subject, offer, Deflates);
        var offered = new DeflateAgreement(offer);
        var agreed = new DeflateAgreement(tester.Wire.Extensions!);
        Assert.Subset(
            new HashSet<string> { "server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits", "client_max_window_bits" },
            agreed.Names.ToHashSet());
        // 7.1.1.1 and 7.1.1.2: what the client asks of itself the server may repeat, and this one does.
        Assert.Equal(offered.Has("server_no_context_takeover"), agreed.Has("server_no_context_takeover"));
        Assert.Equal(offered.Has("client_no_context_takeover"), agreed.Has("client_no_context_takeover"));
        // 7.1.2.1: an accepted server_max_window_bits is repeated, and not made larger.
        Assert.Equal(offered.Has("server_max_window_bits"), agreed.Has("server_max_window_bits"));
        Assert.InRange(agreed.Bits("server_max_window_bits"), 8, offered.Bits("server_max_window_bits"));
        // 7.1.2.2: the client's window is limited only where it says that it can be.
        Assert.True(offered.Has("client_max_window_bits") || !agreed.Has("client_max_window_bits"));
        Assert.InRange(agreed.Bits("client_max_window_bits"), 8, offered.Bits("client_max_window_bits"));
        await Exchange(tester);
    }

    [Theory]
    [MemberData(nameof(Answers), DisableDiscoveryEnumeration = true)]
    public async Task A_client_keeps_to_any_answer_within_its_offer(string answer)
    {
        await using DeflateTester tester = await DeflateTester.Open(Subject.Client, answer, Deflates);
        Assert.Equal($"{Name}; client_max_window_bits", tester.Wire.Extensions);
        await Exchange(tester);
    }

    [Theory]
    [MemberData(nameof(Declined))]
    public async Task A_server_declines_an_offer_that_is_invalid_and_opens_without_compression(Subject subject, string offer)
    {
        await using WireTester tester = await WireTester.Open(subject, Deflates, offer);
        Assert.Null(tester.Extensions);
        Frame json = Frame.Text(Json);
        await tester.Send(json);
        await tester.Expect(json);
        await tester.Send([json with { First = 0xC1 }], Delivery.OneWrite, mayFail: true);
        await tester.ExpectFailure(1002); // section 6: RSV1 has no meaning then
    }

    [Theory]
    [MemberData(nameof(InOrder))]
    public async Task A_server_takes_the_first_offer_that_it_can(Subject subject, string offers, string answer)
    {
        await using DeflateTester tester = await DeflateTester.Open(subject, offers, Deflates);
        Assert.Equal(answer, tester.Wire.Extensions);
        await Exchange(tester);
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task A_server_refuses_what_breaks_the_grammar(Subject subject, string offer)
    {
        await using WireTester tester = await WireTester.Connect(subject, Deflates);
        await tester.SendBytes(Wire.Ascii(Wire.Request("/ws", $"Sec-WebSocket-Extensions: {offer}")));
        Assert.StartsWith("HTTP/1.1 400 ", await tester.ReadToEnd(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Subject.EventLoop)]
    [InlineData(Subject.Sockets)]
    [InlineData(Subject.Stream)]
    public async Task A_server_without_compression_declines(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject, null, Name);
        Assert.Null(tester.Extensions);
        await tester.Send(Frame.Text("a"), Frame.Text("b") with { First = 0xC1 });
        await tester.Expect(Frame.Text("a"));
        await tester.ExpectFailure(1002);
    }

    [Theory]
    [InlineData(Subject.EventLoop)]
    [InlineData(Subject.Sockets)]
    [InlineData(Subject.Stream)]
    public async Task A_server_agrees_on_nothing_where_nothing_is_offered(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject, Deflates);
        Assert.Null(tester.Extensions);
        await tester.Close(Frame.Close(1000));
    }

    [Fact]
    public async Task A_client_whose_offer_is_declined_goes_on_without_compression()
    {
        await using WireTester tester = await WireTester.Open(Subject.Client, Deflates);
        await tester.Send(Frame.Text(Json));
        await tester.Expect(Frame.Text(Json));
        await tester.Send(Frame.Text("b") with { First = 0xC1 });
        await tester.ExpectFailure(1002);
    }

    [Theory]
    [MemberData(nameof(Unacceptable))]
    public async Task A_client_fails_over_an_answer_that_is_invalid(string answer)
    {
        await using WireTester tester = await WireTester.Open(Subject.Client, Deflates, answer);
        await tester.ExpectEnd(); // it has sent no frame
    }

    [Theory]
    [MemberData(nameof(BeyondTheOffer), DisableDiscoveryEnumeration = true)]
    public async Task A_client_fails_over_an_answer_beyond_its_offer(DeflateOptions options, string answer)
    {
        await using WireTester tester = await WireTester.Open(Subject.Client, new SubjectOptions { Deflate = options }, answer);
        await tester.ExpectEnd();
    }

    [Fact]
    public async Task A_client_that_offers_nothing_fails_over_an_answer_that_agrees()
    {
        await using WireTester tester = await WireTester.Open(Subject.Client, null, Name);
        Assert.Null(tester.Extensions);
        await tester.ExpectEnd();
    }

    private static async Task Exchange(DeflateTester tester)
    {
        // The second message is the first again: a context that is kept makes it short, one that must not be shows in the tester's fresh inflater.
        await tester.Trip(1, Json);
        await tester.Trip(1, Json, size: 100);
        await tester.Trip(2, Wire.Noise(700));
        await tester.Trip(1, Json[..63]);
        await tester.Trip(1, Json);
        await tester.Wire.Close(Frame.Close(1000));
    }

    private static IEnumerable<string> Combinations(string[] clientForms) =>
        from flags in Flags
        from server in (string[])["", .. Enumerable.Range(8, 8).Select(bits => $"; server_max_window_bits={bits}")]
        from client in (string[])[.. clientForms, .. Enumerable.Range(8, 8).Select(bits => $"; client_max_window_bits={bits}")]
        select Name + flags + server + client;
}
