using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>
/// What publishers have published: which numbers of each were taken in, and which were refused for want of room, so that a repeated request gets the
/// answer of the first. Of so many publishers; the one longest silent is forgotten. Guarded by its owner.
/// </summary>
internal sealed class PublisherTable(int capacity)
{
    // More than that many requests without an answer a client cannot have with the default options, so no more can be repeated.
    private const int MaxRefused = 256;
    // Numbers that follow one another are one run. A client that does many things at a time has one run for each publish.
    private const int MaxRuns = 64;

    private readonly Dictionary<ulong, LinkedListNode<Publisher>> _publishers = [];
    private readonly LinkedList<Publisher> _byUse = new();

    /// <summary>Whether a number was seen, and what came of it.</summary>
    public bool WasSeen(ulong publisher, long number, out SessionCode code)
    {
        code = SessionCode.Ok;
        if (publisher == 0 || !_publishers.TryGetValue(publisher, out LinkedListNode<Publisher>? node) || number > node.Value.Highest) return false;
        if (node.Value.Has(number)) return true;
        // Later ones were taken in, this one not: another node may have had it, and refused it or not.
        code = SessionCode.Unavailable;
        if (node.Value.Refused is { } refused)
        {
            foreach ((long Number, SessionCode Code) entry in refused)
            {
                if (entry.Number == number) code = entry.Code;
            }
        }

        return true;
    }

    /// <summary>What was taken in of a publisher.</summary>
    public IReadOnlyList<(long First, long Last)> Runs(ulong publisher) =>
        _publishers.TryGetValue(publisher, out LinkedListNode<Publisher>? node) ? node.Value.Runs() : [];

    /// <summary>A number and what came of it.</summary>
    public void Record(ulong publisher, long number, SessionCode code)
    {
        if (code == SessionCode.Ok) Use(publisher)?.Add(number);
        else Use(publisher)?.Refuse(number, code);
    }

    private Publisher? Use(ulong publisher)
    {
        if (publisher == 0) return null;
        if (_publishers.TryGetValue(publisher, out LinkedListNode<Publisher>? node))
        {
            _byUse.Remove(node);
        }
        else
        {
            if (_publishers.Count == capacity)
            {
                _publishers.Remove(_byUse.First!.Value.Id);
                node = _byUse.First;
                _byUse.RemoveFirst();
                node!.Value = new Publisher { Id = publisher };
            }
            else
            {
                node = new LinkedListNode<Publisher>(new Publisher { Id = publisher });
            }

            _publishers.Add(publisher, node);
        }

        _byUse.AddLast(node);
        return node.Value;
    }

    private sealed class Publisher
    {
        // In their order, and not touching.
        private readonly List<(long First, long Last)> _runs = new(1);
        private long _forgotten;

        public required ulong Id { get; init; }

        /// <summary>The highest number, taken in or refused.</summary>
        public long Highest { get; private set; }

        public Queue<(long Number, SessionCode Code)>? Refused { get; private set; }

        /// <summary>Whether a number was taken in. Of those too long ago to be known, it is said that they were.</summary>
        public bool Has(long number)
        {
            if (number <= _forgotten) return true;
            for (int i = _runs.Count - 1; i >= 0 && number <= _runs[i].Last; i--)
            {
                if (number >= _runs[i].First) return true;
            }

            return false;
        }

        public List<(long First, long Last)> Runs() => _forgotten > 0 ? [(1, _forgotten), .. _runs] : [.. _runs];

        public void Refuse(long number, SessionCode code)
        {
            Highest = Math.Max(Highest, number);
            Refused ??= [];
            if (Refused.Count == MaxRefused) Refused.Dequeue();
            Refused.Enqueue((number, code));
        }

        public void Add(long number)
        {
            Highest = Math.Max(Highest, number);
            if (Has(number)) return;
            int at = _runs.Count;
            while (at > 0 && _runs[at - 1].First > number) at--;
            if (at > 0 && _runs[at - 1].Last == number - 1) _runs[--at] = (_runs[at].First, number);
            else _runs.Insert(at, (number, number));
            if (at + 1 < _runs.Count && _runs[at + 1].First == number + 1)
            {
                _runs[at] = (_runs[at].First, _runs[at + 1].Last);
                _runs.RemoveAt(at + 1);
            }

            if (_runs.Count <= MaxRuns) return;
            _forgotten = _runs[0].Last;
            _runs.RemoveAt(0);
        }
    }
}
