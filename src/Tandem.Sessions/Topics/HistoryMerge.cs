namespace Tandem.Sessions;

/// <summary>
/// One history out of the parts of several nodes. Each event is in it once; the events of an origin are in its order; across origins the order is that of
/// the longest part as far as it goes, so that what a publisher that moved has published on several nodes is in its order.
/// </summary>
internal static class HistoryMerge
{
    public static List<TopicMessage> Events(IReadOnlyList<BackplaneHistory> parts)
    {
        List<TopicMessage> merged = [];
        foreach (BackplaneHistory part in parts.OrderByDescending(part => part.Events.Count)) Add(merged, part.Events);
        SortOrigins(merged);
        return merged;
    }

    private static void Add(List<TopicMessage> merged, IReadOnlyList<TopicMessage> events)
    {
        if (merged.Count == 0)
        {
            merged.AddRange(events);
            return;
        }

        Dictionary<(uint, long), int> places = [];
        for (int i = 0; i < merged.Count; i++) places.TryAdd((merged[i].Origin, merged[i].Offset), i);
        // What is only here goes before what follows it here and is there too. From the end, so that places before stay right.
        int next = merged.Count;
        for (int i = events.Count - 1; i >= 0; i--)
        {
            TopicMessage message = events[i];
            if (!places.TryGetValue((message.Origin, message.Offset), out int place)) merged.Insert(next, message);
            else if (place < next) next = place;
        }
    }

    /// <summary>Where nodes saw the origins mixed in different ways, the events of an origin change places among themselves.</summary>
    private static void SortOrigins(List<TopicMessage> merged)
    {
        foreach (IGrouping<uint, int> origin in Enumerable.Range(0, merged.Count).GroupBy(i => merged[i].Origin).ToList())
        {
            int[] places = [.. origin];
            TopicMessage[] sorted = [.. places.Select(place => merged[place]).OrderBy(message => message.Offset)];
            for (int i = 0; i < places.Length; i++) merged[places[i]] = sorted[i];
        }
    }
}
