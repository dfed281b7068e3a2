using System.Diagnostics;
using System.Globalization;
using Tandem.Cli.Bench;
using Tandem.Cli.Tests.Link;
using Tandem.Link.Conversation;

namespace Tandem.Bench.Links;

/// <summary>From a key at the computer to the text at the phone: edited, sealed, through the server, opened.</summary>
internal static class LatencyLoad
{
    // Faster than anybody types, and as slow as a held key repeats.
    private const int KeysPerSecond = 50;
    private const int WarmUp = 5 * KeysPerSecond;
    private const int Keys = 20 * KeysPerSecond;

    public static async Task RunAsync(LinkServer server)
    {
        var phone = new Arrivals();
        (LinkProgram Computer, LinkProgram Phone, string) ends = await LinkProgram.LinkAsync(
            server.Sessions, "bench", (new Arrivals(), phone), (LinkServer.AddressOf(0), LinkServer.AddressOf(1)));
        await using (ends.Computer)
        await using (ends.Phone)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / KeysPerSecond));
            string typed = "";
            for (int key = 0; key < WarmUp + Keys; key++)
            {
                await timer.WaitForNextTickAsync();
                typed += (char)('a' + (key % 26));
                phone.Pressed(key);
                ends.Computer.Do(conversation => conversation.SetText(typed));
            }

            await phone.All.WaitAsync(TimeSpan.FromSeconds(30));
        }

        LatencyHistogram histogram = phone.Histogram;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"key to phone over WebSocket: p50 {Milliseconds(histogram.Quantile(0.5))}, p99 {Milliseconds(histogram.Quantile(0.99))}, max {Milliseconds(histogram.Max)} ms ({histogram.Count} keys, {KeysPerSecond} a second, after {WarmUp} others)"));
    }

    private static string Milliseconds(long nanoseconds) => (nanoseconds / 1e6).ToString("F2", CultureInfo.InvariantCulture);

    /// <summary>When keys were pressed, and when the text with them came.</summary>
    private sealed class Arrivals : LinkEvents
    {
        private readonly long[] _pressed = new long[WarmUp + Keys];
        private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _arrived;

        public LatencyHistogram Histogram { get; } = new();

        public Task All => _all.Task;

        public void Pressed(int key) => Volatile.Write(ref _pressed[key], Stopwatch.GetTimestamp());

        public override void OnText(string content, int compositionStart, int compositionEnd)
        {
            long now = Stopwatch.GetTimestamp();
            // Several keys may have come as one edit: each has waited for itself.
            for (; _arrived < content.Length; _arrived++)
            {
                if (_arrived >= WarmUp) Histogram.Record((long)Stopwatch.GetElapsedTime(Volatile.Read(ref _pressed[_arrived]), now).TotalNanoseconds);
            }

            if (_arrived == _pressed.Length) _all.TrySetResult();
        }
    }
}
