using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>How often a hub has itself woken: a thread that wakes for nothing costs more than what it finds to do.</summary>
public sealed class TickTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly CountedClock _counted;
    private readonly SessionHub _hub;

    public TickTests()
    {
        _counted = new CountedClock(_clock);
        _hub = new SessionHub(new TestApplication(), new SessionHubOptions { TimeProvider = _counted });
    }

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    [Fact]
    public void With_idle_sessions_it_is_once_a_second()
    {
        Peer peer = Open();
        int before = _counted.Calls;
        for (int second = 0; second < 60; second++)
        {
            _clock.Advance(1);
            peer.Client.Tick();
            peer.Exchange();
        }

        Assert.InRange(_counted.Calls - before, 60, 61);
        Assert.Null(peer.Carrier!.End);
    }

    [Fact]
    public void What_is_acknowledged_along_with_an_answer_asks_for_no_tick()
    {
        Peer peer = Open();
        int before = _counted.Calls;
        for (int i = 0; i < 100; i++)
        {
            peer.Client.Publish("news", "x"u8);
            peer.Exchange();
            _clock.Advance(0.1);
        }

        Assert.Equal(100, peer.Replies.Values.Count(code => code == SessionCode.Ok));
        Assert.InRange(_counted.Calls - before, 10, 11);
    }

    [Fact]
    public void What_is_not_has_one_within_100_ms()
    {
        Peer peer = Open();
        _clock.Advance(0.35);
        peer.Client.Send("x"u8);
        peer.Send();
        while (peer.MoveUp())
        {
        }

        peer.Serve();
        Assert.Empty(peer.Down);
        _clock.Advance(0.1);
        peer.Serve();
        Assert.Equal((byte)FrameType.Ack, peer.Down.Single()[0]);
    }

    private Peer Open()
    {
        var peer = new Peer(_hub, _clock);
        peer.Connect();
        peer.Exchange();
        return peer;
    }

    /// <summary>A clock that counts what its timers call.</summary>
    private sealed class CountedClock(ManualClock clock) : TimeProvider
    {
        public int Calls { get; private set; }

        public override long TimestampFrequency => clock.TimestampFrequency;

        public override long GetTimestamp() => clock.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            clock.CreateTimer(
                value =>
                {
                    Calls++;
                    callback(value);
                },
                state,
                dueTime,
                period);
    }
}
