using Tandem.Cli.Bench;

namespace Tandem.Cli.Tests.Bench;

/// <summary>The histogram of <c>tandem bench</c> beside its naive twin, a sorted list of everything.</summary>
public sealed class LatencyHistogramTests
{
    private static readonly double[] Parts = [0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 10)]
    [InlineData(3, 1_000)]
    [InlineData(4, 100_000)]
    public void Quantiles_are_those_of_a_sorted_list_and_at_most_a_64th_above(int seed, int count)
    {
        var random = new Random(seed);
        var histogram = new LatencyHistogram();
        var naive = new List<long>();
        for (int i = 0; i < count; i++)
        {
            // Every magnitude from one nanosecond to an hour and more.
            long value = random.NextInt64(1L << random.Next(1, 44));
            histogram.Record(value);
            naive.Add(value);
        }

        naive.Sort();
        foreach (double part in Parts)
        {
            long exact = naive[Math.Max(0, (int)Math.Ceiling(part * count) - 1)];
            Assert.InRange(histogram.Quantile(part), exact, exact + (exact / 64));
        }

        Assert.Equal(naive[^1], histogram.Max);
        Assert.Equal(naive[^1], histogram.Quantile(1));
        Assert.Equal(count, histogram.Count);
    }

    [Fact]
    public void Every_value_lies_in_its_own_bucket_at_the_edges_of_all_of_them()
    {
        for (int bit = 0; bit < 63; bit++)
        {
            foreach (long value in new[] { (1L << bit) - 1, 1L << bit, (1L << bit) + 1 })
            {
                var histogram = new LatencyHistogram();
                histogram.Record(value);
                histogram.Record(long.MaxValue);
                Assert.InRange(histogram.Quantile(0.5), value, value + (value / 64));
            }
        }
    }

    [Fact]
    public void Added_up_they_are_one()
    {
        LatencyHistogram one = new(), other = new(), both = new();
        for (int i = 0; i < 10_000; i++)
        {
            (i % 3 == 0 ? one : other).Record(i * i);
            both.Record(i * i);
        }

        one.Add(other);
        Assert.Equal((both.Count, both.Max), (one.Count, one.Max));
        Assert.Equal(Parts.Select(both.Quantile), Parts.Select(one.Quantile));
    }

    [Fact]
    public void Of_nothing_there_are_no_quantiles_and_less_than_nothing_is_nothing()
    {
        var histogram = new LatencyHistogram();
        Assert.Equal((0L, 0L, 0L), (histogram.Quantile(0.99), histogram.Max, histogram.Count));
        histogram.Record(-5);
        Assert.Equal((0L, 0L, 1L), (histogram.Quantile(0.99), histogram.Max, histogram.Count));
    }
}
