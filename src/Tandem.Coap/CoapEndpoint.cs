using System.Net;
using System.Net.Sockets;
using Tandem.Coap.Exchanges;

namespace Tandem.Coap;

/// <summary>
/// A UDP socket that drives an <see cref="ExchangeTable"/>: one receive loop, one timer. Everything that touches the table holds <see cref="Gate"/> and ends with
/// <see cref="Flush"/>, which sends and tells while it still holds it: so datagrams and events keep their order. Whoever is told must not wait.
/// </summary>
internal sealed class CoapEndpoint : IAsyncDisposable
{
    // What comes in a burst while the loop is elsewhere; the system may give less.
    private const int ReceiveBufferSize = 1024 * 1024;

    private readonly Socket _socket;
    private readonly Action<ExchangeEvent> _onEvent;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly int _maxMessageSize;
    private readonly CancellationTokenSource _stopping = new();
    private Task _receiving = Task.CompletedTask;
    private TimeSpan? _armed;
    private bool _isFlushing;

    public CoapEndpoint(IPEndPoint local, ExchangeSettings settings, TimeProvider time, Random random, Action<ExchangeEvent> onEvent)
    {
        _onEvent = onEvent;
        _time = time;
        _maxMessageSize = settings.MaxMessageSize;
        Table = new ExchangeTable(settings, random);
        _socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (local.AddressFamily == AddressFamily.InterNetworkV6) _socket.DualMode = local.Address.Equals(IPAddress.IPv6Any);
            _socket.ReceiveBufferSize = ReceiveBufferSize;
            _socket.Bind(local);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }

        LocalEndPoint = (IPEndPoint)_socket.LocalEndPoint!;
        _timer = time.CreateTimer(static state => ((CoapEndpoint)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public Lock Gate { get; } = new();

    public ExchangeTable Table { get; }

    public IPEndPoint LocalEndPoint { get; }

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
        var source = new SocketAddress(_socket.AddressFamily);
        var shape = new IPEndPoint(_socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (!_stopping.IsCancellationRequested)
        {
            int length;
            try
            {
                length = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, source, _stopping.Token).ConfigureAwait(false);
            }
            catch (SocketException)
            {
                continue; // what ICMP says of an earlier datagram, or a datagram that is too long for the buffer: not the end of the socket
            }

            var from = CoapAddress.From((IPEndPoint)shape.Create(source));
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
        IPEndPoint to = datagram.To.ToEndPoint();
        if (_socket.AddressFamily == AddressFamily.InterNetworkV6) to.Address = to.Address.MapToIPv6();
        try
        {
            _socket.SendTo(datagram.Bytes.Span, SocketFlags.None, to);
        }
        catch (SocketException)
        {
            // No route, a full buffer: to the protocol a lost datagram.
        }
    }
}
