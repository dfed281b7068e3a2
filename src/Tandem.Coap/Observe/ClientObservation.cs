using System.Threading.Channels;

namespace Tandem.Coap.Observe;

/// <summary>The notifications of an observation on their way to its reader: only those that are fresher than what came before (RFC 7641 section 3.4).</summary>
internal sealed class ClientObservation(int capacity)
{
    private readonly Channel<CoapMessage> _channel = Channel.CreateBounded<CoapMessage>(
        new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private uint _last;
    private TimeSpan? _lastCame;

    public ChannelReader<CoapMessage> Reader => _channel.Reader;

    /// <summary>A response to a registration: the order begins with it.</summary>
    public void Begin(CoapMessage response, TimeSpan now)
    {
        if (response.Options.Observe is not { } number) return;
        (_last, _lastCame) = (number, now);
    }

    public void Add(CoapMessage notification, TimeSpan now)
    {
        // What has no number is the last one, an error (section 4.2).
        if (notification.Options.Observe is { } number)
        {
            if (_lastCame is { } came && !NotificationOrder.IsFresher(_last, came, number, now)) return;
            (_last, _lastCame) = (number, now);
        }

        _channel.Writer.TryWrite(notification);
    }

    public void Complete(Exception? why) => _channel.Writer.TryComplete(why);
}
