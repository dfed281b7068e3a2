using Tandem.Coap.Exchanges;
using static Tandem.Coap.Tests.Support.Exchange;

namespace Tandem.Coap.Tests.Exchanges;

/// <summary>
/// Two ends over a network that loses a fifth of all datagrams, doubles a tenth, and delays each by up to 20 s, so that many overtake others; in a time of its own. Every request comes
/// once and in order, and every response belongs to its request.
/// </summary>
public sealed class LossyNetworkTests
{
    private const int Count = 5000;

    [Theory]
    [InlineData(1, 0.3)]
    [InlineData(2, 0.3)]
    [InlineData(3, 20)]
    [InlineData(4, 20)]
    public void Every_request_comes_once_and_in_order(int seed, double mostDelay)
    {
        var network = new Network(seed, mostDelay);
        network.Run();
        Assert.Equal(Enumerable.Range(0, Count), network.Carried);
        Assert.Equal(Enumerable.Range(0, Count), network.Answered);
        Assert.True(network.Server.Statistics.Duplicates > Count / 5, "The network has lost its power.");
        Assert.True(network.Client.Statistics.Retransmissions > Count / 3, "The network has lost its power.");
        Assert.InRange(network.Server.Statistics.Challenges, 1, 20);
        Assert.InRange(network.Server.Remembered, 1, 1024);
    }

    private sealed class Network
    {
        private static readonly CoapAddress ServerAddress = Other with { Port = 5683 };

        // With a fifth lost each way, five tries would not be enough for one in two hundred.
        private static readonly CoapTransmissionOptions Timers = new() { MaxRetransmit = 12, ResponseTimeout = TimeSpan.FromHours(10) };
        private static readonly CoapRateLimits NoLimits = new() { DatagramsPerSecond = 1_000_000, Burst = 1_000_000 };

        private readonly Random _random;
        private readonly double _mostDelay;
        private readonly PriorityQueue<(bool ToServer, byte[] Bytes), TimeSpan> _underWay = new();
        private readonly PriorityQueue<IncomingRequest, TimeSpan> _working = new();
        private TimeSpan _now = TimeSpan.FromHours(1);
        private ReadOnlyMemory<byte>? _echo;
        private int _next;

        public Network(int seed, double mostDelay)
        {
            _random = new Random(seed);
            _mostDelay = mostDelay;
            Client = new ExchangeTable(new ExchangeSettings { Transmission = Timers, TakesRequests = false, RateLimits = NoLimits }, new Random(seed));
            Server = new ExchangeTable(new ExchangeSettings { Transmission = Timers, RateLimits = NoLimits, PeerLifetime = TimeSpan.FromDays(30) }, new Random(seed + 1));
        }

        public ExchangeTable Client { get; }

        public ExchangeTable Server { get; }

        public List<int> Carried { get; } = [];

        public List<int> Answered { get; } = [];

        public void Run()
        {
            Send(_next++);
            while (Answered.Count < Count)
            {
                Settle();
                TimeSpan next = TimeSpan.MaxValue;
                if (_underWay.TryPeek(out _, out TimeSpan arrival)) next = arrival;
                if (_working.TryPeek(out _, out TimeSpan done) && done < next) next = done;
                if (Client.NextDue is { } client && client < next) next = client;
                if (Server.NextDue is { } server && server < next) next = server;
                Assert.True(next < TimeSpan.MaxValue, "Everything waits for something else.");
                if (next > _now) _now = next;
                Client.Sweep(_now);
                Server.Sweep(_now);
                while (_underWay.TryPeek(out var datagram, out arrival) && arrival <= _now)
                {
                    _underWay.Dequeue();
                    (datagram.ToServer ? Server : Client).Receive(datagram.ToServer ? Other : ServerAddress, datagram.Bytes, _now);
                }

                while (_working.TryPeek(out IncomingRequest? request, out done) && done <= _now)
                {
                    _working.Dequeue();
                    Server.Respond(request, new CoapMessage(CoapType.Acknowledgement, CoapCode.Content, 0) { Payload = request.Message.Payload }, _now);
                }
            }
        }

        private void Send(int number)
        {
            var message = new CoapMessage(CoapType.Confirmable, CoapCode.Put, 0, Client.NewToken()) { Payload = BitConverter.GetBytes(number) };
            message.Options.Path = "upstream/of/a/phone";
            message.Options.Echo = _echo;
            _echo = null;
            Assert.NotNull(Client.Send(ServerAddress, message, SendingKind.Request, number, _now));
        }

        private void Settle()
        {
            foreach (ExchangeEvent happened in Drain(Client.Events))
            {
                if (happened.Kind == ExchangeEventKind.Acknowledged) continue;
                Assert.Equal(ExchangeEventKind.Response, happened.Kind);
                int number = (int)happened.Sending.Owner!;
                if (happened.Message!.Code == CoapCode.Unauthorized)
                {
                    _echo = happened.Message.Options.Echo;
                    Send(number);
                    continue;
                }

                Assert.Equal(number, BitConverter.ToInt32(happened.Message.Payload.Span));
                Answered.Add(number);
                if (_next < Count) Send(_next++);
            }

            foreach (ExchangeEvent happened in Drain(Server.Events))
            {
                if (happened.Kind != ExchangeEventKind.Request) continue;
                Carried.Add(BitConverter.ToInt32(happened.Request.Message.Payload.Span));
                // Some responses come at once, some after their acknowledgement.
                _working.Enqueue(happened.Request, _now + TimeSpan.FromSeconds(_random.Next(4) == 0 ? 3 * _random.NextDouble() : 0));
            }

            Travel(Client, toServer: true);
            Travel(Server, toServer: false);
        }

        private void Travel(ExchangeTable from, bool toServer)
        {
            while (from.Outbox.TryDequeue(out Datagram datagram))
            {
                int copies = _random.Next(5) == 0 ? 0 : _random.Next(10) == 0 ? 2 : 1;
                for (; copies > 0; copies--) _underWay.Enqueue((toServer, datagram.Bytes.ToArray()), _now + TimeSpan.FromSeconds(_mostDelay * _random.NextDouble()));
            }
        }

        private static List<ExchangeEvent> Drain(Queue<ExchangeEvent> queue)
        {
            List<ExchangeEvent> all = [.. queue];
            queue.Clear();
            return all;
        }
    }
}
