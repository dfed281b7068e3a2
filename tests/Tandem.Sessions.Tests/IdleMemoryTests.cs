using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>What a session costs while nothing happens, on top of its connection: about 900 bytes with a carrier, whose base is among them, and an address that is counted.</summary>
[Collection(nameof(Alone))]
public sealed class IdleMemoryTests
{
    private const int Count = 10_000;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_idle_session_with_a_subscription_takes_less_than_1_KiB(bool isAttached)
    {
        await using var hub = new SessionHub(new TestApplication(), new SessionHubOptions { TimeProvider = new ManualClock() });
        int opened = 0;
        TestCarrier[] carriers = new TestCarrier[Count];
        byte[] subscribe = new SubscribeFrame { Request = 1, Topic = "news"u8 }.ToShared().Span.ToArray();
        Open();
        // What the hub has once, and what a first session makes the runtime prepare.
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < Count; i++)
        {
            TestCarrier carrier = Open();
            if (isAttached) carriers[i] = carrier;
            else carrier.Detach();
        }

        long each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Count;
        Assert.Equal((Count + 1, Count + 1), (hub.Sessions, hub.Subscribers("news")));
        Assert.InRange(each, 1, 1024);
        GC.KeepAlive(carriers);

        TestCarrier Open()
        {
            var carrier = new TestCarrier(hub, new CarrierContext { Address = $"192.0.2.{opened++}" });
            carrier.Receive(new OpenFrame { Version = 1, Publisher = 1 }.ToShared().Span);
            carrier.Receive(subscribe);
            long received = 0;
            while (carrier.TryTake(out SharedFrame? frame, out _)) received += frame.IsReliable ? 1 : 0;
            Assert.Equal(1, received);
            carrier.Receive(new AckFrame { Received = received }.ToShared().Span);
            return carrier;
        }
    }
}
