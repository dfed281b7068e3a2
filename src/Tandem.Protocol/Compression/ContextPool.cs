namespace Tandem.Protocol.Compression;

/// <summary>
/// Contexts that no message is using: a fixed number of places for each window, each taken and given back by one atomic exchange, so that a
/// pool may be shared without a lock.
/// </summary>
internal sealed class ContextPool<T>(int maxKept) : IDisposable
    where T : class, IDisposable
{
    private readonly T?[] _places = new T?[(DeflateParameters.MaxWindowBits - DeflateParameters.MinWindowBits + 1) * maxKept];

    /// <summary>Takes one out; null when there is none.</summary>
    public T? Take(int windowBits)
    {
        foreach (ref T? place in Places(windowBits))
        {
            if (place is not null && Interlocked.Exchange(ref place, null) is { } context) return context;
        }

        return null;
    }

    /// <summary>Takes one back, or frees it when all places are taken.</summary>
    public void Put(T context, int windowBits)
    {
        foreach (ref T? place in Places(windowBits))
        {
            if (place is null && Interlocked.CompareExchange(ref place, context, null) is null) return;
        }

        context.Dispose();
    }

    public void Dispose()
    {
        foreach (ref T? place in _places.AsSpan()) Interlocked.Exchange(ref place, null)?.Dispose();
    }

    private Span<T?> Places(int windowBits) => _places.AsSpan((windowBits - DeflateParameters.MinWindowBits) * maxKept, maxKept);
}
