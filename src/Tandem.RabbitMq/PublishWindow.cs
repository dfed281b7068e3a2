using RabbitMQ.Client;

namespace Tandem.RabbitMq;

/// <summary>What came of a message.</summary>
internal enum PublishResult
{
    /// <summary>The broker has it.</summary>
    Confirmed,

    /// <summary>A queue had no room.</summary>
    Refused,

    /// <summary>There was no queue for it.</summary>
    Unroutable,

    /// <summary>There was no confirmation in time: whether the broker has it is not known.</summary>
    Unknown,
}

/// <summary>A message on its way to the broker.</summary>
internal sealed class Outgoing(string exchange, string key, ReadOnlyMemory<byte> body, long deadline)
{
    // Continued on the connection's thread, in the order of confirmation.
    private readonly TaskCompletionSource<PublishResult> _result = new();

    public string Exchange => exchange;

    public string Key => key;

    public ReadOnlyMemory<byte> Body => body;

    public long Deadline => deadline;

    public bool Mandatory { get; init; }

    public bool Persistent { get; init; }

    public bool IsText { get; init; }

    public string? MessageId { get; init; }

    /// <summary>Its place among all that were published.</summary>
    public long Number { get; set; }

    public bool WasReturned { get; set; }

    public Task<PublishResult> Result => _result.Task;

    public void Complete(PublishResult result) => _result.TrySetResult(result);
}

/// <summary>
/// What this node publishes, in its order: bounded, confirmed, and sent again in its order when the link was lost before it was confirmed. Nothing is in it for longer
/// than its deadline.
/// </summary>
internal sealed class PublishWindow : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly RabbitMqBackplaneOptions _options;
    private readonly ITimer _timer;
    private readonly SortedDictionary<long, Outgoing> _unconfirmed = [];
    // Of the present link: what each of its delivery tags stands for, from the first that is not confirmed.
    private readonly Dictionary<ulong, Outgoing> _sent = [];
    private readonly SemaphoreSlim _work = new(0, 1);
    private ulong _firstTag;
    private ulong _lastTag;
    private long _lastNumber;
    private long _nextToSend = 1;
    private long _bytes;
    private IChannel? _channel;
    private bool _isOver;

    public PublishWindow(RabbitMqBackplaneOptions options)
    {
        _options = options;
        // A quarter of the shortest deadline that there can be.
        var interval = TimeSpan.FromMilliseconds(25);
        _timer = options.TimeProvider.CreateTimer(static state => ((PublishWindow)state!).Expire(), this, interval, interval);
    }

    /// <summary>When something that begins now is to be over.</summary>
    public long Deadline => _options.TimeProvider.GetTimestamp() + (long)(_options.ConfirmTimeout.TotalSeconds * _options.TimeProvider.TimestampFrequency);

    /// <summary>Takes a message; it is sent in the order of these calls.</summary>
    /// <returns>False: too many wait.</returns>
    public bool TryPublish(Outgoing outgoing)
    {
        lock (_gate)
        {
            if (_isOver || _unconfirmed.Count >= _options.MaxUnconfirmedMessages || _bytes >= _options.MaxUnconfirmedBytes) return false;
            outgoing.Number = ++_lastNumber;
            _unconfirmed.Add(outgoing.Number, outgoing);
            _bytes += outgoing.Body.Length;
        }

        Wake();
        return true;
    }

    /// <summary>Publishes a message.</summary>
    public Task<PublishResult> PublishAsync(Outgoing outgoing) => TryPublish(outgoing) ? outgoing.Result : Task.FromResult(PublishResult.Unknown);

    /// <summary>Sends on a link until it is lost: first, again, what the one before did not confirm.</summary>
    /// <param name="link">The link.</param>
    /// <param name="greeting">What goes before that, and is not sent again. Null: nothing.</param>
    public async Task RunAsync(BrokerLink link, Outgoing? greeting)
    {
        IChannel channel = link.Publishing;
        lock (_gate)
        {
            _channel = channel;
            _sent.Clear();
            (_firstTag, _lastTag, _nextToSend) = (1, 0, 1);
        }

        channel.BasicAcksAsync += (_, args) => Confirm(channel, args.DeliveryTag, args.Multiple, PublishResult.Confirmed);
        channel.BasicNacksAsync += (_, args) => Confirm(channel, args.DeliveryTag, args.Multiple, PublishResult.Refused);
        channel.BasicReturnAsync += (_, args) => Return(args.BasicProperties.CorrelationId);
        try
        {
            if (greeting is not null)
            {
                lock (_gate) _sent.Add(++_lastTag, greeting);
                await SendAsync(channel, greeting).ConfigureAwait(false);
            }

            while (!link.IsLost)
            {
                if (NextToSend(channel) is { } next) await SendAsync(channel, next).ConfigureAwait(false);
                else await _work.WaitAsync(link.End).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            link.Lose(exception);
        }
    }

    /// <summary>Gives everything up.</summary>
    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        List<Outgoing> left;
        lock (_gate)
        {
            _isOver = true;
            left = [.. _unconfirmed.Values];
            _unconfirmed.Clear();
        }

        foreach (Outgoing outgoing in left) outgoing.Complete(PublishResult.Unknown);
        _work.Dispose();
    }

    private static async ValueTask SendAsync(IChannel channel, Outgoing outgoing)
    {
        var properties = new BasicProperties { DeliveryMode = outgoing.Persistent ? DeliveryModes.Persistent : DeliveryModes.Transient };
        if (outgoing.IsText) properties.ContentType = "text/plain";
        if (outgoing.MessageId is { } id) properties.MessageId = id;
        // A message that is returned says which it was.
        if (outgoing.Mandatory) properties.CorrelationId = outgoing.Number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await channel.BasicPublishAsync(outgoing.Exchange, outgoing.Key, outgoing.Mandatory, properties, outgoing.Body).ConfigureAwait(false);
    }

    private Outgoing? NextToSend(IChannel channel)
    {
        lock (_gate)
        {
            if (_channel != channel) return null;
            for (; _nextToSend <= _lastNumber; _nextToSend++)
            {
                if (!_unconfirmed.TryGetValue(_nextToSend, out Outgoing? outgoing)) continue;
                _nextToSend++;
                // The broker counts what is published on a channel from 1.
                _sent.Add(++_lastTag, outgoing);
                return outgoing;
            }

            return null;
        }
    }

    private Task Confirm(IChannel channel, ulong tag, bool multiple, PublishResult result)
    {
        List<Outgoing> confirmed = [];
        lock (_gate)
        {
            if (_channel != channel) return Task.CompletedTask;
            for (ulong each = multiple ? _firstTag : tag; each <= tag; each++)
            {
                if (!_sent.Remove(each, out Outgoing? outgoing)) continue;
                if (_unconfirmed.Remove(outgoing.Number)) _bytes -= outgoing.Body.Length;
                confirmed.Add(outgoing);
            }

            while (_firstTag <= _lastTag && !_sent.ContainsKey(_firstTag)) _firstTag++;
        }

        foreach (Outgoing outgoing in confirmed) outgoing.Complete(outgoing.WasReturned ? PublishResult.Unroutable : result);
        return Task.CompletedTask;
    }

    /// <summary>Comes before the confirmation.</summary>
    private Task Return(string? number)
    {
        lock (_gate)
        {
            if (long.TryParse(number, out long parsed) && _unconfirmed.TryGetValue(parsed, out Outgoing? outgoing)) outgoing.WasReturned = true;
        }

        return Task.CompletedTask;
    }

    private void Expire()
    {
        List<Outgoing>? expired = null;
        long now = _options.TimeProvider.GetTimestamp();
        lock (_gate)
        {
            // All have the same time, so they expire in their order.
            foreach (Outgoing outgoing in _unconfirmed.Values)
            {
                if (outgoing.Deadline > now) break;
                (expired ??= []).Add(outgoing);
            }

            foreach (Outgoing outgoing in expired ?? [])
            {
                _unconfirmed.Remove(outgoing.Number);
                _bytes -= outgoing.Body.Length;
            }
        }

        foreach (Outgoing outgoing in expired ?? []) outgoing.Complete(PublishResult.Unknown);
    }

    private void Wake()
    {
        lock (_gate)
        {
            if (!_isOver && _work.CurrentCount == 0) _work.Release();
        }
    }
}
