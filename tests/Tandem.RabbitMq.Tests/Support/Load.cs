using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Tandem.Sessions.Protocol;

namespace Tandem.RabbitMq.Tests.Support;

/// <summary>
/// Publishers, subscribers, and senders and receivers of mailboxes, that know at the end whether something was lost or doubled. Each publisher has a few
/// requests open at a time, and repeats nothing itself: what is answered Ok must have arrived.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    public const string Topic = "load";
    private const int OpenRequests = 4;

    private readonly List<TestClient> _publishers = [];
    private readonly List<TestClient> _subscribers = [];
    private readonly List<(TestClient Sender, TestClient Receiver, string Mailbox)> _mailboxes = [];
    private readonly ConcurrentDictionary<string, SessionCode> _published = new();
    private readonly ConcurrentDictionary<string, SessionCode> _sent = new();
    private readonly ConcurrentDictionary<string, long> _publishedAt = new();
    private readonly ConcurrentDictionary<string, int> _arrivals = new();
    private readonly List<Task> _running = [];
    private volatile bool _isStopping;

    /// <summary>How long each event took from its publish to each subscriber, in milliseconds.</summary>
    public ConcurrentBag<double> Latencies { get; } = [];

    public int Published => _published.Count;

    public int Answered(SessionCode code) => _published.Values.Concat(_sent.Values).Count(answer => answer == code);

    public IEnumerable<TestClient> Clients => [.. _publishers, .. _subscribers, .. _mailboxes.SelectMany(pair => (TestClient[])[pair.Sender, pair.Receiver])];

    /// <summary>Adds a subscriber that is there before anything is published.</summary>
    public async Task SubscribeAsync(Func<int> port)
    {
        var subscriber = new TestClient(port);
        _subscribers.Add(subscriber);
        subscriber.Told = line =>
        {
            if (!line.StartsWith("event ", StringComparison.Ordinal)) return;
            string text = line.Split(' ')[2];
            _arrivals.AddOrUpdate(text, 1, static (_, count) => count + 1);
            if (_publishedAt.TryGetValue(text, out long at)) Latencies.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
        };
        Assert.Equal(SessionCode.Ok, await subscriber.SubscribeAsync(Topic).InTime());
    }

    public void Publish(Func<int> port)
    {
        var publisher = new TestClient(port);
        int number = _publishers.Count;
        _publishers.Add(publisher);
        Run(publisher, (client, i) => (client.PublishAsync(Topic, Stamp($"p{number}-{i}")), $"p{number}-{i}", _published));
    }

    public async Task SendAsync(Func<int> port)
    {
        string mailbox = $"mailbox{_mailboxes.Count}";
        TestClient sender = new(port), receiver = new(port);
        _mailboxes.Add((sender, receiver, mailbox));
        Assert.Equal(SessionCode.Ok, await receiver.OpenMailboxAsync(mailbox).InTime());
        Run(sender, (client, i) => (client.SendAsync(mailbox, $"{mailbox}-{i}"), $"{mailbox}-{i}", _sent));
    }

    /// <summary>Waits until what is acknowledged by now has arrived at all subscribers.</summary>
    /// <returns>False: not in time; what is missing is found by the check.</returns>
    public async Task<bool> ArriveAsync(TimeSpan deadline)
    {
        var missing = new Queue<string>(Acknowledged());
        var watch = Stopwatch.StartNew();
        await Arrive(
            () =>
            {
                while (missing.TryPeek(out string? first) && _arrivals.GetValueOrDefault(first) >= _subscribers.Count) missing.Dequeue();
                return missing.Count > 0;
            },
            watch,
            deadline);
        return missing.Count == 0;
    }

    /// <summary>Stops, waits for all answers and arrivals, and says what is wrong.</summary>
    public async Task<string[]> CheckAsync(TimeSpan deadline)
    {
        _isStopping = true;
        await Task.WhenAll(_running).WaitAsync(deadline);
        // One deadline for all: who lacks something then would not get it later.
        var watch = Stopwatch.StartNew();
        List<string> wrong = [];
        string[] acknowledged = Acknowledged();
        foreach (TestClient subscriber in _subscribers)
        {
            await Arrive(() => acknowledged.Except(subscriber.Events(Topic)).Any(), watch, deadline);
            string[] events = subscriber.Events(Topic);
            string who = $"subscriber {_subscribers.IndexOf(subscriber)}";
            // First, since it says whether what was lost was told.
            wrong.AddRange(subscriber.Complaints.Select(line => $"{who} was told: {line}"));
            Judge(who, acknowledged, events, wrong);
            foreach (IGrouping<string, string> publisher in events.GroupBy(text => text.Split('-')[0]))
            {
                int[] numbers = [.. publisher.Select(text => int.Parse(text.Split('-')[1], CultureInfo.InvariantCulture))];
                if (!numbers.SequenceEqual(numbers.Order())) wrong.Add($"{publisher.Key} out of order");
            }
        }

        foreach ((TestClient _, TestClient receiver, string mailbox) in _mailboxes)
        {
            string[] stored = [.. _sent.Where(entry => entry.Value == SessionCode.Ok && entry.Key.StartsWith(mailbox + "-", StringComparison.Ordinal)).Select(entry => entry.Key)];
            await Arrive(() => stored.Except(receiver.Deliveries(mailbox)).Any(), watch, deadline);
            // What was settled on a node that died before it could write that down comes again, and is marked: that is the promise.
            string first = $"delivery {mailbox} ";
            Judge(mailbox, [], [.. receiver.Log.Where(line => line.StartsWith(first, StringComparison.Ordinal)).Select(line => line[first.Length..])], wrong);
            Name($"{mailbox} lost", stored.Except(receiver.Deliveries(mailbox)), wrong);
        }

        return [.. wrong];
    }

    public async ValueTask DisposeAsync()
    {
        _isStopping = true;
        foreach (TestClient client in Clients) await client.DisposeAsync();
    }

    private static void Judge(string who, string[] acknowledged, string[] arrived, List<string> wrong)
    {
        Name($"{who} lost", acknowledged.Except(arrived), wrong);
        Name($"{who} doubled", arrived.GroupBy(text => text).Where(group => group.Count() > 1).Select(group => group.Key), wrong);
    }

    /// <summary>One line for all of a kind: a failure shows only the first few lines.</summary>
    private static void Name(string what, IEnumerable<string> texts, List<string> wrong)
    {
        string[] all = [.. texts];
        if (all.Length > 0) wrong.Add($"{what} {all.Length}: {string.Join(' ', all.OrderBy(text => text.Length).ThenBy(text => text, StringComparer.Ordinal))}");
    }

    private string[] Acknowledged() => [.. _published.Where(entry => entry.Value == SessionCode.Ok).Select(entry => entry.Key)];

    private static async Task Arrive(Func<bool> isMissing, Stopwatch watch, TimeSpan deadline)
    {
        // What is still missing then is named by who asked. Each look goes through all that has come.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (isMissing() && watch.Elapsed < deadline) await timer.WaitForNextTickAsync();
    }

    private string Stamp(string text)
    {
        _publishedAt[text] = Stopwatch.GetTimestamp();
        return text;
    }

    private void Run(TestClient client, Func<TestClient, int, (Task<SessionCode> Answer, string Text, ConcurrentDictionary<string, SessionCode> Answers)> request)
    {
        _running.Add(Task.Run(async () =>
        {
            var open = new SemaphoreSlim(OpenRequests);
            // A load, not as much as the machine can do: its own pace, and no wait for anything.
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
            for (int i = 0; !_isStopping; i++)
            {
                await open.WaitAsync();
                (Task<SessionCode> answer, string text, ConcurrentDictionary<string, SessionCode> answers) = request(client, i);
                _ = answer.ContinueWith(
                    done =>
                    {
                        answers[text] = done.Result;
                        open.Release();
                    },
                    TaskScheduler.Default);
                await pace.WaitForNextTickAsync();
            }

            for (int i = 0; i < OpenRequests; i++) await open.WaitAsync();
        }));
    }
}
