using System.Text.Json.Nodes;
using Tandem.Link.Noise;
using Tandem.Link.Secrets;

namespace Tandem.Link.Tests.Vectors;

/// <summary>docs/link-protocol.md, from the secret to the envelope: by the shared vectors.</summary>
public class CryptoTests
{
    public static TheoryData<string> Codes => [.. CryptoVectors.Codes.Select(vector => vector.Name)];

    public static TheoryData<string> NotCodes => [.. CryptoVectors.NotCodes.Select(vector => vector.Name)];

    public static TheoryData<string> InvalidPoints => [.. CryptoVectors.InvalidPoints.Select(vector => vector.Name)];

    [Fact]
    public void The_shared_vectors_are_what_this_code_computes() => VectorFile.Check(CryptoVectors.FileName, CryptoVectors.Json());

    [Theory]
    [MemberData(nameof(Codes))]
    public void What_people_type_is_a_code(string name)
    {
        (_, string text, string digits) = CryptoVectors.Codes.Single(vector => vector.Name == name);
        Assert.True(LinkSecret.TryParse(text, out LinkSecret? secret));
        Assert.Equal(new Guid(Convert.FromHexString(digits), bigEndian: true).ToString("D"), secret.ToCode());
    }

    [Theory]
    [MemberData(nameof(NotCodes))]
    public void Anything_else_is_not(string name) => Assert.False(LinkSecret.TryParse(CryptoVectors.NotCodes.Single(vector => vector.Name == name).Text, out _));

    [Theory]
    [MemberData(nameof(InvalidPoints))]
    public void What_is_not_on_the_curve_is_not_a_key(string name)
    {
        byte[] point = Convert.FromHexString(CryptoVectors.InvalidPoints.Single(vector => vector.Name == name).Hex);
        Assert.False(P256.IsPoint(point));
        using var own = LinkKeyPair.Create();
        Assert.Throws<System.Security.Cryptography.CryptographicException>(() => P256.Agree(own, point, new byte[32]));
    }

    [Fact]
    public void Every_drawn_key_is_on_the_curve_and_both_ends_agree()
    {
        for (int round = 0; round < 50; round++)
        {
            using LinkKeyPair one = LinkKeyPair.Create(), other = LinkKeyPair.Create();
            Assert.True(P256.IsPoint(one.PublicKey.Span));
            byte[] first = new byte[32], second = new byte[32];
            P256.Agree(one, other.PublicKey.Span, first);
            P256.Agree(other, one.PublicKey.Span, second);
            Assert.Equal(first, second);
            using LinkKeyPair again = LinkKeyPair.Import(one.ExportPrivateKey());
            Assert.Equal(one.PublicKey.ToArray(), again.PublicKey.ToArray());
        }
    }

    /// <summary>RFC 5903, section 8.1: two private keys, their public keys and the shared secret, which is the x coordinate.</summary>
    [Fact]
    public void The_shared_secret_of_RFC_5903()
    {
        using LinkKeyPair initiator = LinkKeyPair.Import(Convert.FromHexString("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433"));
        using LinkKeyPair responder = LinkKeyPair.Import(Convert.FromHexString("C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53"));
        Assert.Equal("04DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C37725811805271A0461CDB8252D61F1C456FA3E59AB1F45B33ACCF5F58389E0577B8990BB3", Convert.ToHexString(initiator.PublicKey.Span));
        byte[] secret = new byte[32];
        P256.Agree(initiator, responder.PublicKey.Span, secret);
        Assert.Equal("D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE", Convert.ToHexString(secret));
    }

    [Fact]
    public void A_drawn_secret_is_a_GUID_of_version_4_and_no_other_is_the_same()
    {
        var seen = new HashSet<string>();
        for (int round = 0; round < 1000; round++)
        {
            using var secret = LinkSecret.Create();
            string code = secret.ToCode();
            Assert.Matches("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", code);
            Assert.True(seen.Add(code));
            Assert.True(LinkSecret.TryParse(secret.ToAddress("https://example.org"), out LinkSecret? read));
            Assert.Equal(code, read.ToCode());
        }
    }

    [Fact]
    public void A_secret_is_told_only_when_it_is_asked_for_and_never_after_it_was_disposed_of()
    {
        Assert.True(LinkSecret.TryParse(CryptoVectors.Guid, out LinkSecret? secret));
        string said = $"{secret} {secret.DeriveKeys()} {LinkKeyPair.Import(CryptoVectors.PhoneStatic)}";
        Assert.Equal("LinkSecret Tandem.Link.Secrets.TicketKeys Tandem.Link.Noise.LinkKeyPair", said);
        secret.Dispose();
        Assert.Throws<ObjectDisposedException>(secret.ToCode);
        Assert.Throws<ObjectDisposedException>(() => secret.DeriveKeys());
        LinkKeyPair key = LinkKeyPair.Create();
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(key.ExportPrivateKey);
    }

    [Fact]
    public void The_vectors_cover_both_handshakes()
    {
        JsonArray handshakes = CryptoVectors.Json()["handshakes"]!.AsArray();
        Assert.Equal(["Noise_NNpsk0_P256_AESGCM_SHA256", "Noise_KK_P256_AESGCM_SHA256"], handshakes.Select(vector => vector!["protocol"]!.GetValue<string>()));
    }
}
