using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>What waits in all mailboxes of a process together is bounded, and what is gone makes room again.</summary>
public sealed class MailboxBudgetTests : IAsyncDisposable
{
    private static readonly MailboxOptions Options = new() { MessageTimeToLive = TimeSpan.FromMinutes(1), UnusedTimeToLive = TimeSpan.FromSeconds(30) };
    private readonly ManualClock _clock = new();
    private readonly InProcessBackplane _backplane;
    private long _number;

    public MailboxBudgetTests() => _backplane = new InProcessBackplane(timeProvider: _clock, maxMailboxBytes: 3000);

    public ValueTask DisposeAsync() => _backplane.DisposeAsync();

    [Fact]
    public async Task What_has_no_room_any_more_is_refused_as_full_in_whatever_mailbox()
    {
        Assert.Equal(SessionCode.Ok, await SendAsync("one", 1000));
        Assert.Equal(SessionCode.Ok, await SendAsync("other", 1000));
        Assert.Equal(2 * 1256, _backplane.MailboxBytes);
        Assert.Equal(SessionCode.Full, await SendAsync("one", 1000));
        Assert.Equal(SessionCode.Full, await SendAsync("third", 233));
        Assert.Equal(SessionCode.Ok, await SendAsync("third", 232));
        Assert.Equal(SessionCode.Full, await SendAsync("fourth", 0));
        Assert.Equal(3000, _backplane.MailboxBytes);
        // What does not wait is not counted.
        var open = new Consumer { Prefetch = 8 };
        MailboxOptions needsConsumer = Options with { RequiresConsumer = true };
        await _backplane.ConsumeAsync("ticket", needsConsumer, open);
        Assert.Equal(SessionCode.Ok, await _backplane.SendAsync("ticket", needsConsumer, Message(100)));
    }

    [Fact]
    public async Task What_is_settled_has_expired_or_is_in_a_mailbox_that_has_makes_room()
    {
        var consumer = new Consumer { Prefetch = 8 };
        await _backplane.ConsumeAsync("one", Options, consumer);
        consumer.Resume!();
        for (int i = 0; i < 2; i++) Assert.Equal(SessionCode.Ok, await SendAsync("one", 1000));
        Assert.Equal(SessionCode.Full, await SendAsync("one", 1000));
        consumer.Settle!(1);
        Assert.Equal(1256, _backplane.MailboxBytes);
        consumer.Settle!(2);
        consumer.Settle!(2);
        Assert.Equal(0, _backplane.MailboxBytes);

        for (int i = 0; i < 2; i++) await SendAsync("one", 1000);
        consumer.Close!();
        Assert.Equal(2 * 1256, _backplane.MailboxBytes);
        _clock.Advance(31);
        // Nobody used the mailbox for so long: what was in it is gone with it.
        Assert.Equal((0, 0L), (_backplane.Mailboxes, _backplane.MailboxBytes));

        await _backplane.ConsumeAsync("two", Options, new Consumer { Prefetch = 8 });
        await SendAsync("two", 1000);
        _clock.Advance(61);
        Assert.Equal((1, 0L), (_backplane.Mailboxes, _backplane.MailboxBytes));
    }

    private ValueTask<SessionCode> SendAsync(string mailbox, int length) => _backplane.SendAsync(mailbox, Options, Message(length));

    private MailboxMessage Message(int length) => new(1, ++_number, MessageFlags.None, new byte[length]);

    private sealed class Consumer : MailboxConsumer
    {
        public override bool TryDeliver(long delivery, MailboxMessage message) => true;

        public override void OnClosed(SessionCode code)
        {
        }
    }
}
