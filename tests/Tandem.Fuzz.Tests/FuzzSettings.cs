using System.Globalization;
using System.Security.Cryptography;

namespace Tandem.Fuzz.Tests;

/// <summary>
/// How long to fuzz what and from which seed: <c>FUZZ_SECONDS</c> (the second argument of <c>./test</c>), <c>FUZZ_TARGET</c>, <c>FUZZ_SEED</c> and <c>FUZZ_REPLAY</c> of the environment.
/// </summary>
internal static class FuzzSettings
{
    // What all targets together may take of ./test.
    private const double DefaultSeconds = 60;

    /// <summary>How the time is divided among the targets: the most for what has the most to go wrong.</summary>
    public static IReadOnlyDictionary<string, double> Shares { get; } = new Dictionary<string, double>
    {
        ["frames"] = 7, ["eventloop"] = 5, ["extensions"] = 2, ["requests"] = 2, ["inflate"] = 2, ["responses"] = 1, ["deflate"] = 1, ["drafts"] = 1, ["coap"] = 1, ["coapserver"] = 1,
    };

    /// <summary>With what the targets begin that have all of the time to themselves; null: all targets.</summary>
    public static string? Chosen { get; } = Read("FUZZ_TARGET");

    /// <summary>Seconds for all targets together.</summary>
    private static double Seconds { get; } = Read("FUZZ_SECONDS") is { } text ? double.Parse(text, CultureInfo.InvariantCulture) : DefaultSeconds;

    /// <summary>One iteration, as a failure named it: target, seed, iteration.</summary>
    public static (string Target, int Seed, long Iteration)? Replay { get; } = ParseReplay(Read("FUZZ_REPLAY"));

    /// <summary>Of the whole run; a new one each time, since a fuzzer that always takes the same way has been there.</summary>
    public static int Seed { get; } =
        Replay?.Seed ?? (Read("FUZZ_SEED") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : RandomNumberGenerator.GetInt32(int.MaxValue));

    public static bool IsChosen(string target) => Chosen is null || target.StartsWith(Chosen, StringComparison.Ordinal);

    /// <summary>A target's part of the time.</summary>
    public static TimeSpan TimeOf(string target) => TimeSpan.FromSeconds(Seconds * Shares[target] / Shares.Where(share => IsChosen(share.Key)).Sum(share => share.Value));

    private static string? Read(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static (string Target, int Seed, long Iteration)? ParseReplay(string? text)
    {
        if (text is null) return null;
        string[] parts = text.Split(':');
        if (parts.Length != 3) throw new FormatException("FUZZ_REPLAY is TARGET:SEED:ITERATION.");
        return (parts[0], int.Parse(parts[1], CultureInfo.InvariantCulture), long.Parse(parts[2], CultureInfo.InvariantCulture));
    }
}
