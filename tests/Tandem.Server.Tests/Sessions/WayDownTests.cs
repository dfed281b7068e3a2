using Tandem.Server.Sessions;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Tests.Sessions;

/// <summary>Frames on their way down over HTTP, where requests overtake each other.</summary>
public sealed class WayDownTests
{
    [Fact]
    public async Task An_older_request_takes_nothing_once_there_is_a_newer_which_begins_where_its_client_is()
    {
        var application = new SessionSite.Application();
        await using var hub = new SessionHub(application);
        var carrier = new HttpCarrier(hub, new CarrierContext());
        byte[] open = new OpenFrame { Version = 1, Publisher = 7 }.ToShared().Span.ToArray();
        Assert.Equal(BodyStatus.Received, await carrier.ReceiveBodyAsync((byte[])[0, (byte)open.Length, .. open], default));
        Session session = application.Opened.Single();
        HttpCarrier.Downstream older = carrier.Take(0)!;
        for (byte i = 1; i <= 5; i++) session.Send([i]);
        Assert.Equal([0, 1, 2], Take(older, 3));
        HttpCarrier.Downstream newer = carrier.Take(1)!;
        Assert.True(older.IsOver);
        Assert.Empty(Take(older, 10));
        Assert.True(await older.WaitAsync(TimeSpan.Zero, default)); // it was told
        Assert.Equal([2, 3, 4, 5], Take(newer, 10));
        Assert.False(newer.IsOver);
        session.Close();
        Assert.True(newer.IsOver);
        Assert.Equal([0], Take(newer, 10)); // CLOSE
    }

    [Fact]
    public void A_body_begins_anew_behind_what_was_acknowledged_while_it_was_made()
    {
        SharedFrame one = new ServerMessageFrame().ToShared(), link = new AckFrame { Received = 1 }.ToShared(), four = new ServerMessageFrame().ToShared();
        var body = new PollBody();
        body.Add(one, 1);
        body.Add(link, 0);
        Assert.Equal(1, body.First);
        body.Add(four, 4);
        Assert.Equal(4, body.First);
        Assert.Equal([link, four], body.Frames);
        body.Add(one, 5);
        Assert.Equal((4, 3), (body.First, body.Frames.Count));
    }

    private static List<long> Take(HttpCarrier.Downstream down, int most)
    {
        List<long> numbers = [];
        while (numbers.Count < most && down.TryTake(out _, out long number)) numbers.Add(number);
        return numbers;
    }
}
