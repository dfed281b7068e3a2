using System.Collections.Concurrent;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>
/// The backplane of hubs in one process; mailboxes are in its memory. Usually one hub has one of its own. Several hubs that share one behave as nodes do.
/// </summary>
public sealed class InProcessBackplane : Backplane
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, Mailbox> _mailboxes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<BackplaneNode>> _topics = new(StringComparer.Ordinal);
    private readonly List<BackplaneNode> _nodes = [];
    private readonly ITimer _timer;
    private readonly int _maxMailboxes;
    private readonly MailboxBudget _budget;
    private int _sweeps;

    /// <summary>Makes a backplane.</summary>
    /// <param name="isShared">Whether more than one hub will use it. Default false.</param>
    /// <param name="maxMailboxes">Most mailboxes at a time; what would make another is refused as full. Default 100,000.</param>
    /// <param name="timeProvider">The clock for what expires. Default: the system's.</param>
    /// <param name="maxMailboxBytes">
    /// Most bytes of what waits in all mailboxes together, each message with 256 besides its payload; further ones are refused as full. Mailboxes that require a consumer, whose messages do
    /// not wait, are not counted. Default: without bound.
    /// </param>
    public InProcessBackplane(bool isShared = false, int maxMailboxes = 100_000, TimeProvider? timeProvider = null, long maxMailboxBytes = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxMailboxes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxMailboxBytes, 1);
        _budget = new MailboxBudget(maxMailboxBytes);
        IsShared = isShared;
        _maxMailboxes = maxMailboxes;
        _time = timeProvider ?? TimeProvider.System;
        _timer = _time.CreateTimer(static state => ((InProcessBackplane)state!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public override bool IsShared { get; }

    /// <summary>How many mailboxes there are.</summary>
    public int Mailboxes => _mailboxes.Count;

    /// <summary>What waits in them, in bytes as they are bounded.</summary>
    public long MailboxBytes => _budget.Used;

    /// <inheritdoc/>
    public override void Attach(BackplaneNode node)
    {
        lock (_gate)
        {
            if (!IsShared && _nodes.Count > 0) throw new InvalidOperationException("This backplane was made for one hub.");
            _nodes.Add(node);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<SessionCode> PublishAsync(BackplaneNode node, TopicMessage message)
    {
        foreach (BackplaneNode other in Others(node, message.Topic)) await other.DeliverAsync(message).ConfigureAwait(false);
        return SessionCode.Ok;
    }

    /// <inheritdoc/>
    public override ValueTask<(SessionCode Code, IReadOnlyList<TopicPosition> Heads)> JoinAsync(BackplaneNode node, string topic)
    {
        lock (_gate)
        {
            if (!_topics.TryGetValue(topic, out List<BackplaneNode>? nodes)) _topics.Add(topic, nodes = []);
            if (!nodes.Contains(node)) nodes.Add(node);
        }

        BackplaneNode[] others = Others(node);
        IReadOnlyList<TopicPosition> counted = node.Counted(topic);
        foreach (BackplaneNode other in others) other.Meet(topic, counted);
        IReadOnlyList<TopicPosition> heads = [.. others.SelectMany(other => other.Counted(topic))];
        return new((SessionCode.Ok, heads));
    }

    /// <inheritdoc/>
    public override void Leave(BackplaneNode node, string topic)
    {
        lock (_gate)
        {
            if (!_topics.TryGetValue(topic, out List<BackplaneNode>? nodes)) return;
            nodes.Remove(node);
            if (nodes.Count == 0) _topics.Remove(topic);
        }
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<BackplaneHistory>> HistoryAsync(BackplaneNode node, string topic, IReadOnlyList<TopicPosition> after) =>
        new([.. Others(node).Select(other => other.History(topic, after))]);

    /// <inheritdoc/>
    public override ValueTask<(SessionCode Code, IReadOnlyList<(long First, long Last)> Numbers)> PublishedAsync(BackplaneNode node, string topic, ulong publisher)
    {
        IReadOnlyList<(long, long)> numbers = [.. Others(node).SelectMany(other => other.Published(topic, publisher))];
        return new((SessionCode.Ok, numbers));
    }

    /// <inheritdoc/>
    public override ValueTask<SessionCode> SendAsync(string mailbox, MailboxOptions options, MailboxMessage message)
    {
        while (true)
        {
            if (options.RequiresConsumer && !_mailboxes.ContainsKey(mailbox)) return new(SessionCode.NotFound);
            if (Find(mailbox, options) is not { } found) return new(SessionCode.Full);
            if (found.Send(message) is { } code) return new(code);
            _mailboxes.TryRemove(new(mailbox, found));
        }
    }

    /// <inheritdoc/>
    public override ValueTask<SessionCode> ConsumeAsync(string mailbox, MailboxOptions options, MailboxConsumer consumer)
    {
        while (true)
        {
            if (Find(mailbox, options) is not { } found) return new(SessionCode.Full);
            if (found.Consume(consumer)) return new(SessionCode.Ok);
            _mailboxes.TryRemove(new(mailbox, found));
        }
    }

    /// <inheritdoc/>
    public override MailboxPage? GetMailboxes(int most, string prefix = "")
    {
        var mailboxes = new Largest<MailboxSnapshot>(most);
        int total = 0;
        foreach (KeyValuePair<string, Mailbox> mailbox in _mailboxes)
        {
            if (!mailbox.Key.StartsWith(prefix, StringComparison.Ordinal)) continue;
            total++;
            MailboxSnapshot found = mailbox.Value.ToSnapshot(mailbox.Key);
            mailboxes.Offer(found, found.Bytes);
        }

        return new MailboxPage(total, [.. mailboxes.Descending()]);
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => _timer.DisposeAsync();

    /// <summary>Takes a hub that is gone out of all topics.</summary>
    internal void Detach(BackplaneNode node)
    {
        lock (_gate)
        {
            _nodes.Remove(node);
            foreach (List<BackplaneNode> nodes in _topics.Values) nodes.Remove(node);
        }
    }

    private Mailbox? Find(string name, MailboxOptions options)
    {
        if (_mailboxes.TryGetValue(name, out Mailbox? mailbox)) return mailbox;
        // Two threads may make one too many; the bound is against floods, not exact.
        if (_mailboxes.Count >= _maxMailboxes) return null;
        Action<Mailbox>? ended = options.RequiresConsumer ? mailbox => _mailboxes.TryRemove(new(name, mailbox)) : null;
        mailbox = _mailboxes.GetOrAdd(name, new Mailbox(options, _time, options.RequiresConsumer ? null : _budget) { Ended = ended });
        SweepLater();
        return mailbox;
    }

    private BackplaneNode[] Others(BackplaneNode node)
    {
        lock (_gate) return [.. _nodes.Where(other => other != node)];
    }

    private BackplaneNode[] Others(BackplaneNode node, string topic)
    {
        lock (_gate) return _topics.TryGetValue(topic, out List<BackplaneNode>? nodes) ? [.. nodes.Where(other => other != node)] : [];
    }

    private void Sweep()
    {
        foreach (KeyValuePair<string, Mailbox> mailbox in _mailboxes)
        {
            if (mailbox.Value.Sweep()) _mailboxes.TryRemove(mailbox);
        }

        Interlocked.Exchange(ref _sweeps, 0);
        if (!_mailboxes.IsEmpty) SweepLater();
    }

    // Where there are no mailboxes nothing wakes anybody.
    private void SweepLater()
    {
        if (Interlocked.Exchange(ref _sweeps, 1) == 0) _timer.Change(SweepInterval, Timeout.InfiniteTimeSpan);
    }
}
