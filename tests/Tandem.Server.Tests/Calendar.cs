namespace Tandem.Server.Tests;

/// <summary>A clock for dates: it is now, and some days more.</summary>
internal sealed class Calendar : TimeProvider
{
    public int Days { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddDays(Days);
}
