using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>What an application answers to requests, and is told about them.</summary>
public sealed class ApplicationAnswerTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly TestApplication _application = new() { Mailboxes = _ => new MailboxOptions { RequiresConsumer = true } };
    private readonly SessionHub _hub;

    public ApplicationAnswerTests() => _hub = new SessionHub(_application, new SessionHubOptions { TimeProvider = _clock });

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    [Fact]
    public void An_application_answers_requests_with_its_own_code_and_is_told_every_answer()
    {
        _application.Authorized = (_, action, name) => name == "often" ? SessionCode.TooManyRequests : action == SessionAction.Consume && name == "no" ? SessionCode.Forbidden : SessionCode.Ok;
        Peer peer = Open("ticket");
        Assert.Equal(SessionCode.Ok, Send(peer, "ticket"));
        Assert.Equal(SessionCode.NotFound, Send(peer, "no"));
        Assert.Equal(SessionCode.TooManyRequests, Send(peer, "often"));
        long forbidden = peer.Client.OpenMailbox("no"), subscribe = peer.Client.Subscribe("often");
        peer.Exchange();
        Assert.Equal(SessionCode.Forbidden, peer.Replies[forbidden]);
        Assert.Equal(SessionCode.TooManyRequests, peer.Replies[subscribe]);
        Assert.Equal(
            [
                (SessionAction.Consume, "ticket", SessionCode.Ok), (SessionAction.Send, "ticket", SessionCode.Ok), (SessionAction.Send, "no", SessionCode.NotFound),
                (SessionAction.Send, "often", SessionCode.TooManyRequests), (SessionAction.Consume, "no", SessionCode.Forbidden),
            ],
            _application.Answered);
    }

    [Fact]
    public void Opening_a_mailbox_whose_bounds_the_application_fails_to_say_is_answered()
    {
        _application.Mailboxes = _ => throw new InvalidTimeZoneException();
        Peer peer = Open();
        long request = peer.Client.OpenMailbox("ticket");
        peer.Exchange();
        Assert.Equal(SessionCode.InternalError, peer.Replies[request]);
        Assert.IsType<InvalidTimeZoneException>(Assert.Single(_application.Faults));
    }

    [Fact]
    public void An_application_knows_the_address_that_a_session_comes_from_at_the_moment()
    {
        var peer = new Peer(_hub, _clock, new CarrierContext { Address = "192.0.2.1" });
        peer.Connect();
        peer.Exchange();
        Session session = Assert.Single(_application.Opened);
        Assert.Equal("192.0.2.1", session.Address);
        peer.Drop();
        Assert.Equal("192.0.2.1", session.Address);
    }

    private Peer Open(string? mailbox = null)
    {
        var peer = new Peer(_hub, _clock);
        peer.Connect();
        if (mailbox is not null) peer.Client.OpenMailbox(mailbox);
        peer.Exchange();
        return peer;
    }

    private static SessionCode Send(Peer peer, string mailbox)
    {
        long request = peer.Client.SendToMailbox(mailbox, "x"u8.ToArray());
        peer.Exchange();
        return peer.Replies[request];
    }
}
