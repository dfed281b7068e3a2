using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>
/// What publishers have published: the highest number of each, and which of the lower ones were refused for want of room, so that a repeated
/// request gets the answer of the first. Of so many publishers; the one longest silent is forgotten. Guarded by its owner.
/// </summary>
internal sealed class PublisherTable(int capacity)
{
    // More than that many requests without an answer a client cannot have with the default options, so no more can be repeated.
    private const int MaxRefused = 256;

    private readonly Dictionary<ulong, LinkedListNode<Publisher>> _publishers = [];
    private readonly LinkedList<Publisher> _byUse = new();

    /// <summary>Whether a number was seen, and what came of it.</summary>
    public bool WasSeen(ulong publisher, long number, out SessionCode code)
    {
        code = SessionCode.Ok;
        if (publisher == 0 || !_publishers.TryGetValue(publisher, out LinkedListNode<Publisher>? node) || number > node.Value.Highest) return false;
        if (node.Value.Refused is { } refused)
        {
            foreach ((long Number, SessionCode Code) entry in refused)
            {
                if (entry.Number == number) code = entry.Code;
            }
        }

        return true;
    }

    public void Record(ulong publisher, long number, SessionCode code)
    {
        if (publisher == 0) return;
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
        node.Value.Highest = Math.Max(node.Value.Highest, number);
        if (code == SessionCode.Ok) return;
        Queue<(long, SessionCode)> refused = node.Value.Refused ??= [];
        if (refused.Count == MaxRefused) refused.Dequeue();
        refused.Enqueue((number, code));
    }

    private sealed class Publisher
    {
        public required ulong Id { get; init; }

        public long Highest { get; set; }

        public Queue<(long Number, SessionCode Code)>? Refused { get; set; }
    }
}
