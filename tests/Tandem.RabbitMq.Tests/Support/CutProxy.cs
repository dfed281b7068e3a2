using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;

namespace Tandem.RabbitMq.Tests.Support;

/// <summary>A TCP proxy before the broker that a test cuts, or lets stall.</summary>
internal sealed class CutProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _sockets = [];
    private readonly int _target;
    private volatile TaskCompletionSource _open = Opened();
    private int _refusals;
    private int _endedByTarget;

    public CutProxy(int target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>While it is set, connections are refused.</summary>
    public bool IsClosed { get; set; }

    /// <summary>How many it has refused.</summary>
    public int Refusals => Volatile.Read(ref _refusals);

    /// <summary>How many connections the broker has ended, counted also while they stall.</summary>
    public int EndedByTarget => Volatile.Read(ref _endedByTarget);

    /// <summary>From here on nothing is passed on, in either direction: not that a connection has ended, either.</summary>
    public void Stall() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What was held back goes on.</summary>
    public void Resume() => _open.TrySetResult();

    /// <summary>Ends all connections.</summary>
    public void Cut()
    {
        lock (_sockets)
        {
            foreach (Socket socket in _sockets) socket.Close(0);
            _sockets.Clear();
        }
    }

    public void Dispose()
    {
        _listener.Stop();
        Resume();
        Cut();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync();
                if (IsClosed)
                {
                    near.Close(0);
                    Interlocked.Increment(ref _refusals);
                    continue;
                }

                var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                lock (_sockets) _sockets.AddRange([near, far]);
                _ = ServeAsync(near, far);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(Socket near, Socket far)
    {
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, _target);
            // No bound: it holds what comes in while it stalls, and sees the end behind that.
            var options = new PipeOptions(pauseWriterThreshold: 0);
            Pipe outward = new(options), homeward = new(options);
            _ = TakeAsync(near, outward.Writer);
            _ = TakeAsync(far, homeward.Writer, () => Interlocked.Increment(ref _endedByTarget));
            await Task.WhenAny(PassAsync(outward.Reader, far), PassAsync(homeward.Reader, near));
        }
        catch (SocketException)
        {
        }

        near.Close();
        far.Close();
    }

    private static async Task TakeAsync(Socket from, PipeWriter to, Action? ended = null)
    {
        try
        {
            while (await from.ReceiveAsync(to.GetMemory(65536)) is > 0 and int count)
            {
                to.Advance(count);
                await to.FlushAsync();
            }

            ended?.Invoke();
        }
        catch (SocketException)
        {
            ended?.Invoke();
        }
        catch (ObjectDisposedException)
        {
        }

        await to.CompleteAsync();
    }

    private async Task PassAsync(PipeReader from, Socket to)
    {
        try
        {
            while (true)
            {
                ReadResult read = await from.ReadAsync();
                await _open.Task;
                foreach (ReadOnlyMemory<byte> part in read.Buffer) await to.SendAsync(part);
                from.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted) return;
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }
    }

    private static TaskCompletionSource Opened()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }
}
