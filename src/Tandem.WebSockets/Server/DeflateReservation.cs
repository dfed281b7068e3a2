namespace Tandem.WebSockets;

/// <summary>A share of <see cref="DeflateBudget"/>. It is given back when it is disposed, or when its connection was lost and is collected.</summary>
internal sealed class DeflateReservation : IDisposable
{
    private int _bytes;

    public DeflateReservation(int bytes)
    {
        _bytes = bytes;
        DeflateBudget.Add(bytes);
    }

    ~DeflateReservation() => Release();

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release() => DeflateBudget.Add(-Interlocked.Exchange(ref _bytes, 0));
}
