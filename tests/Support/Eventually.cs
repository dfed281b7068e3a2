using System.Diagnostics;

namespace Tandem.Tests.Support;

/// <summary>Waits for what other threads bring about: every wait of these tests has the one deadline.</summary>
internal static class Eventually
{
    /// <summary>Long enough for a machine with other things to do, since only a hang takes it in full.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Waits until a condition holds, and fails when it does not in time.</summary>
    public static async Task True(Func<bool> condition, string what, TimeSpan? deadline = null)
    {
        var watch = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        while (!condition())
        {
            Assert.True(watch.Elapsed < (deadline ?? Deadline), $"Not in time: {what}.");
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Waits until a value is the expected one; the failure tells the last value.</summary>
    public static async Task Equal<T>(T expected, Func<T> actual, string what)
    {
        var watch = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        T value;
        while (!EqualityComparer<T>.Default.Equals(value = actual(), expected))
        {
            Assert.True(watch.Elapsed < Deadline, $"Not in time: {what} is {value}, not {expected}.");
            await timer.WaitForNextTickAsync();
        }
    }

    public static Task InTime(this Task task) => task.WaitAsync(Deadline);

    public static Task InTime(this ValueTask task) => task.AsTask().WaitAsync(Deadline);

    public static Task<T> InTime<T>(this Task<T> task) => task.WaitAsync(Deadline);

    public static Task<T> InTime<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Deadline);
}
