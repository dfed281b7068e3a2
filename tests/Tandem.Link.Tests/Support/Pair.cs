using Tandem.Link.Pairing;
using Tandem.Link.Secrets;

namespace Tandem.Link.Tests.Support;

/// <summary>A computer and a phone with a server between them that delivers when the test says so.</summary>
internal sealed class Pair
{
    public Pair(ComputerPairingOptions? options = null)
    {
        Computer = new ComputerPairing(options ?? new ComputerPairingOptions { Origin = "https://example.org", Browser = "Firefox", Address = "192.0.2.1" }, AtComputer);
    }

    public long Now { get; set; } = 1_000_000;

    public PairingDriver AtComputer { get; } = new();

    public PairingDriver AtPhone { get; } = new();

    public ComputerPairing Computer { get; }

    public PhonePairing Phone { get; private set; } = null!;

    /// <summary>The computer shows a code and the phone reads it; nothing is delivered yet.</summary>
    public Pair Scan()
    {
        if (Computer.State == ComputerPairingState.Idle) Computer.Start(Now);
        Phone = NewPhone();
        Phone.Start(Now);
        return this;
    }

    public PhonePairing NewPhone(PairingDriver? driver = null)
    {
        Assert.True(LinkSecret.TryParse(Computer.Secret!.ToAddress("https://example.org"), out LinkSecret? secret));
        using (secret) return new PhonePairing(secret, "Ana's phone", "Android", driver ?? AtPhone);
    }

    /// <summary>Delivers the next thing that the phone has sent.</summary>
    public void ToComputer()
    {
        (string mailbox, byte[] mail) = AtPhone.Sent.Dequeue();
        Assert.Contains(mailbox, AtComputer.Open);
        Computer.Receive(mailbox, mail, Now);
    }

    /// <summary>Delivers the next thing that the computer has sent.</summary>
    public void ToPhone()
    {
        (string mailbox, byte[] mail) = AtComputer.Sent.Dequeue();
        Assert.Equal(Phone.Inbox, mailbox);
        Phone.Receive(mail, Now);
    }

    /// <summary>Delivers until the pairing is where it should be.</summary>
    public Pair Until(ComputerPairingState computer, PhonePairingState phone)
    {
        for (int step = 0; step < 20; step++)
        {
            if (Computer.State == computer && Phone.State == phone) return this;
            if (AtPhone.Sent.Count > 0) ToComputer();
            else if (AtComputer.Sent.Count > 0) ToPhone();
            else if (Phone.State == PhonePairingState.Choosing) Phone.Choose(Computer.Number, Now);
        }

        Assert.Fail($"The computer is {Computer.State}, the phone {Phone.State}.");
        return this;
    }

    public static Pair Linked() => new Pair().Scan().Until(ComputerPairingState.Linked, PhonePairingState.Linked);
}
