namespace Tandem.Protocol.Tests;

/// <summary>Measures what a piece of code allocates on this thread once it is warm.</summary>
internal static class Allocation
{
    private const int Rounds = 10;

    /// <summary>
    /// The least of several rounds: a collection that another test causes can shift the thread's count by an unused part of its allocation
    /// buffer, once; what the code itself allocates comes in every round.
    /// </summary>
    public static long InSteadyState(Action<int> repeat, int times)
    {
        repeat(times);
        long least = long.MaxValue;
        for (int i = 0; i < Rounds && least != 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            repeat(times);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
