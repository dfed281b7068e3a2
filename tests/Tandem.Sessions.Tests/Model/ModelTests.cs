using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace Tandem.Sessions.Tests.Model;

/// <summary>
/// Whatever happens in whatever order: exactly once, in order, or a gap whose count is exact. The scripts are the same in every run; TANDEM_MODEL_SCRIPTS=100000
/// makes so many others. A failure names the shortest script that was found, which World.Run takes as it is written, and what replays it all:
/// TANDEM_MODEL_REPLAY=seed,gamma, the last numbers in its first line. Tokens and origins are random in any case; little depends on them.
/// </summary>
public class ModelTests
{
    private const int Scripts = 3000;
    private const string Always = "20,1";

    [Fact]
    public void Any_script_is_survived()
    {
        string? count = Environment.GetEnvironmentVariable("TANDEM_MODEL_SCRIPTS"), replay = Environment.GetEnvironmentVariable("TANDEM_MODEL_REPLAY");
        Config config = Config.QuickThrowOnFailure.WithMaxTest(count is null ? Scripts : int.Parse(count, CultureInfo.InvariantCulture));
        if (replay is not null || count is null)
        {
            ulong[] seeds = [.. (replay ?? Always).Split(',').Select(seed => ulong.Parse(seed, CultureInfo.InvariantCulture))];
            config = config.WithReplay(seeds[0], seeds[1]);
        }

        Check.One(config, Prop.ForAll(Script.Arbitrary, World.Run));
    }
}
