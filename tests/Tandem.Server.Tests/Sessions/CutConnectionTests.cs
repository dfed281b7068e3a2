using System.Net;
using System.Text;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Tests.Sessions;

/// <summary>The connection is cut at every byte of an exchange, and nobody can tell from what is told.</summary>
public sealed class CutConnectionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cut_at_every_byte_of_an_exchange_everything_comes_once_and_in_order(bool cutsUp)
    {
        await using SessionSite site = await SessionSite.StartAsync();
        site.Told.Echoes = true;
        int next = 0, uncut = 0;
        // Several at a time: most of an exchange is waiting for the next connection.
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            // Until a cut would lie behind the end.
            while (Volatile.Read(ref uncut) == 0)
            {
                int cut = Interlocked.Increment(ref next) - 1;
                Assert.InRange(cut, 0, 5_000);
                if (!await ExchangeAsync(site, cutsUp, cut)) Interlocked.Exchange(ref uncut, 1);
            }
        }))).WaitAsync(TimeSpan.FromMinutes(4)); // a minute where many others run
        Assert.InRange(next, 100, 5_000);
        Assert.Equal(Enumerable.Range(0, next).Select(cut => $"up {cut}").Order(), site.Told.Messages.Order());
    }

    /// <returns>Whether the connection was cut.</returns>
    private static async Task<bool> ExchangeAsync(SessionSite site, bool cutsUp, int cut)
    {
        await using var proxy = new CuttingProxy(new IPEndPoint(IPAddress.Loopback, site.Port), cutsUp, cut);
        var options = new WebSocketSessionOptions { FirstDelay = TimeSpan.FromMilliseconds(2), MaxDelay = TimeSpan.FromMilliseconds(20) };
        await using (var session = new WebSocketSession(new Uri($"ws://127.0.0.1:{proxy.Port}/session/websocket"), options))
        {
            try
            {
                await session.ConnectAsync().InTime();
            }
            catch (System.Net.WebSockets.WebSocketException)
            {
                await session.ConnectAsync().InTime(); // the first try is the application's to repeat
            }

            string topic = $"topic {cut}", mailbox = $"mailbox {cut}";
            Task<SessionCode>[] answers =
            [
                session.SubscribeAsync(topic),
                .. Enumerable.Range(0, 3).Select(i => session.PublishAsync(topic, Encoding.UTF8.GetBytes($"event {i}"))),
                session.SendToMailboxAsync(mailbox, "letter"u8.ToArray()),
                session.OpenMailboxAsync(mailbox),
                session.SendAsync(Encoding.UTF8.GetBytes($"up {cut}")).ContinueWith(_ => SessionCode.Ok),
            ];
            List<string> told = [];
            using var deadline = new CancellationTokenSource(Eventually.Deadline);
            await foreach (SessionNotice notice in session.ReadAllAsync(deadline.Token))
            {
                switch (notice)
                {
                    case TopicEventReceived { Payload: var payload }:
                        told.Add(Encoding.UTF8.GetString(payload.Span));
                        break;
                    case MailboxDelivery delivery:
                        told.Add(Encoding.UTF8.GetString(delivery.Payload.Span));
                        Assert.True(session.Settle(delivery));
                        break;
                    case MessageReceived { Payload: var payload }:
                        told.Add(Encoding.UTF8.GetString(payload.Span));
                        break;
                    case SessionOpened:
                        break;
                    default:
                        Assert.Fail($"{notice}");
                        break;
                }

                if (told.Count == 5) break;
            }

            Assert.All(await Task.WhenAll(answers).InTime(), code => Assert.Equal(SessionCode.Ok, code));
            Assert.Equal(["event 0", "event 1", "event 2"], told.Where(line => line.StartsWith("event", StringComparison.Ordinal)));
            Assert.Equal(["letter", $"up {cut}"], told.Where(line => !line.StartsWith("event", StringComparison.Ordinal)).Order());
            // Nothing comes twice behind it.
            Assert.Equal(SessionCode.Ok, await session.UnsubscribeAsync(topic).InTime());
            await session.DisposeAsync();
            await foreach (SessionNotice notice in session.ReadAllAsync(deadline.Token)) Assert.IsType<SessionOpened>(notice);
        }

        return proxy.Left < 0;
    }
}
