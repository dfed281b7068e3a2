using System.Diagnostics;
using System.Globalization;

namespace Tandem.Cli.Bench;

/// <summary>One line on a terminal that tells what is going on, and is gone at the end; nothing where nobody watches.</summary>
internal sealed class BenchProgress(bool shows)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private long _shownAt;
    private long _counted;
    private string _phase = "";

    /// <summary>Shows, when it is time to.</summary>
    /// <param name="phase">What is being done.</param>
    /// <param name="open">Connections.</param>
    /// <param name="count">What has been counted so far; null where nothing is.</param>
    /// <param name="errors">Errors so far.</param>
    public void Show(string phase, int open, long? count, long errors)
    {
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_shownAt);
        if (!shows || elapsed < Interval) return;
        string rate = count is null || phase != _phase ? "" : string.Create(CultureInfo.InvariantCulture, $", {(count.Value - _counted) / elapsed.TotalSeconds:N0} a second");
        Console.Error.Write(string.Create(CultureInfo.InvariantCulture, $"\r\u001b[K{phase}: {open:N0} connections{rate}, {errors:N0} errors"));
        (_phase, _counted, _shownAt) = (phase, count ?? 0, Stopwatch.GetTimestamp());
    }

    public void End()
    {
        if (shows) Console.Error.Write("\r\u001b[K");
    }
}
