using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>Results that must be there already: nothing in these tests happens on another thread.</summary>
internal static class Synchronous
{
    public static SessionCode Now(this ValueTask<SessionCode> result) => result.AsTask().Now();

    public static SessionCode Now(this Task<SessionCode> result)
    {
        Assert.True(result.IsCompletedSuccessfully);
        return result.GetAwaiter().GetResult();
    }
}
