using System.Diagnostics.CodeAnalysis;

namespace Tandem.Sessions.Client;

/// <summary>Wakes one waiter; set twice it wakes once.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "A semaphore whose handle nobody asks for has nothing to dispose.")]
internal sealed class WakeSignal
{
    private readonly SemaphoreSlim _semaphore = new(0);

    public void Set()
    {
        if (_semaphore.CurrentCount == 0) _semaphore.Release();
    }

    public Task WaitAsync(CancellationToken cancellationToken) => _semaphore.WaitAsync(cancellationToken);
}
