using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Tandem.Fuzz.Tests;

/// <summary>
/// One target of the fuzzer: makes inputs from seeds, has them judged by as many workers as there are cores until its share of the time is over, and
/// makes the first input that fails small. An iteration depends on the seed of the run and its own number only, never on which worker had it.
/// </summary>
internal abstract class Fuzzer<T>
{
    // A smaller input than this search finds is not worth the wait.
    private static readonly TimeSpan ShrinkTime = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<string, long> _tally = new();
    private long _next = -1;
    private (long Iteration, T Input, string Message)? _failure;

    /// <summary>One word, of <see cref="FuzzSettings.Shares"/>.</summary>
    protected abstract string Target { get; }

    /// <summary>Iterations from which on a run must have met all that is <see cref="Expected"/>; on a machine too busy for so many it is not judged.</summary>
    protected virtual long FairRun => 15_000;

    /// <summary>What a run must have met to have tested anything: see <see cref="Count"/>.</summary>
    protected virtual IEnumerable<string> Expected => [];

    protected abstract T Create(Random random);

    /// <summary>Judges an input: null, or what is wrong with what came of it.</summary>
    protected abstract ValueTask<string?> Judge(T input);

    /// <summary>Smaller inputs, the smallest first.</summary>
    protected abstract IEnumerable<T> Smaller(T input);

    /// <summary>The input for a reader, bytes in hex.</summary>
    protected abstract string Describe(T input);

    /// <summary>Notes that something was met.</summary>
    protected void Count(string what) => _tally.AddOrUpdate(what, 1, static (_, count) => count + 1);

    public async Task RunAsync()
    {
        if (FuzzSettings.Replay is { } replay)
        {
            if (replay.Target != Target) Assert.Skip($"Only {replay.Target} is replayed.");
            T input = Create(RandomOf(replay.Iteration));
            string? message = await JudgeSafely(input);
            Console.WriteLine($"fuzz: {Target}, seed {replay.Seed}, iteration {replay.Iteration}: {message ?? "nothing is wrong"}\n  {Describe(input)}");
            if (message is not null) await FailAsync(replay.Iteration, input, message);
            return;
        }

        if (!FuzzSettings.IsChosen(Target)) Assert.Skip($"Only {FuzzSettings.Chosen} is fuzzed.");
        var watch = Stopwatch.StartNew();
        TimeSpan time = FuzzSettings.TimeOf(Target);
        await Task.WhenAll(Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Run(() => WorkAsync(watch, time))));
        long done = _next + 1;
        string met = string.Join(", ", _tally.OrderByDescending(pair => pair.Value).Select(pair => $"{pair.Key} {pair.Value}"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"fuzz: {Target}: {done} iterations in {watch.Elapsed.TotalSeconds:F1} s, seed {FuzzSettings.Seed}{(met.Length == 0 ? "" : $" ({met})")}"));
        if (_failure is { } failure) await FailAsync(failure.Iteration, failure.Input, failure.Message);
        if (done < FairRun) return;
        foreach (string expected in Expected) Assert.True(_tally.ContainsKey(expected), $"{Target}: in {done} iterations there was no {expected}; the generator has lost its power.");
    }

    private async Task WorkAsync(Stopwatch watch, TimeSpan time)
    {
        while (watch.Elapsed < time && _failure is null)
        {
            long iteration = Interlocked.Increment(ref _next);
            T input = Create(RandomOf(iteration));
            if (await JudgeSafely(input) is not { } message) continue;
            lock (_tally) _failure ??= (iteration, input, message);
        }
    }

    private static Random RandomOf(long iteration) => new(HashOf(FuzzSettings.Seed, iteration));

    // Not HashCode.Combine, which is another function in every process.
    private static int HashOf(int seed, long iteration)
    {
        ulong mixed = ((ulong)(uint)seed << 32) ^ (ulong)iteration;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return (int)((mixed ^ (mixed >> 31)) & int.MaxValue);
    }

    private async ValueTask<string?> JudgeSafely(T input)
    {
        try
        {
            return await Judge(input);
        }
        catch (Exception exception)
        {
            return exception.ToString();
        }
    }

    private async Task FailAsync(long iteration, T input, string message)
    {
        (T smallest, string reason, int steps) = await ShrinkAsync(input, message);
        Assert.Fail(
            $"Again: FUZZ_REPLAY={Target}:{FuzzSettings.Seed}:{iteration} ./test Fuzz\n"
            + $"fuzz: {Target}, seed {FuzzSettings.Seed}, iteration {iteration}, made smaller {steps} times:\n  {Describe(smallest)}\n{reason}");
    }

    private async Task<(T Input, string Message, int Steps)> ShrinkAsync(T input, string message)
    {
        var watch = Stopwatch.StartNew();
        int steps = 0;
        for (bool found = true; found && watch.Elapsed < ShrinkTime;)
        {
            found = false;
            foreach (T smaller in Smaller(input))
            {
                if (watch.Elapsed >= ShrinkTime) break;
                if (await JudgeSafely(smaller) is not { } still) continue;
                (input, message, found) = (smaller, still, true);
                steps++;
                break;
            }
        }

        return (input, message, steps);
    }
}
