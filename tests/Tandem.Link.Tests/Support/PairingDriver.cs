using Tandem.Link.Pairing;

namespace Tandem.Link.Tests.Support;

/// <summary>A program around a pairing: it notes what it is asked to do, in order, and what is to be sent waits until the test delivers it.</summary>
internal sealed class PairingDriver : IPairingDriver
{
    public List<string> Open { get; } = [];

    public List<string> Log { get; } = [];

    public Queue<(string Mailbox, byte[] Mail)> Sent { get; } = [];

    public int Changes { get; private set; }

    public void OpenMailbox(string mailbox)
    {
        Assert.DoesNotContain(mailbox, Open);
        Open.Add(mailbox);
        Log.Add("open " + mailbox);
    }

    public void CloseMailbox(string mailbox)
    {
        Open.Remove(mailbox);
        Log.Add("close " + mailbox);
    }

    public void Send(string mailbox, byte[] mail)
    {
        Sent.Enqueue((mailbox, mail));
        Log.Add("send " + mailbox);
    }

    public void Changed() => Changes++;
}
