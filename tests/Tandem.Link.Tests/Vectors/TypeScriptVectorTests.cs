using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Tandem.Link.Envelopes;
using Tandem.Link.Noise;
using Tandem.Link.Pairing;
using Tandem.Link.Protocol;
using Tandem.Link.Secrets;

namespace Tandem.Link.Tests.Vectors;

/// <summary>What the pages compute (tests/vectors/link-typescript.json): this side computes the same.</summary>
public class TypeScriptVectorTests
{
    private static readonly JsonObject File = JsonNode.Parse(System.IO.File.ReadAllText(VectorFile.Path("link-typescript.json")))!.AsObject();

    [Fact]
    public void Secrets_become_the_same_keys()
    {
        Assert.NotEmpty(File["secrets"]!.AsArray());
        foreach (JsonNode? vector in File["secrets"]!.AsArray())
        {
            Assert.True(LinkSecret.TryParse(Text(vector, "address"), out LinkSecret? secret));
            Assert.Equal(Text(vector, "code"), secret.ToCode());
            TicketKeys keys = secret.DeriveKeys();
            Assert.Equal(Text(vector, "routingId"), VectorFile.Hex(keys.RoutingId.Span));
            Assert.Equal(Text(vector, "psk"), VectorFile.Hex(keys.PreSharedKey.Span));
            Assert.Equal(Text(vector, "ticket"), MailboxNames.Ticket(keys.RoutingId.Span));
        }
    }

    [Fact]
    public void Handshakes_have_the_same_bytes()
    {
        Assert.Equal(2, File["handshakes"]!.AsArray().Count);
        foreach (JsonNode? vector in File["handshakes"]!.AsArray())
        {
            (LinkHandshake phone, LinkHandshake computer) = Text(vector, "protocol") == HandshakePattern.KK.Name ? KK(vector!) : NNpsk0(vector!);
            byte[] claim = phone.Write(MailType.Claim, Bytes(vector, "claimPayload"));
            Assert.Equal(Text(vector, "claim"), VectorFile.Hex(claim));
            Assert.True(computer.TryRead(MailType.Claim, claim, out byte[] payload));
            Assert.Equal(LinkFault.None, ClaimPayload.Read(payload, out _));
            byte[] answer = computer.Write(MailType.Answer, Bytes(vector, "answerPayload"));
            Assert.Equal(Text(vector, "answer"), VectorFile.Hex(answer));
            Assert.True(phone.TryRead(MailType.Answer, answer, out payload));
            Assert.Equal(LinkFault.None, AnswerPayload.Read(payload, out _));
            Assert.Equal((Text(vector, "hash"), Text(vector, "hash")), (VectorFile.Hex(phone.Hash), VectorFile.Hex(computer.Hash)));
            Assert.Equal((Text(vector, "phoneKey"), Text(vector, "computerKey")), (VectorFile.Hex(phone.SplitKeys().Phone), VectorFile.Hex(phone.SplitKeys().Computer)));
            Assert.Equal((Text(vector, "phoneInbox"), Text(vector, "computerInbox")), (MailboxNames.Inbox(phone.OwnInboxId), MailboxNames.Inbox(phone.OtherInboxId)));
            if (vector!["number"] is not { } number) continue;
            Assert.Equal(Text(vector, "commitment"), VectorFile.Hex(LinkNumber.Commit(Bytes(vector, "computerNonce"))));
            Assert.Equal(number.GetValue<int>(), LinkNumber.Compute(phone.Hash, Bytes(vector, "phoneNonce"), Bytes(vector, "computerNonce")));
        }
    }

    [Fact]
    public void Envelopes_open_and_have_the_same_bytes()
    {
        byte[] chainKey = Bytes(File["envelopes"], "chainKey");
        var receiver = new EnvelopeReceiver(new KeyChain(0, [.. chainKey]), 0);
        EnvelopeSender? sender = null;
        uint sending = 0;
        Assert.NotEmpty(File["envelopes"]!["envelopes"]!.AsArray());
        foreach (JsonNode? vector in File["envelopes"]!["envelopes"]!.AsArray())
        {
            byte[] envelope = Bytes(vector, "envelope");
            Assert.InRange(receiver.Open(envelope, out byte[] plaintext), EnvelopeOutcome.Opened, EnvelopeOutcome.OpenedAfterGap);
            Assert.Equal(LinkFault.None, Plaintext.Read(plaintext, out ReadOnlySpan<byte> message));
            Assert.Equal(Text(vector, "message"), VectorFile.Hex(message));
            uint epoch = BinaryPrimitives.ReadUInt32BigEndian(envelope.AsSpan(1));
            if (sender == null || epoch != sending)
            {
                var chain = new KeyChain(0, [.. chainKey]);
                chain.MoveTo(sending = epoch);
                sender = new EnvelopeSender(chain, null);
            }

            Assert.Equal(VectorFile.Hex(envelope), VectorFile.Hex(sender.Seal(message, 0)));
        }
    }

    [Fact]
    public void Messages_say_the_same()
    {
        Assert.NotEmpty(File["messages"]!.AsArray());
        foreach (JsonNode? vector in File["messages"]!.AsArray())
        {
            byte[] bytes = Bytes(vector, "hex");
            Assert.Equal(LinkFault.None, MessageText.Read(bytes, out JsonObject fields, out byte[] again));
            Assert.Equal(Text(vector, "message"), ((MessageType)bytes[0]).ToString());
            Assert.True(JsonNode.DeepEquals(vector!["fields"], fields), $"{Text(vector, "name")}: {fields}");
            Assert.Equal(bytes, again);
        }
    }

    private static (LinkHandshake Phone, LinkHandshake Computer) NNpsk0(JsonNode vector)
    {
        Assert.True(LinkSecret.TryParse(Text(vector, "code"), out LinkSecret? secret));
        TicketKeys keys = secret.DeriveKeys();
        return (LinkHandshake.Of(false, keys, Key(vector, "phoneEphemeral")), LinkHandshake.Of(true, keys, Key(vector, "computerEphemeral")));
    }

    private static (LinkHandshake Phone, LinkHandshake Computer) KK(JsonNode vector)
    {
        LinkKeyPair phone = Key(vector, "phoneStatic"), computer = Key(vector, "computerStatic");
        Assert.True(TrustedEnd.TryCreate(phone, computer.PublicKey.Span, out TrustedEnd? atPhone));
        Assert.True(TrustedEnd.TryCreate(computer, phone.PublicKey.Span, out TrustedEnd? atComputer));
        Assert.Equal(Text(vector, "routingId"), VectorFile.Hex(atPhone.RoutingId.Span));
        return (LinkHandshake.Of(false, atPhone, Key(vector, "phoneEphemeral")), LinkHandshake.Of(true, atComputer, Key(vector, "computerEphemeral")));
    }

    private static LinkKeyPair Key(JsonNode vector, string name) => LinkKeyPair.Import(Bytes(vector, name));

    private static byte[] Bytes(JsonNode? vector, string name) => VectorFile.Bytes(vector![name]);

    private static string Text(JsonNode? vector, string name) => vector![name]!.GetValue<string>();
}
