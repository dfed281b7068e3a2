using System.Text.RegularExpressions;

namespace Tandem.Interop.Tests.Report;

/// <summary>docs/interop.md says what the tests say.</summary>
public sealed partial class TableTests
{
    [Fact]
    public void The_page_is_what_the_tests_make_of_it()
    {
        if (Outcomes.IsWriting) return; // then it is made of them in a moment
        string page = File.ReadAllText(Table.Path);
        // Versions are those of the machine that it was written on.
        Dictionary<string, string> versions = VersionRow().Matches(page).ToDictionary(row => row.Groups[1].Value, row => row.Groups[2].Value);
        Assert.Equal(Table.Render(card => versions.GetValueOrDefault(card.Name, "")), page);
    }

    [GeneratedRegex(@"^\| ([^|]+) \| ([^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex VersionRow();
}
