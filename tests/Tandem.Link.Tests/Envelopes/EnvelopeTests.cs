using System.Buffers.Binary;
using Tandem.Link.Envelopes;
using Tandem.Link.Protocol;

namespace Tandem.Link.Tests.Envelopes;

/// <summary>docs/link-protocol.md, Envelopes.</summary>
public class EnvelopeTests
{
    private const long Hour = LinkLimits.EpochSeconds * 1000;
    private static readonly byte[] Message = new ChatMessage { Id = 3, Text = "hello"u8 }.ToArray();

    [Fact]
    public void What_is_sealed_opens_once_at_the_other_end()
    {
        (LinkChannel phone, LinkChannel computer) = Channels();
        byte[] envelope = phone.Seal(Message, 0);
        Assert.Equal(13 + 64 + 16, envelope.Length);
        Assert.Equal(EnvelopeOutcome.NotOpened, phone.Open(envelope, out _, out _));
        Assert.Equal(EnvelopeOutcome.Opened, computer.Open(envelope, out ReadOnlySpan<byte> message, out LinkFault fault));
        Assert.Equal((LinkFault.None, Convert.ToHexString(Message)), (fault, Convert.ToHexString(message)));
        Assert.Equal(EnvelopeOutcome.Repetition, computer.Open(envelope, out message, out _));
        Assert.True(message.IsEmpty);
        Assert.Equal((1L, 0L), (computer.Repetitions, computer.NotOpened));
    }

    [Fact]
    public void A_bit_that_was_flipped_anywhere_keeps_it_shut_and_the_receiver_as_it_was()
    {
        (LinkChannel phone, LinkChannel computer) = Channels();
        computer.Open(phone.Seal(Message, 0), out _, out _);
        byte[] envelope = phone.Seal(Message, 0);
        byte[] before = computer.Export();
        for (int at = 0; at < envelope.Length; at++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] bent = [.. envelope];
                bent[at] ^= (byte)(1 << bit);
                Assert.NotEqual(EnvelopeOutcome.Opened, computer.Open(bent, out ReadOnlySpan<byte> message, out _));
                Assert.True(message.IsEmpty);
            }

            Assert.Equal(EnvelopeOutcome.NotOpened, computer.Open(envelope.AsSpan(0, at), out _, out _));
            Assert.Equal(EnvelopeOutcome.NotOpened, computer.Open([.. envelope, .. new byte[at + 1]], out _, out _));
        }

        Assert.Equal(before, computer.Export());
        Assert.Equal(EnvelopeOutcome.Opened, computer.Open(envelope, out _, out _));
    }

    [Fact]
    public void Repetitions_and_what_was_overtaken_are_dropped_and_a_hole_is_told()
    {
        (LinkChannel phone, LinkChannel computer) = Channels();
        byte[][] envelopes = [.. Enumerable.Range(0, 5).Select(_ => phone.Seal(Message, 0))];
        Assert.Equal(EnvelopeOutcome.Opened, computer.Open(envelopes[0], out _, out _));
        Assert.Equal(EnvelopeOutcome.OpenedAfterGap, computer.Open(envelopes[2], out _, out _));
        Assert.Equal(EnvelopeOutcome.Repetition, computer.Open(envelopes[1], out _, out _));
        Assert.Equal(EnvelopeOutcome.Repetition, computer.Open(envelopes[2], out _, out _));
        Assert.Equal(EnvelopeOutcome.Opened, computer.Open(envelopes[3], out _, out _));
        Assert.Equal(EnvelopeOutcome.Opened, computer.Open(envelopes[4], out _, out _));
    }

    [Fact]
    public void The_first_envelope_of_all_may_be_missing_too()
    {
        (LinkChannel phone, LinkChannel computer) = Channels();
        phone.Seal(Message, 0);
        Assert.Equal(EnvelopeOutcome.OpenedAfterGap, computer.Open(phone.Seal(Message, 0), out _, out _));
    }

    [Fact]
    public void An_epoch_lasts_an_hour_from_its_first_envelope_and_2_to_the_20_envelopes()
    {
        var sender = new EnvelopeSender(new KeyChain(0, new byte[32]), null);
        Assert.Equal((0u, 0ul), Number(sender.Seal([1], 10 * Hour)));
        Assert.Equal((0u, 1ul), Number(sender.Seal([1], (11 * Hour) - 1)));
        Assert.Equal((1u, 0ul), Number(sender.Seal([1], 11 * Hour)));
        Assert.Equal((1u, 1ul), Number(sender.Seal([1], 11 * Hour)));
        for (int count = 2; count < LinkLimits.EpochEnvelopes; count++) sender.Seal([1], 11 * Hour);
        Assert.Equal((2u, 0ul), Number(sender.Seal([1], 11 * Hour)));
    }

    [Fact]
    public void A_new_epoch_opens_and_is_told_and_the_old_one_does_not_open_any_more()
    {
        (LinkChannel phone, LinkChannel computer) = Channels();
        computer.Open(phone.Seal(Message, 0), out _, out _);
        byte[] late = phone.Seal(Message, 0);
        Assert.Equal(EnvelopeOutcome.OpenedAfterGap, computer.Open(phone.Seal(Message, Hour), out _, out _));
        Assert.Equal(EnvelopeOutcome.Opened, computer.Open(phone.Seal(Message, Hour), out _, out _));
        Assert.Equal(EnvelopeOutcome.Repetition, computer.Open(late, out _, out _));
    }

    [Theory]
    [InlineData(1024, EnvelopeOutcome.OpenedAfterGap)]
    [InlineData(1025, EnvelopeOutcome.NotOpened)]
    public void An_epoch_may_be_1024_ahead(int ahead, EnvelopeOutcome expected)
    {
        var chain = new KeyChain(0, new byte[32]);
        chain.MoveTo((uint)ahead);
        var sender = new EnvelopeSender(chain, null);
        var receiver = new EnvelopeReceiver(new KeyChain(0, new byte[32]), 0);
        Assert.Equal(expected, receiver.Open(sender.Seal(Message, 0), out _));
        Assert.Equal(expected == EnvelopeOutcome.NotOpened ? 0u : 1024u, receiver.Chain.Epoch);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(63, 1)]
    [InlineData(64, 2)]
    [InlineData(127, 2)]
    [InlineData(128, 3)]
    [InlineData(LinkLimits.MaxMessageBytes, 961)]
    public void Lengths_are_hidden_in_blocks_of_64(int length, int blocks)
    {
        (LinkChannel phone, LinkChannel computer) = Channels();
        byte[] message = [.. Enumerable.Repeat((byte)9, length)];
        byte[] envelope = phone.Seal(message, 0);
        Assert.Equal(29 + (64 * blocks), envelope.Length);
        Assert.Equal(EnvelopeOutcome.Opened, computer.Open(envelope, out ReadOnlySpan<byte> opened, out LinkFault fault));
        Assert.Equal((LinkFault.None, true), (fault, opened.SequenceEqual(message)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(LinkLimits.MaxMessageBytes + 1)]
    public void A_message_out_of_bounds_is_not_sealed(int length)
    {
        (LinkChannel phone, _) = Channels();
        Assert.Throws<ArgumentOutOfRangeException>(() => phone.Seal(new byte[length], 0));
    }

    [Fact]
    public void A_plaintext_that_breaks_a_rule_is_named()
    {
        Check(LinkFault.None, Padded([2, 8, 9], 64));
        Check(LinkFault.BadPadding, Padded([2, 8, 9], 128));
        Check(LinkFault.BadPadding, Padded([2, 8, 9, 1], 64));
        Check(LinkFault.EmptyMessage, Padded([], 64));
        Check(LinkFault.Truncated, Padded([64], 64));
        Check(LinkFault.IntegerNotShortest, Padded([0x81, 0, 9], 64));
        Check(LinkFault.MessageTooLarge, Padded([0x81, 0xE0, 3], 64));

        static void Check(LinkFault expected, byte[] plaintext) => Assert.Equal(expected, Plaintext.Read(plaintext, out _));
        static byte[] Padded(byte[] start, int length) => [.. start, .. new byte[length - start.Length]];
    }

    [Fact]
    public void Whoever_goes_on_from_what_was_stored_uses_no_nonce_twice_whatever_was_lost()
    {
        (LinkChannel phone, LinkChannel computer) = Channels();
        byte[] stored = phone.Export();
        phone.StoreWith(channel => stored = channel.Export());
        var used = new HashSet<(uint, ulong)>();
        var random = new Random(5);
        long now = 0;
        for (int round = 0; round < 400; round++)
        {
            now += random.Next(2) * Hour / 3;
            Assert.True(used.Add(Number(phone.Seal(Message, now))));
            if (random.Next(5) > 0) continue;
            // The process dies; nothing is stored but what StoreWith has.
            Assert.True(LinkChannel.TryImport(stored, out LinkChannel? again));
            phone = again;
            phone.StoreWith(channel => stored = channel.Export());
        }

        Assert.NotEqual(EnvelopeOutcome.NotOpened, computer.Open(phone.Seal(Message, now), out _, out _));
    }

    [Fact]
    public void What_cannot_be_stored_is_not_sealed()
    {
        (LinkChannel phone, LinkChannel computer) = Channels();
        bool isFull = true;
        phone.StoreWith(_ =>
        {
            if (isFull) throw new InvalidOperationException("The disk is full.");
        });
        Assert.Throws<InvalidOperationException>(() => phone.Seal(Message, 0));
        isFull = false;
        Assert.Equal(EnvelopeOutcome.Opened, computer.Open(phone.Seal(Message, 0), out _, out _));
    }

    [Fact]
    public void A_channel_goes_on_where_it_was_stored()
    {
        (LinkChannel phone, LinkChannel computer) = Channels();
        computer.Open(phone.Seal(Message, 0), out _, out _);
        byte[] known = phone.Seal(Message, 0);
        computer.Open(known, out _, out _);
        Assert.True(LinkChannel.TryImport(computer.Export(), out LinkChannel? again));
        Assert.Equal((computer.OwnInbox, computer.OtherInbox, true), (again.OwnInbox, again.OtherInbox, again.IsComputer));
        Assert.Equal(EnvelopeOutcome.Repetition, again.Open(known, out _, out _));
        Assert.Equal(EnvelopeOutcome.Opened, again.Open(phone.Seal(Message, 0), out _, out _));
        Assert.Equal(EnvelopeOutcome.OpenedAfterGap, phone.Open(again.Seal(Message, 0), out _, out _));
    }

    [Fact]
    public void Other_bytes_are_no_channel()
    {
        (LinkChannel phone, _) = Channels();
        byte[] state = phone.Export();
        Assert.False(LinkChannel.TryImport([], out _));
        Assert.False(LinkChannel.TryImport(state.AsSpan(1), out _));
        Assert.False(LinkChannel.TryImport([.. state, 0], out _));
        state[0]++;
        Assert.False(LinkChannel.TryImport(state, out _));
    }

    [Fact]
    public void The_chain_keeps_nothing_that_is_behind()
    {
        byte[] chainKey = [.. Enumerable.Repeat((byte)7, 32)];
        var chain = new KeyChain(0, chainKey);
        Assert.Equal(new byte[32], chainKey);
        byte[] first = chain.Key.ToArray(), next = chain.Next.ToArray();
        chain.MoveTo(1);
        Assert.NotEqual(first, chain.Key.ToArray());
        Assert.NotEqual(next, chain.Next.ToArray());
        chain.Dispose();
        Assert.Equal(new byte[32], chain.Key.ToArray());
        Assert.Equal(new byte[32], chain.Next.ToArray());
    }

    private static (LinkChannel Phone, LinkChannel Computer) Channels()
    {
        byte[] phone = new byte[16], computer = [.. Enumerable.Repeat((byte)1, 16)];
        (byte[], byte[]) Keys() => ([.. Enumerable.Repeat((byte)2, 32)], [.. Enumerable.Repeat((byte)3, 32)]);
        return (new LinkChannel(false, phone, computer, Keys()), new LinkChannel(true, computer, phone, Keys()));
    }

    private static (uint Epoch, ulong Counter) Number(byte[] envelope) =>
        (BinaryPrimitives.ReadUInt32BigEndian(envelope.AsSpan(1)), BinaryPrimitives.ReadUInt64BigEndian(envelope.AsSpan(5)));
}
