using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests.Model;

/// <summary>What one subscription has seen, over all its sessions: everything once, in the order of its origins, and gaps that say exactly what is missing.</summary>
internal sealed class TopicStream(World world, string topic)
{
    private readonly Dictionary<uint, long> _position = [];
    // What the frames of this session alone say: a client that has seen more keeps it to itself.
    private readonly Dictionary<uint, long> _brought = [];
    private readonly Dictionary<string, (uint Origin, int Session)> _seen = [];
    private int _session;
    private bool _mayNotBeKnown;

    public bool IsGranted { get; private set; }

    public void Subscribed(SubscribedFrame frame)
    {
        EventLedger ledger = world.Ledger;
        Assert.Equal(IsGranted, (frame.Flags & SubscribedFlags.Recovered) != 0);
        _mayNotBeKnown |= _position.Keys.Any(origin => !world.IsAlive(topic, origin));
        _brought.Clear();
        _session++;
        var start = frame.Position.ToArray().ToDictionary(entry => entry.Origin, entry => entry.Offset);
        foreach ((uint origin, long offset) in start)
        {
            Assert.InRange(offset, 0, ledger.Head(topic, origin));
            if (IsGranted) Assert.True(offset <= _position.GetValueOrDefault(origin), $"{topic}: starts again at {offset} of {origin}, having seen {_position.GetValueOrDefault(origin)}.");
            _position[origin] = Math.Max(offset, _position.GetValueOrDefault(origin));
            _brought[origin] = offset;
        }

        IsGranted = true;
    }

    public void Event(uint origin, long offset, string name)
    {
        Assert.True(IsGranted, $"{topic}: {name} comes before SUBSCRIBED.");
        Assert.Equal(world.Ledger.Find(topic, origin, offset), name);
        long before = _position.GetValueOrDefault(origin);
        Assert.True(offset > before, $"{topic}: {name} is {offset}, after {before}.");
        long missing = offset - 1 - before - world.Ledger.Repeated(topic, origin, before, offset - 1);
        Assert.True(missing == 0, $"{topic}: {missing} events are missing before {name}, and nothing was said.");
        // In another session a hub may have taken it in that did not know of the first time, because the one that did has ended.
        if (_seen.TryGetValue(name, out var first)) Assert.True(first.Session < _session && !world.IsAlive(topic, first.Origin), $"{topic}: {name} comes again.");
        _seen[name] = (origin, _session);
        _position[origin] = offset;
    }

    public void Gap(long missed, GapFrame frame)
    {
        Assert.True(IsGranted, $"{topic}: a gap comes before SUBSCRIBED.");
        if (missed == 0)
        {
            Assert.True(_mayNotBeKnown, $"{topic}: a gap of unknown size, and all origins live.");
            return;
        }

        long missing = 0, repeated = 0;
        foreach (TopicPosition entry in frame.Position.ToArray())
        {
            long before = _position.GetValueOrDefault(entry.Origin);
            if (entry.Offset <= before) continue;
            missing += entry.Offset - before;
            repeated += world.Ledger.Repeated(topic, entry.Origin, before, entry.Offset);
            _position[entry.Origin] = entry.Offset;
        }

        Assert.True(missed <= missing && missed >= missing - repeated, $"{topic}: a gap of {missed}, where {missing} are missing.");
    }

    /// <summary>An event has come, whether or not the client has use for it.</summary>
    public void Brought(EventFrame frame)
    {
        // What is behind the end of an earlier subscription.
        if (!IsGranted) return;
        long before = _brought.GetValueOrDefault(frame.Origin);
        Assert.True(frame.Offset > before, $"{topic}: {frame.Offset} is brought after {before}.");
        Assert.Equal(frame.Offset - 1 - before, world.Ledger.Repeated(topic, frame.Origin, before, frame.Offset - 1));
        _brought[frame.Origin] = frame.Offset;
    }

    /// <summary>A gap has come, whether or not the client missed anything.</summary>
    public void Brought(GapFrame frame)
    {
        if (!IsGranted) return;
        long missing = 0, repeated = 0;
        foreach (TopicPosition entry in frame.Position.ToArray())
        {
            long before = _brought.GetValueOrDefault(entry.Origin);
            Assert.True(entry.Offset > before, $"{topic}: a gap up to {entry.Offset} is brought after {before}.");
            missing += entry.Offset - before;
            repeated += world.Ledger.Repeated(topic, entry.Origin, before, entry.Offset);
            _brought[entry.Origin] = entry.Offset;
        }

        Assert.InRange(frame.Missed, missing - repeated, missing);
    }

    /// <summary>When all is quiet, everything has been seen or reported.</summary>
    public void CheckComplete()
    {
        Assert.True(IsGranted, $"{topic}: never subscribed.");
        foreach ((string name, uint origin) in world.Ledger.Origins)
        {
            if (name != topic || !world.IsAlive(topic, origin)) continue;
            long seen = _position.GetValueOrDefault(origin), head = world.Ledger.Head(topic, origin);
            Assert.True(head - seen == world.Ledger.Repeated(topic, origin, seen, head), $"{topic}: ends at {seen} of {head} without a word.");
        }
    }
}
