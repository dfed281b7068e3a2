using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets;

/// <content>What is counted. The receiver gathers in fields of its own and counts when it leaves: one lease for a receive.</content>
public sealed partial class WebSocketConnection
{
    // Of the receiver, since the last time.
    private long _receivedBytes;
    private int _receivedMessages;

    // Of the inbound deflate, what has been counted.
    private long _countedIn;
    private long _countedOut;

    private void CountOpened(int received)
    {
        TrafficCounters traffic = _telemetry.Traffic.Lease();
        traffic.Connections++;
        traffic.BytesReceived += received;
        traffic.EndLease();
    }

    private void CountEnded(in CloseCause cause)
    {
        TrafficCounters traffic = _telemetry.Traffic.Lease();
        traffic.Connections--;
        traffic.EndLease();
        _telemetry.Closed(in cause);
    }

    private void CountReceived()
    {
        if (_receivedBytes == 0 && _receivedMessages == 0) return;
        TrafficCounters traffic = _telemetry.Traffic.Lease();
        traffic.BytesReceived += _receivedBytes;
        traffic.MessagesReceived += _receivedMessages;
        if (_deflate is not null)
        {
            traffic.CompressedReceived += _deflate.Inbound.TotalIn - _countedIn;
            traffic.PlainReceived += _deflate.Inbound.TotalOut - _countedOut;
            _countedIn = _deflate.Inbound.TotalIn;
            _countedOut = _deflate.Inbound.TotalOut;
        }

        traffic.EndLease();
        _receivedBytes = _receivedMessages = 0;
    }
}
