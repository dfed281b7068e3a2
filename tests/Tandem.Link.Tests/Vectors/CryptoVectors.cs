using System.Text.Json.Nodes;
using Tandem.Link.Envelopes;
using Tandem.Link.Noise;
using Tandem.Link.Pairing;
using Tandem.Link.Protocol;
using Tandem.Link.Secrets;

namespace Tandem.Link.Tests.Vectors;

/// <summary>Codes, handshakes and envelopes with every value on the way: tests/vectors/link-crypto.json.</summary>
internal static class CryptoVectors
{
    public const string FileName = "link-crypto.json";
    public const string Guid = "0fa1c3d2-7b64-4e58-9a01-c2d3e4f50617";
    private const string Digits = "0fa1c3d27b644e589a01c2d3e4f50617";

    public static readonly (string Name, string Text, string Secret)[] Codes =
    [
        ("as it is shown", Guid, Digits),
        ("in upper case", Guid.ToUpperInvariant(), Digits),
        ("without hyphens", Digits, Digits),
        ("without hyphens in upper case", Digits.ToUpperInvariant(), Digits),
        ("in braces", $"{{{Guid}}}", Digits),
        ("in braces without hyphens", $"{{{Digits}}}", Digits),
        ("with space around it", $" \t\r\n\u00A0\u3000{Guid}\u3000\u00A0\n\r\t ", Digits),
        ("the whole address", $"https://example.org/phone#{Guid}", Digits),
        ("the whole address with space around it", $"  https://example.org:1818/tandem/phone#{Guid}\n", Digits),
        ("an address whose scheme was left out", $"example.org/phone#{{{Digits.ToUpperInvariant()}}}", Digits),
        ("an address with two fragments", $"https://example.org/#/phone#{Guid}", Digits),
        ("another version", "ffffffff-ffff-ffff-ffff-ffffffffffff", "ffffffffffffffffffffffffffffffff"),
        ("nearly nothing", "00000000-0000-0000-0000-000000000001", "00000000000000000000000000000001"),
    ];

    public static readonly (string Name, string Text)[] NotCodes =
    [
        ("nothing", ""),
        ("space", "   "),
        ("all zeros", "00000000-0000-0000-0000-000000000000"),
        ("all zeros without hyphens", "00000000000000000000000000000000"),
        ("a digit too few", Guid[..^1]),
        ("a digit too many", Guid + "0"),
        ("31 digits", Digits[..^1]),
        ("33 digits", Digits + "0"),
        ("a letter that is no digit", Guid.Replace('f', 'g')),
        ("one hyphen", Digits[..8] + "-" + Digits[8..]),
        ("hyphens elsewhere", "0fa1c3d27-b64-4e58-9a01-c2d3e4f50617"),
        ("other hyphens", Guid.Replace('-', '\u2011')),
        ("half a brace", "{" + Guid),
        ("the other half", Guid + "}"),
        ("braces twice", "{{" + Guid + "}}"),
        ("parentheses", $"({Guid})"),
        ("space inside braces", $"{{ {Guid} }}"),
        ("space in the middle", Guid[..18] + " " + Guid[18..]),
        ("a sign", "+fa1c3d2-7b64-4e58-9a01-c2d3e4f50617"),
        ("hexadecimal as programs write it", "0xa1c3d2-7b64-4e58-9a01-c2d3e4f50617"),
        ("digits of another script", "٠fa1c3d2-7b64-4e58-9a01-c2d3e4f50617"),
        ("wide digits", "０fa1c3d2-7b64-4e58-9a01-c2d3e4f50617"),
        ("space that is not on the list", $"\u2003{Guid}"),
        ("a byte order mark", $"\uFEFF{Guid}"),
        ("a page that is not the phone's", $"https://example.org/#{Guid}"),
        ("a page in upper case", $"https://example.org/PHONE#{Guid}"),
        ("an address with space in it", $"see https://example.org/phone#{Guid}"),
        ("space behind the fragment", $"https://example.org/phone# {Guid}"),
        ("an address without a code", "https://example.org/phone#"),
        ("an address with the code in its query", $"https://example.org/phone?{Guid}"),
        ("something behind the code", $"https://example.org/phone#{Guid}&x=1"),
        ("longer than 1024 characters", new string('x', 982) + "/phone#" + Guid),
    ];

    /// <summary>Not points of the curve.</summary>
    public static readonly (string Name, string Hex)[] InvalidPoints =
    [
        ("nothing", ""),
        ("64 bytes", string.Concat(Enumerable.Repeat("04", 64))),
        ("zeros", string.Concat(Enumerable.Repeat("00", 65))),
        ("zero coordinates", "04" + string.Concat(Enumerable.Repeat("00", 64))),
        ("the generator with another y", "04" + "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" + "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f6"),
        ("the generator, compressed and filled up", "03" + "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" + string.Concat(Enumerable.Repeat("00", 32))),
        ("the generator as a hybrid point", "07" + "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" + "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
        // x = 0 has this point; p + 0 is the same number modulo p, but not a coordinate.
        ("a coordinate that is not below p", "04" + "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff" + "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4"),
        ("a point of secp256k1", "04" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" + "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
    ];

    public static byte[] PhoneEphemeral => Key(0x11);

    public static byte[] ComputerEphemeral => Key(0x22);

    public static byte[] PhoneStatic => Key(0x33);

    public static byte[] ComputerStatic => Key(0x44);

    public static JsonObject Json() => new()
    {
        ["about"] = "Written by Tandem.Link.Tests (run it with TANDEM_WRITE_VECTORS=1). Bytes are hexadecimal; private keys are 32 bytes, most significant first.",
        ["codes"] = VectorFile.Array(Codes, vector => new JsonObject { ["name"] = vector.Name, ["text"] = vector.Text, ["secret"] = vector.Secret }),
        ["notCodes"] = VectorFile.Array(NotCodes, vector => new JsonObject { ["name"] = vector.Name, ["text"] = vector.Text }),
        ["invalidPoints"] = VectorFile.Array(InvalidPoints, vector => new JsonObject { ["name"] = vector.Name, ["hex"] = vector.Hex }),
        ["secrets"] = VectorFile.Array<string>([Guid, "ffffffff-ffff-ffff-ffff-ffffffffffff"], Secret),
        ["handshakes"] = new JsonArray(NNpsk0(), KK()),
        ["chain"] = Chain(),
        ["envelopes"] = Envelopes(),
        ["numbers"] = VectorFile.Array(Enumerable.Range(0, 6), Number),
    };

    private static JsonObject Secret(string guid)
    {
        Assert.True(LinkSecret.TryParse(guid, out LinkSecret? secret));
        TicketKeys keys = secret.DeriveKeys();
        return new JsonObject
        {
            ["code"] = secret.ToCode(), ["address"] = secret.ToAddress("https://example.org"), ["routingId"] = VectorFile.Hex(keys.RoutingId.Span),
            ["psk"] = VectorFile.Hex(keys.PreSharedKey.Span), ["ticket"] = MailboxNames.Ticket(keys.RoutingId.Span),
        };
    }

    private static JsonObject NNpsk0()
    {
        Assert.True(LinkSecret.TryParse(Guid, out LinkSecret? secret));
        TicketKeys keys = secret.DeriveKeys();
        var handshake = new JsonObject { ["protocol"] = HandshakePattern.NNpsk0.Name, ["code"] = Guid, ["routingId"] = VectorFile.Hex(keys.RoutingId.Span), ["psk"] = VectorFile.Hex(keys.PreSharedKey.Span) };
        Run(
            handshake, LinkHandshake.Of(false, keys, LinkKeyPair.Import(PhoneEphemeral)), LinkHandshake.Of(true, keys, LinkKeyPair.Import(ComputerEphemeral)),
            LinkNumber.Commit(Key(0x66)), "login-1");
        handshake["computerNonce"] = VectorFile.Hex(Key(0x66));
        handshake["commitment"] = VectorFile.Hex(LinkNumber.Commit(Key(0x66)));
        handshake["phoneNonce"] = VectorFile.Hex(Key(0x55));
        handshake["number"] = LinkNumber.Compute(VectorFile.Bytes(handshake["hash"]), Key(0x55), Key(0x66));
        return handshake;
    }

    private static JsonObject KK()
    {
        LinkKeyPair phone = LinkKeyPair.Import(PhoneStatic), computer = LinkKeyPair.Import(ComputerStatic);
        Assert.True(TrustedEnd.TryCreate(phone, computer.PublicKey.Span, out TrustedEnd? atPhone));
        Assert.True(TrustedEnd.TryCreate(computer, phone.PublicKey.Span, out TrustedEnd? atComputer));
        Assert.Equal(atPhone.RoutingId.ToArray(), atComputer.RoutingId.ToArray());
        var handshake = new JsonObject
        {
            ["protocol"] = HandshakePattern.KK.Name, ["routingId"] = VectorFile.Hex(atPhone.RoutingId.Span),
            ["phoneStatic"] = VectorFile.Hex(PhoneStatic), ["phoneStaticPublic"] = VectorFile.Hex(phone.PublicKey.Span),
            ["computerStatic"] = VectorFile.Hex(ComputerStatic), ["computerStaticPublic"] = VectorFile.Hex(computer.PublicKey.Span),
        };
        Run(handshake, LinkHandshake.Of(false, atPhone, LinkKeyPair.Import(PhoneEphemeral)), LinkHandshake.Of(true, atComputer, LinkKeyPair.Import(ComputerEphemeral)), new byte[32], "");
        return handshake;
    }

    private static void Run(JsonObject vector, LinkHandshake phone, LinkHandshake computer, byte[] commitment, string loginId)
    {
        byte[] claimPayload = new ClaimPayload { Name = "Ana's phone"u8, Platform = "Android"u8 }.ToArray();
        byte[] answerPayload = new ComputerPairingOptions { Origin = "https://example.org", Browser = "Firefox 150", Address = "2001:db8::7", LoginId = loginId }.ToPayload(commitment);
        byte[] claim = phone.Write(MailType.Claim, claimPayload);
        Assert.True(computer.TryRead(MailType.Claim, claim, out byte[] read));
        Assert.Equal(claimPayload, read);
        byte[] answer = computer.Write(MailType.Answer, answerPayload);
        Assert.True(phone.TryRead(MailType.Answer, answer, out read));
        Assert.Equal(answerPayload, read);
        Assert.Equal(phone.Hash.ToArray(), computer.Hash.ToArray());
        (byte[] Phone, byte[] Computer) keys = phone.SplitKeys();
        Assert.Equal(keys.Phone, computer.SplitKeys().Phone);
        Assert.Equal(keys.Computer, computer.SplitKeys().Computer);
        vector["phoneEphemeral"] = VectorFile.Hex(PhoneEphemeral);
        vector["computerEphemeral"] = VectorFile.Hex(ComputerEphemeral);
        vector["claimPayload"] = VectorFile.Hex(claimPayload);
        vector["claim"] = VectorFile.Hex(claim);
        vector["answerPayload"] = VectorFile.Hex(answerPayload);
        vector["answer"] = VectorFile.Hex(answer);
        vector["hash"] = VectorFile.Hex(phone.Hash);
        vector["phoneKey"] = VectorFile.Hex(keys.Phone);
        vector["computerKey"] = VectorFile.Hex(keys.Computer);
        vector["phoneInbox"] = MailboxNames.Inbox(phone.OwnInboxId);
        vector["computerInbox"] = MailboxNames.Inbox(phone.OtherInboxId);
    }

    private static JsonObject Chain()
    {
        var chain = new KeyChain(0, Key(0x77));
        return new JsonObject
        {
            ["chainKey"] = VectorFile.Hex(Key(0x77)),
            ["epochs"] = VectorFile.Array<uint>([0, 1, 2, 1024], epoch =>
            {
                chain.MoveTo(epoch);
                return new JsonObject { ["epoch"] = epoch, ["key"] = VectorFile.Hex(chain.Key), ["next"] = VectorFile.Hex(chain.Next) };
            }),
        };
    }

    /// <summary>What one sender seals, in order, with the chain key above.</summary>
    private static JsonArray Envelopes()
    {
        var sender = new EnvelopeSender(new KeyChain(0, Key(0x77)), null);
        const long hour = LinkLimits.EpochSeconds * 1000;
        (long Now, byte[] Message)[] sent =
        [
            (0, default(ConfirmedMessage).ToArray()),
            (0, new ChatMessage { Id = 1, Text = "hello"u8 }.ToArray()),
            (0, new FileChunkMessage { Id = 7, Payload = new byte[60] }.ToArray()), // 63 bytes and a length of one: no zeros
            (0, new FileChunkMessage { Id = 7, Payload = new byte[61] }.ToArray()), // one more: 63 zeros
            (0, new FileChunkMessage { Id = 7, Payload = new byte[125] }.ToArray()), // 128 bytes, whose length takes two
            (hour, new PingMessage { Opaque = 1 }.ToArray()),
            (hour, new PongMessage { Opaque = 2 }.ToArray()),
            (2 * hour, default(TrustRevokedMessage).ToArray()),
        ];
        return VectorFile.Array(sent, message => new JsonObject { ["message"] = VectorFile.Hex(message.Message), ["envelope"] = VectorFile.Hex(sender.Seal(message.Message, message.Now)) });
    }

    private static JsonObject Number(int index)
    {
        byte[] hash = Key((byte)(0x80 + index)), phone = Key((byte)(0x90 + index)), computer = Key((byte)(0xA0 + index));
        return new JsonObject
        {
            ["hash"] = VectorFile.Hex(hash), ["phoneNonce"] = VectorFile.Hex(phone), ["computerNonce"] = VectorFile.Hex(computer),
            ["commitment"] = VectorFile.Hex(LinkNumber.Commit(computer)), ["number"] = LinkNumber.Compute(hash, phone, computer),
        };
    }

    private static byte[] Key(byte value) => [.. Enumerable.Range(0, 32).Select(index => (byte)(value + index))];
}
