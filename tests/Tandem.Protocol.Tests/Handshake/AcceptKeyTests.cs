using System.Security.Cryptography;
using System.Text;
using Tandem.Protocol.Handshake;

namespace Tandem.Protocol.Tests.Handshake;

/// <summary>RFC 6455 sections 1.3, 4.1 and 4.2.2: the key, and the value that proves that a server has understood it.</summary>
public sealed class AcceptKeyTests
{
    [Theory]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")] // section 1.3
    [InlineData("AQIDBAUGBwgJCgsMDQ4PEA==", "C/0nmHhBztSRGR1CwL6Tf4ZjwpY=")] // the nonce of section 4.1, item 7
    public void Section_1_3_the_accept_value_of_a_key(string key, string accept)
    {
        byte[] computed = new byte[AcceptKey.AcceptLength];
        AcceptKey.Compute(Encoding.ASCII.GetBytes(key), computed);
        Assert.Equal(accept, Encoding.ASCII.GetString(computed));
    }

    [Fact]
    public void Section_4_2_2_the_accept_value_is_base64_of_SHA_1_of_the_key_and_the_GUID()
    {
        byte[] key = new byte[AcceptKey.KeyLength];
        byte[] accept = new byte[AcceptKey.AcceptLength];
        var random = new Random(6455);
        byte[] nonce = new byte[16];
        for (int i = 0; i < 200; i++)
        {
            random.NextBytes(nonce);
            ClientHandshake.EncodeKey(nonce, key);
            Assert.Equal(Convert.ToBase64String(nonce), Encoding.ASCII.GetString(key));
            Assert.True(AcceptKey.IsValid(key));
            AcceptKey.Compute(key, accept);
#pragma warning disable CA5350 // RFC 6455 prescribes SHA-1
            byte[] hash = SHA1.HashData([.. key, .. "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8]);
#pragma warning restore CA5350
            Assert.Equal(Convert.ToBase64String(hash), Encoding.ASCII.GetString(accept));
        }
    }

    [Fact]
    public void Section_4_1_a_key_is_base64_of_exactly_16_bytes()
    {
        for (int length = 0; length < 40; length++)
        {
            Assert.Equal(length == 16, AcceptKey.IsValid(Encoding.ASCII.GetBytes(Convert.ToBase64String(new byte[length]))));
        }
    }

    [Fact]
    public void A_key_or_a_nonce_of_another_length_is_this_program_s_mistake()
    {
        Assert.Throws<ArgumentException>(() => AcceptKey.Compute(new byte[23], new byte[28]));
        Assert.Throws<ArgumentException>(() => AcceptKey.Compute(new byte[25], new byte[28]));
        Assert.Throws<ArgumentException>(() => ClientHandshake.EncodeKey(new byte[15], new byte[24]));
        Assert.Throws<ArgumentException>(() => ClientHandshake.EncodeKey(new byte[17], new byte[24]));
    }
}
