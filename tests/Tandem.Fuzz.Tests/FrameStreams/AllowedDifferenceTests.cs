namespace Tandem.Fuzz.Tests.FrameStreams;

/// <summary>What the fuzzer lets pass is what the documentation says.</summary>
public sealed class AllowedDifferenceTests
{
    [Fact]
    public void Every_allowed_difference_has_its_row_in_the_contract()
    {
        DirectoryInfo root = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Tandem.slnx"))) root = root.Parent!;
        string[] rows = File.ReadAllLines(Path.Combine(root.FullName, "docs", "websocket-contract.md"));
        foreach (AllowedDifference difference in AllowedDifferences.All) Assert.Single(rows, row => row.StartsWith($"| {difference.Row}", StringComparison.Ordinal));
    }
}
