using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>Connect tickets: 128 random bits, good once, for half a minute, for requests of one origin.</summary>
internal sealed class TicketTable(SessionHub hub)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<UInt128, (CarrierContext Context, long Expires)> _tickets = [];
    // All live equally long, so the oldest expires first.
    private readonly Queue<(UInt128 Ticket, long Expires)> _byAge = [];

    public string? Issue(CarrierContext context)
    {
        UInt128 ticket = SessionToken.Random();
        long expires = hub.Now + hub.Ticks(TimeSpan.FromSeconds(ProtocolLimits.TicketSeconds));
        lock (_gate)
        {
            Expire();
            if (_tickets.Count >= hub.Options.MaxTickets) return null;
            _tickets.Add(ticket, (context, expires));
            _byAge.Enqueue((ticket, expires));
        }

        return SessionToken.Text(ticket);
    }

    /// <summary>Uses a ticket up. Found by a lookup, not a comparison: 128 random bits that are gone at the first try are not guessed by timing.</summary>
    public CarrierContext? Redeem(ReadOnlySpan<byte> text, string? origin)
    {
        if (!SessionToken.TryParseHalf(text, out UInt128 ticket)) return null;
        lock (_gate)
        {
            Expire();
            return _tickets.Remove(ticket, out (CarrierContext Context, long Expires) found) && found.Context.Origin == origin ? found.Context : null;
        }
    }

    private void Expire()
    {
        while (_byAge.TryPeek(out (UInt128 Ticket, long Expires) oldest) && (oldest.Expires <= hub.Now || !_tickets.ContainsKey(oldest.Ticket)))
        {
            _byAge.Dequeue();
            _tickets.Remove(oldest.Ticket);
        }
    }
}
