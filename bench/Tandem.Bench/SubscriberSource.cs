namespace Tandem.Benchmarks;

/// <summary>Opens the connections of a protocol that has subscriptions.</summary>
internal sealed class SubscriberSource(LoadOptions options, News news)
{
    private readonly Upgrade _upgrade = new(options.Port, options.Path, options.Protocol == Protocol.Session ? SessionSubscriber.Subprotocol : null);
    private readonly byte[] _buffer = new byte[64 * 1024];

    /// <summary>Connects, shakes hands, subscribes.</summary>
    /// <param name="index">The number of the connection.</param>
    /// <param name="subscribes">False: it is there to publish.</param>
    public Subscriber Open(int index, bool subscribes = true)
    {
        int fd = _upgrade.Begin(options.Source(index));
        _upgrade.Finish(fd);
        Subscriber subscriber = options.Protocol == Protocol.Session
            ? new SessionSubscriber(fd, news, subscribes)
            : new SignalRSubscriber(fd, news, subscribes);
        subscriber.Join(_buffer);
        return subscriber;
    }
}
