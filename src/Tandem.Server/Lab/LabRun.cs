namespace Tandem.Server.Lab;

/// <summary>What one page's carriers have cost so far.</summary>
internal sealed class LabRun
{
    /// <summary>The carriers that are measured, as their addresses call them.</summary>
    public static readonly string[] Carriers = ["websocket", "streaming", "longPolling", "polling"];

    private readonly Carrier[] _carriers = [.. Carriers.Select(_ => new Carrier())];

    /// <summary>When it was last asked about or used, in milliseconds of the system's ticks.</summary>
    public long LastUsed { get; set; } = Environment.TickCount64;

    /// <summary>A request of one of the carriers begins.</summary>
    /// <returns>To be disposed at its end; null: there is no such carrier.</returns>
    public IDisposable? Begin(string carrier, ConnectionTraffic traffic)
    {
        int index = Array.IndexOf(Carriers, carrier);
        return index < 0 ? null : new OpenRequest(_carriers[index], traffic);
    }

    /// <summary>Requests, and bytes in both directions, with those of requests that are not over.</summary>
    public (long Requests, long Received, long Sent) Read(string carrier) => _carriers[Array.IndexOf(Carriers, carrier)].Read();

    private sealed class Carrier
    {
        private readonly Lock _gate = new();
        private readonly HashSet<OpenRequest> _open = [];
        private long _requests;
        private long _received;
        private long _sent;

        public void Begin(OpenRequest request)
        {
            lock (_gate)
            {
                _requests++;
                _open.Add(request);
            }
        }

        public void End(OpenRequest request)
        {
            lock (_gate)
            {
                if (!_open.Remove(request)) return;
                (long received, long sent) = request.Passed;
                _received += received;
                _sent += sent;
            }
        }

        public (long Requests, long Received, long Sent) Read()
        {
            lock (_gate)
            {
                (long received, long sent) = (_received, _sent);
                foreach (OpenRequest request in _open)
                {
                    received += request.Passed.Received;
                    sent += request.Passed.Sent;
                }

                return (_requests, received, sent);
            }
        }
    }

    private sealed class OpenRequest : IDisposable
    {
        private readonly Carrier _carrier;
        private readonly ConnectionTraffic _traffic;
        private readonly (long Received, long Sent) _before;

        public OpenRequest(Carrier carrier, ConnectionTraffic traffic)
        {
            // With its head, which was read before anybody could know whose it is.
            (_carrier, _traffic, _before) = (carrier, traffic, traffic.Settled);
            carrier.Begin(this);
        }

        public (long Received, long Sent) Passed => (_traffic.Received - _before.Received, _traffic.Sent - _before.Sent);

        public void Dispose() => _carrier.End(this);
    }
}
