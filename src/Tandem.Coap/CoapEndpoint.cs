using System.Net;
using System.Net.Sockets;
using Tandem.Coap.Exchanges;
using Tandem.Coap.Sockets;

namespace Tandem.Coap;

/// <summary>
/// A UDP socket that drives an <see cref="ExchangeTable"/>: one receive loop, one timer. Everything that touches the table holds <see cref="Gate"/> and ends with
/// <see cref="Flush"/>, which sends and tells while it still holds it: so datagrams and events keep their order. Whoever is told must not wait.
/// </summary>
internal sealed class CoapEndpoint : IAsyncDisposable
{
    private readonly UdpSocket _socket;
    private readonly Action<ExchangeEvent> _onEvent;
    private readonly Action<SocketError>? _onUnreachable;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly int _maxMessageSize;
    private readonly CancellationTokenSource _stopping = new();
    private Task _receiving = Task.CompletedTask;
    private TimeSpan? _armed;
    private bool _isFlushing;

    /// <param name="local">Where to bind.</param>
    /// <param name="settings">Bounds and timers.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">See <see cref="ExchangeTable"/>.</param>
    /// <param name="onEvent">Told while the gate is held.</param>
    /// <param name="onUnreachable">Told, without the gate, when the system says that what was sent cannot arrive. For clients.</param>
    public CoapEndpoint(IPEndPoint local, ExchangeSettings settings, TimeProvider time, Random random, Action<ExchangeEvent> onEvent, Action<SocketError>? onUnreachable = null)
    {
        (_onEvent, _onUnreachable) = (onEvent, onUnreachable);
        _time = time;
        _maxMessageSize = settings.MaxMessageSize;
        Table = new ExchangeTable(settings, random);
        _socket = new UdpSocket(local, settings.TakesRequests);
        _timer = time.CreateTimer(static state => ((CoapEndpoint)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public Lock Gate { get; } = new();

    public ExchangeTable Table { get; }

    public IPEndPoint LocalEndPoint => _socket.LocalEndPoint;

    /// <summary>The clock's time. Since the machine's start where it is the system's, so that what is counted by it goes on when a program begins anew.</summary>
    public TimeSpan Now => _time.GetElapsedTime(0);

    public CancellationToken Stopping => _stopping.Token;

    public void Start() => _receiving = Task.Run(ReceiveAsync);

    /// <summary>Sends what is to be sent, tells what has happened, sets the timer. The gate is held.</summary>
    public void Flush()
    {
        if (_isFlushing) return; // whoever is told may have done something; the outer call goes on with it
        _isFlushing = true;
        while (true)
        {
            if (Table.Outbox.TryDequeue(out Datagram datagram)) Send(datagram);
            else if (Table.Events.TryDequeue(out ExchangeEvent next)) _onEvent(next);
            else break;
        }

        _isFlushing = false;
        Arm();
    }

    public async ValueTask DisposeAsync()
    {
        lock (Gate)
        {
            if (_stopping.IsCancellationRequested) return;
            // Inside the gate: nobody arms the timer or sends afterwards.
            _stopping.Cancel();
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _socket.Dispose();
    }

    private async Task ReceiveAsync()
    {
        // One byte more than is taken, so that a longer datagram shows as one.
        byte[] buffer = GC.AllocateUninitializedArray<byte>(_maxMessageSize + 1, pinned: true);
        while (!_stopping.IsCancellationRequested)
        {
            int length;
            CoapAddress from;
            try
            {
                (length, from) = await _socket.ReceiveAsync(buffer, _stopping.Token).ConfigureAwait(false);
            }
            catch (SocketException exception)
            {
                TellUnreachable(exception.SocketErrorCode);
                continue;
            }

            lock (Gate)
            {
                Table.Receive(from, buffer.AsSpan(0, length), Now);
                Flush();
            }
        }
    }

    private void OnTimer()
    {
        lock (Gate)
        {
            if (_stopping.IsCancellationRequested) return;
            _armed = null;
            Table.Sweep(Now);
            Flush();
        }
    }

    private void Arm()
    {
        if (_stopping.IsCancellationRequested || Table.NextDue is not { } due || due >= _armed) return;
        _armed = due;
        TimeSpan wait = due - Now;
        // Timers have whole milliseconds; one that comes too early would come again at once.
        _timer.Change(wait <= TimeSpan.Zero ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
    }

    private void Send(Datagram datagram)
    {
        if (_stopping.IsCancellationRequested) return;
        SocketError error = _socket.Send(datagram.To, datagram.Bytes.Span);
        if (error == SocketError.Success) return;
        TellUnreachable(error);
        // The error was of an earlier datagram, and has kept this one from being sent.
        if (error == SocketError.ConnectionRefused) _socket.Send(datagram.To, datagram.Bytes.Span);
    }

    private void TellUnreachable(SocketError error)
    {
        if (_onUnreachable is null || error is not (SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.HostUnreachable or SocketError.NetworkUnreachable)) return;
        // Windows calls it a reset. Not here: the gate may be held.
        SocketError told = error == SocketError.ConnectionReset ? SocketError.ConnectionRefused : error;
        ThreadPool.UnsafeQueueUserWorkItem(static state => state.Told(state.Error), (Told: _onUnreachable, Error: told), preferLocal: false);
    }
}
