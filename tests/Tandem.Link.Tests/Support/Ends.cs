using Tandem.Link.Conversation;
using Tandem.Link.Envelopes;

namespace Tandem.Link.Tests.Support;

/// <summary>Two linked ends, and mailboxes between them that lose and repeat what the test wants.</summary>
internal sealed class Ends
{
    private readonly LinkEnd[] _ends = new LinkEnd[2];
    private readonly Queue<byte[]>[] _mail = [new(), new()];

    public Ends()
    {
        byte[] phone = new byte[16], computer = [.. Enumerable.Repeat((byte)1, 16)];
        static (byte[], byte[]) Keys() => ([.. Enumerable.Repeat((byte)2, 32)], [.. Enumerable.Repeat((byte)3, 32)]);
        _ends[0] = new LinkEnd(new LinkChannel(false, phone, computer, Keys()), Options("phone"), Records[0], Now);
        _ends[1] = new LinkEnd(new LinkChannel(true, computer, phone, Keys()), Options("computer"), Records[1], Now);
    }

    public long Now { get; set; } = 5_000_000;

    public EndRecord[] Records { get; } = [new(), new()];

    public LinkConversation Phone => _ends[0].Conversation;

    public LinkConversation Computer => _ends[1].Conversation;

    public EndRecord AtPhone => Records[0];

    public EndRecord AtComputer => Records[1];

    public LinkEnd this[int end] => _ends[end];

    /// <summary>Envelopes on their way to an end.</summary>
    public Queue<byte[]> MailTo(int end) => _mail[end];

    /// <summary>Seals at most so many messages of an end. Returns how many there were.</summary>
    public int Send(int end, int most = int.MaxValue)
    {
        int count = 0;
        for (; count < most && _ends[end].TryTake(Now, out byte[] envelope); count++) _mail[1 - end].Enqueue(envelope);
        return count;
    }

    /// <summary>Delivers at most so many envelopes to an end; some may be lost.</summary>
    public void Deliver(int end, int most = int.MaxValue, Func<bool>? isLost = null)
    {
        for (int count = Math.Min(most, _mail[end].Count); count > 0; count--)
        {
            byte[] envelope = _mail[end].Dequeue();
            if (isLost?.Invoke() == true) continue;
            Assert.NotEqual(EnvelopeOutcome.NotOpened, _ends[end].Receive(envelope, Now));
        }
    }

    /// <summary>Until nobody has anything to say.</summary>
    public Ends Settle()
    {
        for (int round = 0; round < 100_000; round++)
        {
            int sent = Send(0, 8) + Send(1, 8);
            Deliver(0);
            Deliver(1);
            if (sent == 0) return this;
        }

        Assert.Fail("The ends never stop talking.");
        return this;
    }

    /// <summary>An end dies, and goes on with what it had stored.</summary>
    public void Restart(int end, byte[]? state = null)
    {
        state ??= _ends[end].Export();
        Assert.True(LinkEnd.TryImport(state, Options(end == 0 ? "phone" : "computer"), Records[end], Now, out LinkEnd? again));
        _ends[end] = again;
    }

    private static LinkConversationOptions Options(string name) => new() { Name = name, Platform = "test" };
}
