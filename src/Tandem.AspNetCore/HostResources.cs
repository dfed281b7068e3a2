namespace Tandem.AspNetCore;

/// <summary>What an application has mapped that has to be disposed of. The host's services are disposed with the host, and this with them.</summary>
internal sealed class HostResources : IAsyncDisposable, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Stack<IAsyncDisposable> _resources = [];

    public void Add(IAsyncDisposable resource)
    {
        lock (_gate) _resources.Push(resource);
    }

    /// <summary>The last first: what was made later may use what was there.</summary>
    public async ValueTask DisposeAsync()
    {
        while (true)
        {
            IAsyncDisposable? last;
            lock (_gate) if (!_resources.TryPop(out last)) return;
            await last.DisposeAsync().ConfigureAwait(false);
        }
    }

    // A host may be disposed without await, and then its services are.
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();
}
