using System.Text;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Handshake;
using Tandem.Protocol.Tests.Handshake;

namespace Tandem.Protocol.Tests.Compression;

/// <summary>
/// RFC 7692 sections 5 and 7.1 as a table, for a server: offers, and what they are answered. Names are shortened here: pmd, and snct, cnct,
/// smwb and cmwb for the four parameters.
/// </summary>
public sealed class DeflateNegotiationTests
{
    private static readonly (string Short, string Long)[] Names =
    [
        ("pmd", "permessage-deflate"), ("snct", "server_no_context_takeover"), ("cnct", "client_no_context_takeover"),
        ("smwb", "server_max_window_bits"), ("cmwb", "client_max_window_bits"),
    ];

    /// <summary>Offers, lines divided by '|'; the answer, or nothing; and snct, cnct, smwb, cmwb as agreed.</summary>
    public static TheoryData<string, string?> Offers => new()
    {
        { "pmd", "pmd" },
        { "pmd; snct", "pmd; snct" },
        { "pmd; cnct", "pmd; cnct" },
        { "pmd; cnct; snct", "pmd; snct; cnct" },
        { "pmd; cmwb", "pmd" },
        { "pmd; cmwb=15", "pmd" },
        { "pmd; cmwb=10", "pmd; cmwb=10" },
        { "pmd; cmwb=8", "pmd; cmwb=8" },
        { "pmd; smwb=10", "pmd; smwb=10" },
        { "pmd; smwb=15", "pmd; smwb=15" }, // 7.1.2.1: accepted only by saying so
        { "pmd; smwb=8", "pmd; smwb=8" },
        { "pmd; smwb=9; cmwb=9; snct; cnct", "pmd; snct; cnct; smwb=9; cmwb=9" },
        { "pmd;smwb=\"10\" ; cmwb = \"11\"", "pmd; smwb=10; cmwb=11" },
        { "pmd; smwb=\"1\\0\"", "pmd; smwb=10" },
        // 7.1: malformed offers are declined
        { "pmd; snct=1", null },
        { "pmd; snct=\"true\"", null },
        { "pmd; cnct=x", null },
        { "pmd; snct; snct", null },
        { "pmd; cnct; cnct", null },
        { "pmd; smwb", null },
        { "pmd; smwb=7", null },
        { "pmd; smwb=16", null },
        { "pmd; smwb=08", null },
        { "pmd; smwb=010", null },
        { "pmd; smwb=1", null },
        { "pmd; smwb=100", null },
        { "pmd; smwb=1x", null },
        { "pmd; smwb=-9", null },
        { "pmd; smwb=10; smwb=10", null },
        { "pmd; smwb=0; smwb=10", null },
        { "pmd; cmwb=7", null },
        { "pmd; cmwb=16", null },
        { "pmd; cmwb=09", null },
        { "pmd; cmwb=x", null },
        { "pmd; cmwb; cmwb", null },
        { "pmd; cmwb; cmwb=10", null },
        { "pmd; unknown", null },
        { "pmd; unknown=1", null },
        { "pmd; SNCT", null },
        { "snct", null },
        { "x-webkit-deflate-frame", null },
        { "pmd2; snct", null },
        { "x; smwb=10", null },
        // Section 5: several offers, in the client's order of preference
        { "pmd; smwb=10, pmd", "pmd; smwb=10" },
        { "pmd; smwb=99, pmd; snct", "pmd; snct" },
        { "pmd; unknown, pmd; smwb=x, pmd; cnct, pmd", "pmd; cnct" },
        { "x; smwb=1; a=b, pmd; snct, y", "pmd; snct" },
        { "x, , pmd , y", "pmd" },
        { "x; a|pmd; smwb=10", "pmd; smwb=10" },
        { "pmd; nonsense|y|pmd; snct", "pmd; snct" },
    };

    [Theory]
    [MemberData(nameof(Offers))]
    public void Section_7_1_a_server_accepts_the_first_offer_that_is_not_malformed(string offers, string? expected)
    {
        (string? answer, DeflateParameters agreed) = Accept(offers, new DeflateOptions());
        Assert.Equal(expected, answer);
        if (answer is null) Assert.Equal(default, agreed);
        else Assert.Equal(Parse(answer), agreed);
    }

    [Theory]
    [InlineData("pmd", "pmd; snct; cnct; smwb=10", 15)] // 7.1.2.2: who does not mention its window is not told to limit it
    [InlineData("pmd; cmwb", "pmd; snct; cnct; smwb=10; cmwb=11", 11)]
    [InlineData("pmd; cmwb=9; smwb=9", "pmd; snct; cnct; smwb=9; cmwb=9", 9)]
    [InlineData("pmd; cmwb=15; smwb=15", "pmd; snct; cnct; smwb=10; cmwb=11", 11)]
    public void A_server_grants_no_more_than_its_options(string offer, string expected, int clientBits)
    {
        var options = new DeflateOptions { ServerMaxWindowBits = 10, ClientMaxWindowBits = 11, ServerNoContextTakeover = true, ClientNoContextTakeover = true };
        (string? answer, DeflateParameters agreed) = Accept(offer, options);
        Assert.Equal(expected, answer);
        Assert.Equal(Parse(expected), agreed);
        Assert.Equal(clientBits, agreed.ClientMaxWindowBits);
    }

    [Fact]
    public void Without_an_offer_nothing_is_answered()
    {
        UpgradeRequest request = HandshakeText.Accepted(HandshakeText.Request());
        Assert.Null(DeflateNegotiation.Accept(request.Head, new DeflateOptions(), out _));
    }

    [Fact]
    public void Every_offer_of_a_client_of_this_project_is_accepted_and_every_answer_to_it()
    {
        foreach (DeflateOptions client in AllOptions())
        {
            string offer = DeflateNegotiation.Offer(client);
            foreach (DeflateOptions server in AllOptions())
            {
                UpgradeRequest request = HandshakeText.Accepted(HandshakeText.RequestWith($"Sec-WebSocket-Extensions: {offer}"));
                string? answer = DeflateNegotiation.Accept(request.Head, server, out DeflateParameters byServer);
                Assert.True(answer is not null, offer);
                HttpHead head = AnswerHead(answer);
                Assert.True(DeflateNegotiation.TryReadAnswer(in head, client, out DeflateParameters? byClient), $"{offer} -> {answer}");
                Assert.Equal(byServer, byClient);
                Assert.InRange(byServer.ServerMaxWindowBits, 8, Math.Min(client.ServerMaxWindowBits, server.ServerMaxWindowBits));
                Assert.InRange(byServer.ClientMaxWindowBits, 8, Math.Min(client.ClientMaxWindowBits, server.ClientMaxWindowBits));
                Assert.Equal(client.ServerNoContextTakeover || server.ServerNoContextTakeover, byServer.ServerNoContextTakeover);
                Assert.Equal(client.ClientNoContextTakeover || server.ClientNoContextTakeover, byServer.ClientNoContextTakeover);
            }
        }
    }

    [Theory]
    [InlineData(15, 15, false, false, "pmd; cmwb")]
    [InlineData(10, 15, false, false, "pmd; smwb=10; cmwb")]
    [InlineData(15, 9, true, false, "pmd; snct; cmwb=9")]
    [InlineData(8, 8, true, true, "pmd; snct; cnct; smwb=8; cmwb=8")]
    public void Section_7_1_what_a_client_offers(int serverBits, int clientBits, bool serverForgets, bool clientForgets, string expected)
    {
        var options = new DeflateOptions
        {
            ServerMaxWindowBits = serverBits, ClientMaxWindowBits = clientBits, ServerNoContextTakeover = serverForgets, ClientNoContextTakeover = clientForgets,
        };
        Assert.Equal(expected, Shorten(DeflateNegotiation.Offer(options)));
    }

    /// <summary>Offer options as in the offer's own words, the answer, and what is agreed; null when the client must fail the connection.</summary>
    [Theory]
    [InlineData("pmd; cmwb", "pmd", "pmd")]
    [InlineData("pmd; cmwb", "pmd; snct", "pmd; snct")]
    [InlineData("pmd; cmwb", "pmd; cnct", "pmd; cnct")]
    [InlineData("pmd; cmwb", "pmd; smwb=9", "pmd; smwb=9")]
    [InlineData("pmd; cmwb", "pmd; cmwb=9", "pmd; cmwb=9")]
    [InlineData("pmd; cmwb", "pmd; cmwb=\"9\"", "pmd; cmwb=9")]
    [InlineData("pmd; cmwb=10", "pmd", "pmd; cmwb=10")] // it keeps to what it offered
    [InlineData("pmd; cmwb=10", "pmd; cmwb=10", "pmd; cmwb=10")]
    [InlineData("pmd; cmwb=10", "pmd; cmwb=9", "pmd; cmwb=9")]
    [InlineData("pmd; cmwb=10", "pmd; cmwb=11", null)]
    [InlineData("pmd; cmwb", "pmd; cmwb", null)] // only an offer may leave the value out
    [InlineData("pmd; cmwb", "pmd; smwb", null)]
    [InlineData("pmd; cmwb", "pmd; smwb=7", null)]
    [InlineData("pmd; cmwb", "pmd; smwb=16", null)]
    [InlineData("pmd; cmwb", "pmd; smwb=09", null)]
    [InlineData("pmd; cmwb", "pmd; snct=1", null)]
    [InlineData("pmd; cmwb", "pmd; snct; snct", null)]
    [InlineData("pmd; cmwb", "pmd; unknown", null)]
    [InlineData("pmd; cmwb", "pmd, pmd", null)]
    [InlineData("pmd; cmwb", "pmd|pmd", null)]
    [InlineData("pmd; cmwb", "x", null)]
    [InlineData("pmd; cmwb", "pmd, x", null)]
    [InlineData("pmd; cmwb", "pmd;", null)]
    [InlineData("pmd; snct; cmwb", "pmd; snct", "pmd; snct")]
    [InlineData("pmd; snct; cmwb", "pmd", null)]
    [InlineData("pmd; cnct; cmwb", "pmd", "pmd; cnct")]
    [InlineData("pmd; smwb=10; cmwb", "pmd; smwb=10", "pmd; smwb=10")]
    [InlineData("pmd; smwb=10; cmwb", "pmd; smwb=8", "pmd; smwb=8")]
    [InlineData("pmd; smwb=10; cmwb", "pmd; smwb=11", null)]
    [InlineData("pmd; smwb=10; cmwb", "pmd", null)]
    public void Section_7_1_a_client_fails_over_what_goes_beyond_its_offer(string offer, string answer, string? expected)
    {
        DeflateParameters offered = Parse(offer);
        var options = new DeflateOptions
        {
            ServerMaxWindowBits = offered.ServerMaxWindowBits, ClientMaxWindowBits = offered.ClientMaxWindowBits,
            ServerNoContextTakeover = offered.ServerNoContextTakeover, ClientNoContextTakeover = offered.ClientNoContextTakeover,
        };
        HttpHead head = AnswerHead([.. answer.Split('|').Select(Lengthen)]);
        Assert.Equal(expected is not null, DeflateNegotiation.TryReadAnswer(in head, options, out DeflateParameters? agreed));
        if (expected is not null) Assert.Equal(Parse(expected), agreed);
    }

    [Fact]
    public void Section_5_an_answer_without_the_extension_is_a_server_that_declined()
    {
        HttpHead head = AnswerHead();
        Assert.True(DeflateNegotiation.TryReadAnswer(in head, new DeflateOptions { ServerNoContextTakeover = true }, out DeflateParameters? agreed));
        Assert.Null(agreed);
    }

    [Fact]
    public void Mutated_lists_never_throw_on_either_side()
    {
        byte[] interesting = "\0 \t:,;=\"\\0189A\u007F"u8.ToArray();
        for (int seed = 0; seed < 10_000; seed++)
        {
            var random = new Random(seed);
            byte[] list = Encoding.Latin1.GetBytes("permessage-deflate; server_max_window_bits=10; client_max_window_bits, permessage-deflate");
            for (int i = random.Next(6); i > 0; i--) list[random.Next(list.Length)] = interesting[random.Next(interesting.Length)];
            string head = $"HTTP/1.1 101 x\r\nSec-WebSocket-Extensions: {Encoding.Latin1.GetString(list)}\r\n\r\n";
            if (HttpHead.Parse(HandshakeText.Bytes(head), out HttpHead parsed) != HttpHeadStatus.Complete) continue;
            string? answer = DeflateNegotiation.Accept(in parsed, new DeflateOptions(), out _);
            if (answer is not null) Assert.StartsWith(DeflateNegotiation.Name, answer, StringComparison.Ordinal);
            _ = DeflateNegotiation.TryReadAnswer(in parsed, new DeflateOptions(), out _);
        }
    }

    [Theory]
    [InlineData(0, 8, 64, 15, 15, "Level")]
    [InlineData(10, 8, 64, 15, 15, "Level")]
    [InlineData(1, 0, 64, 15, 15, "MemoryLevel")]
    [InlineData(1, 10, 64, 15, 15, "MemoryLevel")]
    [InlineData(1, 8, -1, 15, 15, "MinimumSize")]
    [InlineData(1, 8, 64, 7, 15, "ServerMaxWindowBits")]
    [InlineData(1, 8, 64, 16, 15, "ServerMaxWindowBits")]
    [InlineData(1, 8, 64, 15, 7, "ClientMaxWindowBits")]
    [InlineData(1, 8, 64, 15, 16, "ClientMaxWindowBits")]
    public void An_option_out_of_its_range_is_named(int level, int memoryLevel, int minimum, int serverBits, int clientBits, string name)
    {
        var options = new DeflateOptions { Level = level, MemoryLevel = memoryLevel, MinimumSize = minimum, ServerMaxWindowBits = serverBits, ClientMaxWindowBits = clientBits };
        Assert.Contains($".{name} ", Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
        new DeflateOptions().Validate();
    }

    private static (string? Answer, DeflateParameters Agreed) Accept(string offers, DeflateOptions options)
    {
        string[] lines = [.. offers.Split('|').Select(line => $"Sec-WebSocket-Extensions: {Lengthen(line)}")];
        UpgradeRequest request = HandshakeText.Accepted(HandshakeText.RequestWith(lines));
        string? answer = DeflateNegotiation.Accept(request.Head, options, out DeflateParameters agreed);
        return (answer is null ? null : Shorten(answer), agreed);
    }

    private static HttpHead AnswerHead(params string[] lists)
    {
        string text = "HTTP/1.1 101 Switching Protocols\r\n" + string.Concat(lists.Select(list => $"Sec-WebSocket-Extensions: {list}\r\n")) + "\r\n";
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(HandshakeText.Bytes(text), out HttpHead head));
        return head;
    }

    private static DeflateParameters Parse(string text)
    {
        int Bits(string name)
        {
            string? part = text.Split("; ").FirstOrDefault(part => part.StartsWith(name + "=", StringComparison.Ordinal));
            return part is null ? 15 : int.Parse(part[5..], System.Globalization.CultureInfo.InvariantCulture);
        }

        return new DeflateParameters(text.Contains("snct", StringComparison.Ordinal), text.Contains("cnct", StringComparison.Ordinal), Bits("smwb"), Bits("cmwb"));
    }

    private static IEnumerable<DeflateOptions> AllOptions()
    {
        for (int i = 0; i < 64; i++)
        {
            yield return new DeflateOptions
            {
                ServerMaxWindowBits = (i % 4) switch { 0 => 8, 1 => 9, 2 => 12, _ => 15 },
                ClientMaxWindowBits = (i / 4 % 4) switch { 0 => 8, 1 => 9, 2 => 12, _ => 15 },
                ServerNoContextTakeover = (i & 16) != 0,
                ClientNoContextTakeover = (i & 32) != 0,
            };
        }
    }

    private static string Lengthen(string text) => Names.Aggregate(text, (result, name) => result.Replace(name.Short, name.Long, StringComparison.Ordinal));

    private static string Shorten(string text) => Names.Aggregate(text, (result, name) => result.Replace(name.Long, name.Short, StringComparison.Ordinal));
}
