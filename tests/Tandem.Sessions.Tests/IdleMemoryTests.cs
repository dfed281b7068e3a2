using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>What a session costs while nothing happens, on top of its connection: about 700 bytes with a carrier, whose base is among them, and an address that is counted.</summary>
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
        Assert.InRange(each, 1, 800);
        GC.KeepAlive(carriers);

        TestCarrier Open()
        {
            var carrier = new TestCarrier(hub, new CarrierContext { Address = $"192.0.2.{opened++}" });
            Join(carrier);
            return carrier;
        }
    }

    // What is not collected yet is resident too: a server that thousands come to has their garbage, until its collector finds it worth while.
    [Fact]
    public async Task Opening_a_session_and_subscribing_allocates_little_more_than_what_stays()
    {
        const int Warm = 2_000, Measured = 2_000;
        await using var hub = new SessionHub(new TestApplication(), new SessionHubOptions { TimeProvider = new ManualClock(), MaxSessionsPerOwner = Warm + Measured });
        var context = new CarrierContext { Address = "192.0.2.1" };
        TestCarrier[] carriers = [.. Enumerable.Range(0, Warm + Measured).Select(_ => new TestCarrier(hub, context))];
        foreach (TestCarrier carrier in carriers.Take(Warm)) Join(carrier);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = Warm; i < carriers.Length; i++) Join(carriers[i]);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / Measured, 1, 850);
    }

    private static void Join(TestCarrier carrier)
    {
        carrier.Receive([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]); // OPEN
        carrier.Receive([0x10, 1, 0, 4, (byte)'n', (byte)'e', (byte)'w', (byte)'s']); // SUBSCRIBE
        long received = 0;
        while (carrier.TryTake(out SharedFrame? frame, out _)) received += frame.IsReliable ? 1 : 0;
        if (received != 1) Assert.Fail("SUBSCRIBED was to come");
        carrier.Receive([3, 1]); // ACK
    }
}
