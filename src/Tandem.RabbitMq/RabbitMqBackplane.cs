using System.Collections.Concurrent;
using RabbitMQ.Client;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.RabbitMq;

/// <summary>
/// The backplane of nodes that share a RabbitMQ broker: topics are bindings on a topic exchange with one exclusive queue per node, mailboxes are durable queues. One
/// hub has one. The loss of the broker is survived: what was published and not confirmed is sent again, in its order, and what was missed is fetched from the
/// histories of the other nodes; for longer than <see cref="RabbitMqBackplaneOptions.ConfirmTimeout"/> nobody waits. See docs/rabbitmq.md.
/// </summary>
public sealed partial class RabbitMqBackplane : Backplane
{
    private readonly RabbitMqBackplaneOptions _options;
    private readonly BrokerNames _names;
    private readonly Guid _id = Guid.NewGuid();
    private readonly CancellationTokenSource _stop = new();
    private readonly PublishWindow _window;
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, bool> _topics = new(StringComparer.Ordinal);
    private TaskCompletionSource<BrokerLink> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private BackplaneNode? _node;
    private Task _supervisor = Task.CompletedTask;
    private Task _inbox = Task.CompletedTask;

    /// <summary>Makes a backplane. It connects when a hub is given it.</summary>
    /// <param name="options">Where the broker is, bounds and deadlines.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public RabbitMqBackplane(RabbitMqBackplaneOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _names = new BrokerNames(options.Prefix);
        _window = new PublishWindow(options);
        _mailboxSenders = new MailboxSenders(this);
    }

    /// <inheritdoc/>
    public override bool IsShared => true;

    /// <summary>Whether the connection to the broker is there.</summary>
    public bool IsConnected
    {
        get
        {
            lock (_gate) return _ready.Task.IsCompletedSuccessfully;
        }
    }

    internal RabbitMqBackplaneOptions Options => _options;

    internal BrokerNames Names => _names;

    internal PublishWindow Window => _window;

    internal Guid Id => _id;

    /// <summary>Waits until the connection to the broker is there, for who wants to know at its start that it can be.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>Completes when it is.</returns>
    public Task WaitUntilConnectedAsync(CancellationToken cancellation = default)
    {
        lock (_gate) return _ready.Task.WaitAsync(cancellation);
    }

    /// <inheritdoc/>
    public override void Attach(BackplaneNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        lock (_gate)
        {
            if (_node is not null) throw new InvalidOperationException("A RabbitMqBackplane is for one hub.");
            _node = node;
        }

        _inbox = Task.Run(ReadInboxAsync);
        _supervisor = Task.Run(SuperviseAsync);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        // While there is a connection still: what was settled is written down. Bounded, by the release itself.
        BrokerMailbox[] open = [.. _mailboxes.Values];
        foreach (BrokerMailbox mailbox in open) mailbox.Lose(SessionCode.Unavailable);
        if (IsConnected) await Task.WhenAll(open.Select(mailbox => mailbox.Released)).ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        await _supervisor.ConfigureAwait(false);
        _work.Writer.TryComplete();
        await _inbox.ConfigureAwait(false);
        await _window.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The link, when it is there.</summary>
    /// <returns>Null: not in time.</returns>
    internal async Task<BrokerLink?> LinkAsync(CancellationToken deadline)
    {
        try
        {
            Task<BrokerLink> ready;
            lock (_gate) ready = _ready.Task;
            return await ready.WaitAsync(deadline).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>A deadline for what is asked of the broker now; also cancelled when the backplane is disposed.</summary>
    internal CancellationTokenSource Deadline()
    {
        var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        // A linked source has no time provider of its own.
        ITimer timer = _options.TimeProvider.CreateTimer(static state => Cancel((CancellationTokenSource)state!), deadline, _options.ConfirmTimeout, Timeout.InfiniteTimeSpan);
        deadline.Token.Register(static state => ((ITimer)state!).Dispose(), timer);
        return deadline;
    }

    private static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // What it was for was done in time.
        }
    }

    private async Task SuperviseAsync()
    {
        int failures = 0;
        for (int generation = 1; !_stop.IsCancellationRequested; generation++)
        {
            Exception reason;
            try
            {
                await using BrokerLink link = await BrokerLink.ConnectAsync(_options, _names, _id, generation, _stop.Token).ConfigureAwait(false);
                await using CancellationTokenRegistration stopping = _stop.Token.Register(() => link.Lose(new OperationCanceledException("The node stops.")));
                Task sending = await StartAsync(link).ConfigureAwait(false);
                failures = 0;
                reason = await link.Lost.ConfigureAwait(false);
                lock (_gate) _ready = new TaskCompletionSource<BrokerLink>(TaskCreationOptions.RunContinuationsAsynchronously);
                await sending.ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                reason = exception;
            }

            if (_stop.IsCancellationRequested) break;
            _options.ConnectionChanged?.Invoke(reason);
            await WaitBeforeReconnectAsync(failures++).ConfigureAwait(false);
        }
    }

    /// <summary>Full jitter: nodes that lost the broker together do not come back together.</summary>
    private async Task WaitBeforeReconnectAsync(int failures)
    {
        double ceiling = Math.Min(_options.MaxReconnectDelay.TotalMilliseconds, _options.MinReconnectDelay.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 30)));
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(ceiling * Random.Shared.NextDouble()), _options.TimeProvider, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>Puts everything that this node wants from the broker in place, and opens the way for what is published.</summary>
    private async Task<Task> StartAsync(BrokerLink link)
    {
        foreach (string topic in _topics.Keys) await link.Consuming.QueueBindAsync(link.Queue, _names.Events, BrokerNames.Key(topic)).ConfigureAwait(false);
        foreach (string mailbox in _mailboxes.Keys) await link.Consuming.QueueBindAsync(link.Queue, _names.Openings, BrokerNames.Key(mailbox)).ConfigureAwait(false);
        Outgoing? greeting = null;
        if (link.Generation > 1)
        {
            // From here on, events wait until what came before them is here.
            _ = CatchUpWithAllAsync(await CountNodesAsync(link, _stop.Token).ConfigureAwait(false));
            greeting = new Outgoing(_names.Nodes, "", new NodeMessage(NodeMessageKind.Hello, _id, link.Queue, 0, "").Bare(), _window.Deadline);
        }

        await link.Consuming.BasicConsumeAsync(link.Queue, autoAck: false, "", noLocal: false, exclusive: true, null, new NodeConsumer(this, link)).ConfigureAwait(false);
        await link.Consuming.BasicConsumeAsync(_names.Roster, autoAck: true, new AsyncDefaultBasicConsumer(link.Consuming)).ConfigureAwait(false);
        Task sending = _window.RunAsync(link, greeting);
        TaskCompletionSource<BrokerLink> ready;
        // A topic that was joined meanwhile was bound by who waits for the link; what is lost between is lost with the link.
        lock (_gate) ready = _ready;
        ready.TrySetResult(link);
        _options.ConnectionChanged?.Invoke(null);
        foreach (BrokerMailbox mailbox in _mailboxes.Values) mailbox.Reopen();
        return sending;
    }
}
