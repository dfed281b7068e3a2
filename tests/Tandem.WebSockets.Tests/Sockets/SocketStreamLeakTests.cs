namespace Tandem.WebSockets.Tests.Sockets;

/// <summary>Counts the sockets of the process, so nothing else may run beside it.</summary>
[Collection(nameof(Alone))]
public sealed class SocketStreamLeakTests
{
    [Fact]
    public async Task Streams_come_and_go_under_load_and_leave_nothing_behind()
    {
        int before = Descriptors.Sockets();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (int i = 0; i < 100; i++)
            {
                using SocketPair pair = await SocketPair.CreateAsync();
                Task<int> read = pair.Stream.ReadAsync(new byte[10]).AsTask();
                Task sends = pair.Peer.SendAsync(new byte[100]).ContinueWith(static _ => { }, TaskScheduler.Default);
                if (i % 2 == 0)
                {
                    pair.Stream.Dispose();
                    Assert.True(pair.Own.SafeHandle.IsClosed);
                }

                Exception? exception = await Record.ExceptionAsync(() => read.InTime());
                if (exception is null) Assert.Equal(10, await read);
                else Assert.IsType<IOException>(exception);
                await sends;
            }
        })).InTime();
        // Garbage of the tests before this one may be closed meanwhile, so fewer is as good.
        Assert.InRange(Descriptors.Sockets(), 0, before + 5);
    }
}
