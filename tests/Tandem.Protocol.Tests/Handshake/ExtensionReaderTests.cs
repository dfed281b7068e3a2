using Tandem.Protocol.Handshake;
using static Tandem.Protocol.Tests.Handshake.HandshakeText;

namespace Tandem.Protocol.Tests.Handshake;

/// <summary>RFC 6455 section 9.1: the grammar of Sec-WebSocket-Extensions.</summary>
public sealed class ExtensionReaderTests
{
    [Theory]
    // The examples of section 9.1.
    [InlineData("foo", "foo")]
    [InlineData("bar; baz=2", "bar ;baz=2")]
    [InlineData("foo, bar; baz=2", "foo bar ;baz=2")]
    [InlineData("deflate-stream", "deflate-stream")]
    [InlineData("mux; max-channels=4; flow-control, deflate-stream", "mux ;max-channels=4 ;flow-control deflate-stream")]
    [InlineData("private-extension", "private-extension")]
    // What browsers send (RFC 7692 section 7.1).
    [InlineData("permessage-deflate; client_max_window_bits", "permessage-deflate ;client_max_window_bits")]
    [InlineData("permessage-deflate; server_max_window_bits=10, permessage-deflate", "permessage-deflate ;server_max_window_bits=10 permessage-deflate")]
    // Blanks, and empty elements of the list.
    [InlineData("a;b=c,d", "a ;b=c d")]
    [InlineData(" a ; b = c ,\td ", "a ;b=c d")]
    [InlineData(",,a,, ,b,", "a b")]
    // Quoted values, which are tokens once unquoted.
    [InlineData("a;b=\"c\"", "a ;b=c")]
    [InlineData("a; b = \"c\" ; d", "a ;b=c ;d")]
    [InlineData("a;b=\"\\c\\d\", e", "a ;b=cd e")]
    public void A_well_formed_list_is_read_name_by_name(string list, string expected)
    {
        Assert.Equal((expected, ExtensionToken.End), Read(list));
        Assert.True(ExtensionReader.IsValid(Bytes(list)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(",")]
    [InlineData(" , ,")]
    [InlineData(";")]
    [InlineData(";a")]
    [InlineData("a;")]
    [InlineData("a;;b")]
    [InlineData("a;,b")]
    [InlineData("a b")]
    [InlineData("a=b")]
    [InlineData("a;b c")]
    [InlineData("a;b=")]
    [InlineData("a;b= ,c")]
    [InlineData("a;=c")]
    [InlineData("a;b=c d")]
    [InlineData("a;b=c=d")]
    [InlineData("a;b==c")]
    [InlineData("\"a\"")]
    [InlineData("a;\"b\"")]
    [InlineData("a;b=\"")]
    [InlineData("a;b=\"c")]
    [InlineData("a;b=\"c\\")]
    [InlineData("a;b=\"c\\\"")]
    [InlineData("a;b=\"\"")]
    [InlineData("a;b=\"c d\"")]
    [InlineData("a;b=\"c,d\"")]
    [InlineData("a;b=\"c\\\"d\"")]
    [InlineData("a;b=\"c\"d")]
    [InlineData("a;b=c\"d\"")]
    [InlineData("a/b")]
    [InlineData("a, b/c")]
    [InlineData("\u00E9")]
    [InlineData("a;b=(c)")]
    public void A_malformed_list_is_refused(string list)
    {
        Assert.Equal(ExtensionToken.Invalid, Read(list).Last);
        Assert.False(ExtensionReader.IsValid(Bytes(list)));
    }

    [Fact]
    public void After_the_end_and_after_an_error_nothing_changes_any_more()
    {
        foreach ((string list, ExtensionToken last) in ((string, ExtensionToken)[])[("a;b=c", ExtensionToken.End), ("a;b=c, d;;e", ExtensionToken.Invalid)])
        {
            var reader = new ExtensionReader(Bytes(list));
            while (reader.Read() is ExtensionToken.Extension or ExtensionToken.Parameter)
            {
            }

            for (int i = 0; i < 3; i++) Assert.Equal(last, reader.Read());
        }
    }

    [Fact]
    public void Random_lists_never_throw_and_always_end()
    {
        const string alphabet = "ab,;=\"\\ \t(";
        for (int seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            string list = new([.. Enumerable.Range(0, random.Next(12)).Select(_ => alphabet[random.Next(alphabet.Length)])]);
            var reader = new ExtensionReader(Bytes(list));
            int steps = 0;
            while (reader.Read() is ExtensionToken.Extension or ExtensionToken.Parameter) Assert.True(++steps <= list.Length, $"seed {seed}: \"{list}\"");
        }
    }

    private static (string Names, ExtensionToken Last) Read(string list)
    {
        var reader = new ExtensionReader(Bytes(list));
        var names = new List<string>();
        ExtensionToken token;
        while ((token = reader.Read()) is ExtensionToken.Extension or ExtensionToken.Parameter)
        {
            string value = reader.Value.IsEmpty ? "" : "=" + Text(reader.Value);
            names.Add((token == ExtensionToken.Parameter ? ";" : "") + Text(reader.Name) + value);
        }

        return (string.Join(' ', names), token);
    }
}
