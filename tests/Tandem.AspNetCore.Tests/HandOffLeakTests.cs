using System.Net.Sockets;

namespace Tandem.AspNetCore.Tests;

/// <summary>Counts the sockets of the process, so nothing else may run beside it.</summary>
[Collection(nameof(Alone))]
public sealed class HandOffLeakTests
{
    private const int AtOnce = 8;

    [Fact]
    public async Task Ten_thousand_hand_offs_leak_no_descriptor()
    {
        await using OnePort host = await OnePort.StartAsync();
        await FetchAsync(host, 50);
        int before = Descriptors.Sockets();
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => FetchAsync(host, 10_000 / AtOnce)));
        // Kestrel lets go a moment after the client has.
        await Eventually.True(() => Descriptors.Sockets() <= before + AtOnce, "the descriptors of 10,000 connections are closed");
    }

    private static async Task FetchAsync(OnePort host, int count)
    {
        byte[] request = "GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray();
        for (int i = 0; i < count; i++)
        {
            await using NetworkStream stream = await host.DialAsync();
            await stream.WriteAsync(request);
            Assert.StartsWith("HTTP/1.1 200", await OnePort.ReadUntilAsync(stream, "a page"), StringComparison.Ordinal);
        }
    }
}
