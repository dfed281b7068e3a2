using System.Diagnostics;
using System.Runtime.InteropServices;
using Tandem.WebSockets.EventLoop;

namespace Tandem.Benchmarks;

/// <summary>
/// Mode echo, a closed loop: every connection keeps a number of messages in flight, and sends as many new ones as echoes have come. One
/// thread, one epoll, one receive for each report of it and one send for what that brought; nothing is allocated while it runs.
/// </summary>
internal sealed unsafe class EchoLoad : IDisposable
{
    private const int ReceiveBytes = 256 * 1024;
    private const int MaxEvents = 1024;
    private const double StallSeconds = 5;

    private readonly EchoOptions _options;
    private readonly FrameTrain _train;
    private readonly Epoll _epoll = new(MaxEvents);
    private readonly Connection[] _connections;
    private readonly byte* _buffer = (byte*)NativeMemory.Alloc(ReceiveBytes);
    private long _messages;
    private int _opened;

    private struct Connection
    {
        public int Fd;
        public int InFlight;
        public int SendOffset; // in the ring, of the next byte to be sent
        public int Owed; // bytes from there on that the kernel has not taken yet
        public bool WatchesOut;
        public EchoReader Reader;
    }

    public EchoLoad(EchoOptions options)
    {
        _options = options;
        _train = new FrameTrain(options.Size, options.InFlight, options.Text);
        _connections = new Connection[options.Connections];
    }

    /// <summary>Connects, warms up, measures.</summary>
    public Result Run()
    {
        Open();
        for (int i = 0; i < _connections.Length; i++) Send(i, _options.InFlight);
        if (_options.WarmUp > 0) RunFor(_options.WarmUp);

        _messages = 0;
        var meter = new Meter(_options.Server);
        RunFor(_options.Seconds);
        Spending spent = meter.Stop();

        long bad = 0;
        foreach (ref Connection connection in _connections.AsSpan()) bad += connection.Reader.Bad;
        var result = new Result("echo", bad);
        result.Add("connections", _options.Connections);
        result.Add("size", _options.Size);
        result.Add("in_flight", _options.InFlight);
        result.AddRates(_messages, spent);
        result.Add("mb_per_s", _messages * (double)_options.Size / spent.Seconds / 1e6);
        if (_options.Server is not null) result.Add("rss_bytes", _options.Server.ResidentBytes());
        return result;
    }

    public void Dispose()
    {
        for (int i = 0; i < _opened; i++) ClientSocket.Reset(_connections[i].Fd);
        _epoll.Dispose();
        _train.Dispose();
        NativeMemory.Free(_buffer);
    }

    private void Open()
    {
        var upgrade = new Upgrade(_options.Port, _options.Path);
        for (; _opened < _connections.Length; _opened++)
        {
            int fd = upgrade.Begin(_options.Source(_opened));
            _connections[_opened].Fd = fd;
            upgrade.Finish(fd);
            if (!_epoll.Add(fd, EpollEvents.In, _opened)) throw LoadFailureException.FromSystemCall("epoll_ctl");
        }
    }

    private void RunFor(double seconds)
    {
        long start = Stopwatch.GetTimestamp();
        long end = start + (long)(seconds * Stopwatch.Frequency);
        long lastProgress = start;
        long lastMessages = _messages;
        for (long now = start; now < end; now = Stopwatch.GetTimestamp())
        {
            int count = _epoll.Wait(100);
            for (int i = 0; i < count; i++)
            {
                int index = (int)_epoll.Take(i, out EpollEvents events);
                if ((events & EpollEvents.Out) != 0) Send(index, 0);
                if ((events & ~EpollEvents.Out) != 0) Receive(index);
            }

            if (_messages != lastMessages)
            {
                lastMessages = _messages;
                lastProgress = now;
            }
            else if (now - lastProgress > StallSeconds * Stopwatch.Frequency)
            {
                throw new LoadFailureException($"no echo for {StallSeconds} s");
            }
        }
    }

    private void Receive(int index)
    {
        ref Connection connection = ref _connections[index];
        nint count = Libc.Receive(connection.Fd, _buffer, ReceiveBytes, ClientSocket.DoNotWait);
        if (count <= 0)
        {
            int errno = Marshal.GetLastSystemError();
            if (count == 0) throw new LoadFailureException("the server closed a connection");
            if (errno is Libc.Eagain or Libc.Eintr) return;
            throw LoadFailureException.FromErrno("receive", errno);
        }

        int done = connection.Reader.Read(new ReadOnlySpan<byte>(_buffer, (int)count), _train);
        if (done == 0) return;
        connection.InFlight -= done;
        if (connection.InFlight < 0) throw new LoadFailureException("the server sent more messages than it was sent");
        _messages += done;
        Send(index, done);
    }

    private void Send(int index, int count)
    {
        ref Connection connection = ref _connections[index];
        connection.InFlight += count;
        connection.Owed += count * _train.RequestLength;
        if (connection.WatchesOut && count != 0) return; // the kernel is full; it will say when there is room
        while (connection.Owed != 0)
        {
            nint sent = Libc.Send(connection.Fd, _train.Request(connection.SendOffset), connection.Owed, Libc.MsgNoSignal | ClientSocket.DoNotWait);
            if (sent < 0)
            {
                int errno = Marshal.GetLastSystemError();
                if (errno == Libc.Eintr) continue;
                if (errno == Libc.Eagain) break;
                throw LoadFailureException.FromErrno("send", errno);
            }

            connection.Owed -= (int)sent;
            connection.SendOffset = (connection.SendOffset + (int)sent) % (_train.Count * _train.RequestLength);
        }

        bool blocked = connection.Owed != 0;
        if (blocked == connection.WatchesOut) return;
        connection.WatchesOut = blocked;
        _epoll.Modify(connection.Fd, blocked ? EpollEvents.In | EpollEvents.Out : EpollEvents.In, index);
    }
}
