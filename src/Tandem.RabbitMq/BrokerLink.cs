using System.Globalization;
using RabbitMQ.Client;

namespace Tandem.RabbitMq;

/// <summary>
/// A connection to the broker, from its making to its loss; the next one is another link. Two TCP connections: a broker that is short of memory stops
/// reading from those who publish, and acknowledgements must not wait behind that.
/// </summary>
internal sealed class BrokerLink : IAsyncDisposable
{
    // Many times what a broker that is there takes to answer.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource<Exception> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _declaring = new(1);
    private readonly IConnection _outbound;
    private readonly IConnection _inbound;
    private IChannel? _declarations;

    private BrokerLink(IConnection outbound, IConnection inbound, int generation, string queue)
    {
        _outbound = outbound;
        _inbound = inbound;
        Generation = generation;
        Queue = queue;
        foreach (IConnection connection in (IConnection[])[outbound, inbound])
        {
            connection.ConnectionShutdownAsync += (_, shutdown) =>
            {
                Lose(new IOException($"The connection to RabbitMQ ended: {shutdown.ReplyText}", shutdown.Exception));
                return Task.CompletedTask;
            };
        }
    }

    /// <summary>1, 2, 3, ... for a node.</summary>
    public int Generation { get; }

    /// <summary>The node's own queue on this link.</summary>
    public string Queue { get; }

    /// <summary>Completes with the reason when the link is lost.</summary>
    public Task<Exception> Lost => _lost.Task;

    public bool IsLost => _lost.Task.IsCompleted;

    /// <summary>Cancelled when the link is lost.</summary>
    public CancellationToken End => _end.Token;

    /// <summary>For all that is published.</summary>
    public IChannel Publishing { get; private set; } = null!;

    /// <summary>For the node's own queue.</summary>
    public IChannel Consuming { get; private set; } = null!;

    public static async Task<BrokerLink> ConnectAsync(RabbitMqBackplaneOptions options, BrokerNames names, Guid node, int generation, CancellationToken stop)
    {
        using var deadline = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, deadline.Token);
        // What is to be declared, bound and sent again after a loss is known here, in which order too; the client's own recovery knows neither.
        var factory = new ConnectionFactory
        {
            Uri = options.Uri, AutomaticRecoveryEnabled = false, TopologyRecoveryEnabled = false, RequestedHeartbeat = options.Heartbeat,
            RequestedConnectionTimeout = options.ConnectTimeout, HandshakeContinuationTimeout = options.ConnectTimeout, ContinuationTimeout = options.ConnectTimeout,
            SocketReadTimeout = options.ConnectTimeout, SocketWriteTimeout = options.ConnectTimeout,
        };
        IConnection? outbound = null, inbound = null;
        BrokerLink? link = null;
        try
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"{names.Node(node, generation)}");
            outbound = await factory.CreateConnectionAsync($"{name} out", both.Token).ConfigureAwait(false);
            inbound = await factory.CreateConnectionAsync($"{name} in", both.Token).ConfigureAwait(false);
            link = new BrokerLink(outbound, inbound, generation, names.Node(node, generation));
            await link.DeclareAsync(options, names, both.Token).ConfigureAwait(false);
            return link;
        }
        catch (Exception exception)
        {
            if (link is not null) await link.DisposeAsync().ConfigureAwait(false);
            else
            {
                if (outbound is not null) await outbound.DisposeAsync().ConfigureAwait(false);
                if (inbound is not null) await inbound.DisposeAsync().ConfigureAwait(false);
            }

            if (exception is OperationCanceledException && !stop.IsCancellationRequested)
                throw new TimeoutException($"RabbitMQ at {options.Uri.Host}:{options.Uri.Port} did not answer within {options.ConnectTimeout.TotalSeconds} s.", exception);
            throw;
        }
    }

    /// <summary>The link is of no use any more.</summary>
    public void Lose(Exception reason)
    {
        if (_lost.TrySetResult(reason)) _end.Cancel();
    }

    /// <summary>A channel for one mailbox's consumer.</summary>
    public Task<IChannel> OpenChannelAsync(CancellationToken cancellation) => _inbound.CreateChannelAsync(cancellationToken: cancellation);

    /// <summary>Declares or binds something. A refusal closes the channel that it is asked on, so there is one for that, made anew when need be.</summary>
    public async Task<T> DeclareAsync<T>(Func<IChannel, Task<T>> declare, CancellationToken cancellation)
    {
        await _declaring.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_declarations is not { IsOpen: true })
            {
                if (_declarations is not null) await _declarations.DisposeAsync().ConfigureAwait(false);
                _declarations = await _inbound.CreateChannelAsync(cancellationToken: cancellation).ConfigureAwait(false);
            }

            return await declare(_declarations).ConfigureAwait(false);
        }
        finally
        {
            _declaring.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Lose(new ObjectDisposedException(nameof(BrokerLink)));
        try
        {
            // Over a way that is dead the client waits several of its timeouts; the node is to be on its next link by then.
            await Task.WhenAll(EndAsync(_inbound), EndAsync(_outbound)).WaitAsync(Farewell).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The client comes to its end by itself.
        }
    }

    private static async Task EndAsync(IConnection connection)
    {
        try
        {
            // A broker that does not answer is not waited for: what it has of this node goes with the TCP connection.
            await connection.CloseAsync(Constants.ReplySuccess, "the node is done", Farewell, abort: true, CancellationToken.None).ConfigureAwait(false);
            await connection.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or TimeoutException or RabbitMQ.Client.Exceptions.RabbitMQClientException)
        {
        }
    }

    private async Task DeclareAsync(RabbitMqBackplaneOptions options, BrokerNames names, CancellationToken cancellation)
    {
        // Confirms are counted by PublishWindow, which sends again on the next link what this one did not confirm.
        Publishing = await _outbound.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false), cancellation)
            .ConfigureAwait(false);
        Consuming = await _inbound.CreateChannelAsync(cancellationToken: cancellation).ConfigureAwait(false);
        foreach (IChannel channel in (IChannel[])[Publishing, Consuming])
        {
            channel.ChannelShutdownAsync += (_, shutdown) =>
            {
                Lose(new IOException($"RabbitMQ closed a channel: {shutdown.ReplyText}", shutdown.Exception));
                return Task.CompletedTask;
            };
        }

        await Consuming.ExchangeDeclareAsync(names.Events, ExchangeType.Topic, durable: true, cancellationToken: cancellation).ConfigureAwait(false);
        await Consuming.ExchangeDeclareAsync(names.Nodes, ExchangeType.Fanout, durable: true, cancellationToken: cancellation).ConfigureAwait(false);
        await Consuming.ExchangeDeclareAsync(names.Openings, ExchangeType.Direct, durable: true, cancellationToken: cancellation).ConfigureAwait(false);
        var bounds = new Dictionary<string, object?>
        {
            ["x-max-length"] = options.MaxQueuedMessages, ["x-max-length-bytes"] = options.MaxQueuedBytes, ["x-overflow"] = "drop-head",
        };
        await Consuming.QueueDeclareAsync(Queue, durable: false, exclusive: true, autoDelete: true, bounds, cancellationToken: cancellation).ConfigureAwait(false);
        await Consuming.QueueBindAsync(Queue, names.Nodes, "", cancellationToken: cancellation).ConfigureAwait(false);
        await Consuming.QueueDeclareAsync(names.Roster, durable: false, exclusive: false, autoDelete: true, cancellationToken: cancellation).ConfigureAwait(false);
        await Consuming.BasicQosAsync(0, (ushort)options.Prefetch, global: false, cancellation).ConfigureAwait(false);
    }
}
