using System.Security.Cryptography;
using Tandem.Link.Envelopes;
using Tandem.Link.Pairing;
using Tandem.Link.Protocol;
using Tandem.Link.Secrets;
using Tandem.Link.Tests.Support;

namespace Tandem.Link.Tests.Pairing;

/// <summary>docs/link-protocol.md, The number: somebody has photographed the code, and stands between the ends with keys of his own on either side.</summary>
public class ManInTheMiddleTests
{
    [Fact]
    public void The_numbers_of_the_two_sides_agree_once_in_a_hundred()
    {
        const int rounds = 200;
        int agreed = 0;
        for (int round = 0; round < rounds; round++)
        {
            var middle = new Middle();
            middle.Reveal(middle.CommittedNonce);
            Assert.Equal(PhonePairingState.Choosing, middle.Phone.State);
            // The phone's owner looks for what the computer shows.
            if (middle.PhoneNumber(middle.CommittedNonce) == middle.Computer.Number) agreed++;
        }

        Assert.InRange(agreed, 0, 12); // 2 are expected; 13 have a chance of 10^-7
    }

    [Fact]
    public void Trying_numbers_until_they_agree_would_work_but_for_the_commitment()
    {
        var middle = new Middle();
        byte[] found = middle.Grind();
        // Were it not for the commitment, this would be the end of it: the phone would compute the number that the computer shows.
        Assert.Equal(middle.Computer.Number, middle.PhoneNumber(found));
        middle.Reveal(found);
        Assert.Equal((PhonePairingState.Dead, true), (middle.Phone.State, middle.Phone.IsDeceived));
        Assert.Equal((EndCode.ProtocolError, LinkFault.WrongCommitment.Text()), (middle.Phone.EndedWith, middle.Phone.EndReason));
        Assert.Empty(middle.Phone.Choices);
    }

    [Fact]
    public void Every_try_is_an_alarm()
    {
        for (int round = 0; round < 20; round++)
        {
            var middle = new Middle();
            middle.Reveal(middle.Grind());
            Assert.True(middle.Phone.IsDeceived);
        }
    }

    /// <summary>What he can do: he has the secret, so both handshakes succeed, and he knows both transcripts and both random numbers of the honest ends before he reveals his.</summary>
    private sealed class Middle
    {
        private readonly PairingDriver _atPhone = new();
        private readonly PairingDriver _atComputer = new();
        private readonly LinkHandshake _toPhone;
        private readonly LinkChannel _phoneChannel;
        private readonly byte[] _phoneNonce;

        public Middle()
        {
            Computer = new ComputerPairing(new ComputerPairingOptions(), _atComputer);
            Computer.Start(0);
            Assert.True(LinkSecret.TryParse(Computer.Secret!.ToCode(), out LinkSecret? photographed));
            Phone = new PhonePairing(photographed, "", "", _atPhone);
            Phone.Start(0);
            TicketKeys keys = photographed.DeriveKeys();

            // To the computer he is a phone, to the phone a computer.
            var toComputer = LinkHandshake.Of(isComputer: false, keys);
            (string ticket, byte[] claim) = _atPhone.Sent.Dequeue();
            Computer.Receive(ticket, toComputer.Write(MailType.Claim, new ClaimPayload().ToArray()), 0);
            Assert.True(toComputer.TryRead(MailType.Answer, _atComputer.Sent.Dequeue().Mail, out _));
            _toPhone = LinkHandshake.Of(isComputer: true, keys);
            Assert.True(_toPhone.TryRead(MailType.Claim, claim, out _));
            CommittedNonce = RandomNumberGenerator.GetBytes(32);
            Phone.Receive(_toPhone.Write(MailType.Answer, new ComputerPairingOptions().ToPayload(LinkNumber.Commit(CommittedNonce))), 0);
            _phoneChannel = _toPhone.Split();

            Assert.Equal(EnvelopeOutcome.Opened, _phoneChannel.Open(_atPhone.Sent.Dequeue().Mail, out ReadOnlySpan<byte> message, out _));
            Assert.Equal(LinkFault.None, NonceMessage.Read(message, out NonceMessage nonce));
            _phoneNonce = nonce.Nonce.ToArray();
            LinkChannel computerChannel = toComputer.Split();
            Computer.Receive(Computer.Channel!.OwnInbox, computerChannel.Seal(new NonceMessage { Nonce = _phoneNonce }.ToArray(), 0), 0);
            Assert.Equal(ComputerPairingState.Numbered, Computer.State);
        }

        public ComputerPairing Computer { get; }

        public PhonePairing Phone { get; }

        public byte[] CommittedNonce { get; }

        public int PhoneNumber(byte[] nonce) => LinkNumber.Compute(_toPhone.Hash, _phoneNonce, nonce);

        /// <summary>A number of his own that makes the phone's number the computer's.</summary>
        public byte[] Grind()
        {
            for (int tries = 0; tries < 10_000; tries++)
            {
                byte[] nonce = RandomNumberGenerator.GetBytes(32);
                if (PhoneNumber(nonce) == Computer.Number && !nonce.SequenceEqual(CommittedNonce)) return nonce;
            }

            throw new InvalidOperationException("Ten thousand tries of one in a hundred have failed.");
        }

        public void Reveal(byte[] nonce) => Phone.Receive(_phoneChannel.Seal(new RevealMessage { Nonce = nonce }.ToArray(), 0), 0);
    }
}
