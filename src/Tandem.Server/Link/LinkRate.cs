namespace Tandem.Server.Link;

/// <summary>How often something may be done: a token bucket.</summary>
/// <param name="Burst">How often at once, after a time without: 1 or more.</param>
/// <param name="PerMinute">How many are added in a minute, until there are as many as that again: more than 0.</param>
public readonly record struct LinkRate(int Burst, double PerMinute)
{
    internal bool IsValid => Burst >= 1 && PerMinute > 0 && double.IsFinite(PerMinute);

    internal TimeSpan TimeToRefill => TimeSpan.FromMinutes(Math.Min(Burst / PerMinute, TimeSpan.FromDays(1).TotalMinutes));
}
