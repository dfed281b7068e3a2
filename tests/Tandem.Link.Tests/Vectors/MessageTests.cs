using System.Text.Json.Nodes;
using Tandem.Link.Protocol;

namespace Tandem.Link.Tests.Vectors;

/// <summary>docs/link-protocol.md, Messages: by the shared vectors and by chance.</summary>
public class MessageTests
{
    public static TheoryData<string> Messages => [.. MessageVectors.Messages.Select(vector => vector.Name)];

    public static TheoryData<string> Malformed => [.. MessageVectors.Malformed.Select(vector => vector.Name)];

    [Fact]
    public void The_shared_vectors_are_what_this_codec_writes() => VectorFile.Check(MessageVectors.FileName, MessageVectors.Json());

    [Fact]
    public void Every_type_of_message_has_a_vector() =>
        Assert.Equal(Enum.GetValues<MessageType>(), MessageVectors.Messages.Select(vector => (MessageType)vector.Bytes[0]).Distinct().Order());

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_reads_as_it_was_written(string name)
    {
        byte[] bytes = Find(name);
        Assert.Equal(LinkFault.None, MessageText.Read(bytes, out _, out byte[] again));
        Assert.Equal(bytes, again);
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_that_is_cut_at_any_byte_is_truncated_unless_only_payload_is_missing(string name)
    {
        byte[] bytes = Find(name);
        MessageText.Read(bytes, out JsonObject whole);
        int payload = whole["payload"] is { } hex ? hex.GetValue<string>().Length / 2 : 0;
        for (int length = 0; length < bytes.Length; length++)
        {
            LinkFault expected = length == 0 ? LinkFault.EmptyMessage : length < bytes.Length - payload ? LinkFault.Truncated : LinkFault.None;
            Assert.Equal((length, expected), (length, MessageText.Read(bytes.AsSpan(0, length), out _)));
        }
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_that_goes_on_behind_its_last_field_is_refused_unless_that_is_payload(string name)
    {
        byte[] bytes = Find(name);
        MessageText.Read(bytes, out JsonObject whole);
        Assert.Equal(whole.ContainsKey("payload") ? LinkFault.None : LinkFault.TrailingBytes, MessageText.Read([.. bytes, 0], out _));
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_broken_rule_is_named(string name)
    {
        (_, string hex, LinkFault fault) = MessageVectors.Malformed.Single(vector => vector.Name == name);
        Assert.Equal(fault, MessageText.Read(Convert.FromHexString(hex), out JsonObject fields));
        Assert.NotEqual(LinkFault.None.Text(), fault.Text());
        Assert.All(fields, field => Assert.Contains(field.Value!.ToJsonString(), (string[])["0", "\"\""]));
    }

    [Fact]
    public void Every_type_has_a_direction()
    {
        MessageType[] phone = [MessageType.Nonce, MessageType.Confirmed, MessageType.LoginApproved];
        for (int type = 0; type < 256; type++)
        {
            bool known = Enum.IsDefined((MessageType)type), ofPhone = phone.Contains((MessageType)type), ofComputer = type == (int)MessageType.Reveal;
            Assert.Equal(!known ? LinkFault.UnknownType : ofPhone ? LinkFault.WrongDirection : LinkFault.None, LinkTable.Judge((MessageType)type, fromComputer: true));
            Assert.Equal(!known ? LinkFault.UnknownType : ofComputer ? LinkFault.WrongDirection : LinkFault.None, LinkTable.Judge((MessageType)type, fromComputer: false));
        }
    }

    [Fact]
    public void Every_rule_has_a_clause_that_fits_into_a_reason()
    {
        foreach (LinkFault fault in Enum.GetValues<LinkFault>()) Assert.InRange(fault.Text().Length, 10, LinkLimits.MaxReasonBytes);
        Assert.Equal(Enum.GetValues<LinkFault>().Length, Enum.GetValues<LinkFault>().Select(fault => fault.Text()).Distinct().Count());
    }

    [Fact]
    public void Whatever_is_accepted_writes_the_same_bytes_again()
    {
        var random = new Random(7);
        int accepted = 0;
        for (int round = 0; round < 100_000; round++)
        {
            byte[] bytes = Mutations.ChangeFew(random, MessageVectors.Messages[random.Next(MessageVectors.Messages.Length)].Bytes);
            if (MessageText.Read(bytes, out _, out byte[] again) != LinkFault.None) continue;
            accepted++;
            Assert.Equal(bytes, again);
        }

        Assert.InRange(accepted, 25_000, 99_999);
    }

    [Fact]
    public void Bytes_of_a_fixed_count_are_not_written_in_another() =>
        Assert.Throws<ArgumentException>(() => new NonceMessage { Nonce = new byte[31] }.ToArray());

    private static byte[] Find(string name) => MessageVectors.Messages.Single(vector => vector.Name == name).Bytes;
}
