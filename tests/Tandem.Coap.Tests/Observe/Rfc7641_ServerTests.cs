using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Tandem.Coap.Tests.Support;

namespace Tandem.Coap.Tests.Observe;

/// <summary>RFC 7641 at the server, with a clock that a test moves.</summary>
public sealed class Rfc7641_ServerTests : IAsyncLifetime
{
    private readonly ManualClock _clock = new();
    private TestServer _server = null!;
    private RawClient _raw = null!;

    public ValueTask InitializeAsync() => Begin(new CoapResourceOptions { IsObservable = true, OnObservationEnded = (_, why) => _server.Ended.Enqueue(why) });

    public async ValueTask DisposeAsync()
    {
        _raw.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Section4_1_who_registers_is_told_the_state_and_its_changes_in_order()
    {
        CoapMessage first = await Register();
        uint before = first.Options.Observe!.Value;
        Assert.Equal("state 0", Text(first));
        for (int i = 1; i <= 5; i++)
        {
            _server.Change();
            CoapMessage notification = await _raw.ReceiveAsync();
            Assert.Equal((CoapType.Confirmable, CoapCode.Content, "01", $"state {i}"), (notification.Type, notification.Code, notification.Token.ToString(), Text(notification)));
            Assert.True(notification.Options.Observe > before);
            before = notification.Options.Observe!.Value;
            _raw.Acknowledge(notification);
        }
    }

    [Fact]
    public async Task Section4_5_what_changes_while_a_notification_is_under_way_becomes_one_with_the_latest_state()
    {
        await Register();
        _server.Change();
        CoapMessage first = await _raw.ReceiveAsync();
        for (int i = 0; i < 10; i++) _server.Change();
        await _raw.AssertNothingAsync();
        _raw.Acknowledge(first);
        CoapMessage second = await _raw.ReceiveAsync();
        Assert.Equal("state 11", Text(second));
        _raw.Acknowledge(second);
        await _raw.AssertNothingAsync();
    }

    [Fact]
    public async Task Section4_5_it_is_told_what_has_arrived_when_that_is_acknowledged()
    {
        await DisposeAsync();
        ConcurrentQueue<string> arrived = new();
        await Begin(new CoapResourceOptions { IsObservable = true, OnAcknowledged = (request, response) => arrived.Enqueue($"{request.Path} {response.ReadText()}") });
        await Register();
        _server.Change();
        CoapMessage first = await _raw.ReceiveAsync();
        await _raw.AssertNothingAsync();
        Assert.Empty(arrived);
        _raw.Acknowledge(first);
        _raw.Acknowledge(first);
        await _raw.AssertNothingAsync();
        Assert.Equal(["state state 1"], arrived);
    }

    [Fact]
    public async Task Section3_6_who_deregisters_is_told_nothing_more()
    {
        await Register();
        CoapMessage answer = await _raw.ExchangeAsync(CoapCode.Get, "state", options => options.Observe = 1);
        Assert.Equal((CoapCode.Content, null), (answer.Code, answer.Options.Observe));
        _server.Change();
        await _raw.AssertNothingAsync();
        Assert.Equal([CoapObservationEnd.Cancelled], _server.Ended);
    }

    [Fact]
    public async Task Section3_6_a_reset_ends_an_observation()
    {
        await Register();
        _server.Change();
        _raw.Reset(await _raw.ReceiveAsync());
        await _raw.AssertNothingAsync();
        Assert.Equal([CoapObservationEnd.Cancelled], _server.Ended);
        Assert.Equal(0, _server.State.ObserverCount);
    }

    [Fact]
    public async Task Section4_5_who_does_not_acknowledge_is_forgotten()
    {
        await Register();
        _server.Change();
        await _raw.ReceiveAsync();
        await _raw.AssertNothingAsync();
        // Between 62 and 93 seconds, as the first wait is between 2 and 3.
        _clock.Advance(61);
        Assert.Equal((1, 4), (_server.State.ObserverCount, _server.Server.Statistics.Retransmissions));
        _clock.Advance(33);
        Assert.Equal(0, _server.State.ObserverCount);
        Assert.Equal([CoapObservationEnd.TimedOut], _server.Ended);
    }

    [Fact]
    public async Task Section4_1_the_same_token_again_takes_the_place_of_the_first()
    {
        await Register();
        await Register();
        Assert.Equal(1, _server.State.ObserverCount);
        _server.Change();
        _raw.Acknowledge(await _raw.ReceiveAsync());
        await _raw.AssertNothingAsync();
        await Register(token: 2);
        Assert.Equal(2, _server.State.ObserverCount);
        Assert.Equal([CoapObservationEnd.Replaced], _server.Ended);
    }

    [Fact]
    public async Task Section4_2_an_error_is_the_last_notification()
    {
        await Register();
        _server.Render = _ => new CoapResponse(CoapCode.NotFound);
        _server.Change();
        CoapMessage last = await _raw.ReceiveAsync();
        Assert.Equal((CoapType.Confirmable, CoapCode.NotFound, null), (last.Type, last.Code, last.Options.Observe));
        _raw.Acknowledge(last);
        Assert.Equal(0, _server.State.ObserverCount);
        Assert.Equal([CoapObservationEnd.Failed], _server.Ended);
        CoapMessage refused = await Register();
        Assert.Equal((CoapCode.NotFound, null), (refused.Code, refused.Options.Observe));
        Assert.Equal(0, _server.State.ObserverCount);
    }

    [Fact]
    public async Task Section4_1_what_cannot_be_observed_is_answered_without_Observe()
    {
        CoapMessage answer = await _raw.ExchangeAsync(CoapCode.Get, "hello", options => options.Observe = 0);
        Assert.Equal((CoapCode.Content, null), (answer.Code, answer.Options.Observe));
    }

    [Fact]
    public async Task Section4_5_without_a_change_a_confirmable_notification_asks_every_24_hours_whether_the_observer_is_there()
    {
        await Register();
        _clock.Advance((24 * 3600) - 1);
        await _raw.AssertNothingAsync();
        _clock.Advance(1);
        CoapMessage notification = await _raw.ReceiveAsync();
        Assert.Equal((CoapType.Confirmable, "state 0"), (notification.Type, Text(notification)));
        _raw.Acknowledge(notification);
        await _raw.AssertNothingAsync();
        _clock.Advance((24 * 3600) - 1);
        await _raw.AssertNothingAsync();
    }

    [Fact]
    public async Task Section4_5_1_notifications_that_are_not_confirmable_are_spaced_and_one_is_confirmable_once_in_a_while()
    {
        await DisposeAsync();
        await Begin(new CoapResourceOptions { IsObservable = true, ConfirmNotifications = false, ConfirmableInterval = TimeSpan.FromSeconds(10) });
        await Register();
        _server.Change();
        _server.Change();
        await _raw.AssertNothingAsync();
        _clock.Advance(3);
        CoapMessage first = await _raw.ReceiveAsync();
        Assert.Equal((CoapType.NonConfirmable, "state 2"), (first.Type, Text(first)));
        _server.Change();
        await _raw.AssertNothingAsync();
        _clock.Advance(3);
        Assert.Equal("state 3", Text(await _raw.ReceiveAsync()));
        await _raw.AssertNothingAsync(); // and the server has set its timer for what comes next
        _clock.Advance(4);
        CoapMessage confirmable = await _raw.ReceiveAsync();
        Assert.Equal(CoapType.Confirmable, confirmable.Type);
        _raw.Acknowledge(confirmable);
        await _raw.AssertNothingAsync();
        _clock.Advance(3);
        _server.Change();
        CoapMessage last = await _raw.ReceiveAsync();
        Assert.Equal(CoapType.NonConfirmable, last.Type);
        // Section 3.6: a reset ends it, whatever it answers.
        _raw.Reset(last);
        await Eventually.True(() => _server.State.ObserverCount == 0, "the end");
    }

    [Fact]
    public async Task Observations_have_a_bound()
    {
        for (byte token = 1; token <= 20; token++)
        {
            Assert.Equal(token <= 16, (await Register(token)).Options.Observe is not null);
        }

        Assert.Equal(16, _server.State.ObserverCount);
    }

    [Fact]
    public async Task Rfc7959_section2_6_a_large_notification_has_its_first_block_and_the_others_are_fetched()
    {
        await Register();
        byte[] bytes = RandomNumberGenerator.GetBytes(2500);
        _server.Render = _ => new CoapResponse(CoapCode.Content) { Payload = bytes };
        _server.Change();
        CoapMessage notification = await _raw.ReceiveAsync();
        Assert.Equal(new BlockOption(0, true, 6), notification.Options.Block2);
        _raw.Acknowledge(notification);
        CoapMessage second = await _raw.ExchangeAsync(CoapCode.Get, "state", options => options.Block2 = new BlockOption(1, false, 6), token: 9);
        CoapMessage third = await _raw.ExchangeAsync(CoapCode.Get, "state", options => options.Block2 = new BlockOption(2, false, 6), token: 9);
        Assert.Equal(bytes, (byte[])[.. notification.Payload.Span, .. second.Payload.Span, .. third.Payload.Span]);
        Assert.Null(second.Options.Observe);
        Assert.Equal(notification.Options.ETag!.Value.ToArray(), third.Options.ETag!.Value.ToArray());
    }

    [Fact]
    public async Task Of_a_prefix_only_the_path_that_has_changed_is_told()
    {
        await using var server = new CoapServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), VerifyAddresses = false, TimeProvider = _clock });
        CoapResource phones = server.Map("phones/*", (request, _) => ValueTask.FromResult(CoapResponse.Text(CoapCode.Content, request.Path)), new CoapResourceOptions { IsObservable = true });
        server.Start();
        using var raw = new RawClient(server.LocalEndPoint);
        await raw.ExchangeAsync(CoapCode.Get, "phones/a", options => options.Observe = 0, token: 1);
        await raw.ExchangeAsync(CoapCode.Get, "phones/b", options => options.Observe = 0, token: 2);
        phones.Notify("/phones/b");
        CoapMessage notification = await raw.ReceiveAsync();
        Assert.Equal(("02", "phones/b"), (notification.Token.ToString(), Text(notification)));
        raw.Acknowledge(notification);
        await raw.AssertNothingAsync();
        phones.Notify();
        CoapMessage next = await raw.ReceiveAsync();
        raw.Acknowledge(next);
        // NSTART is for a client, not for an observation.
        CoapMessage other = await raw.ReceiveAsync();
        Assert.NotEqual(next.Token, other.Token);
    }

    private ValueTask Begin(CoapResourceOptions observable)
    {
        _server = new TestServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), VerifyAddresses = false, TimeProvider = _clock }, observable);
        _raw = new RawClient(_server.EndPoint);
        return default;
    }

    /// <summary>When it returns, the server has set its timer for what comes next: the answer alone does not say that.</summary>
    private async Task<CoapMessage> Register(byte token = 1)
    {
        CoapMessage answer = await _raw.ExchangeAsync(CoapCode.Get, "state", options => options.Observe = 0, token: token);
        await _raw.AssertNothingAsync();
        return answer;
    }

    private static string Text(CoapMessage message) => Encoding.UTF8.GetString(message.Payload.Span);
}
