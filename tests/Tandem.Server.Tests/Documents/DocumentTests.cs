namespace Tandem.Server.Tests.Documents;

/// <summary>
/// What the documents say in C# is code that compiles: every paragraph of a block (lines up to an empty one) stands line by line in one source file of the tests or samples. Those that nothing else
/// needs are in <c>Examples*.cs</c>.
/// </summary>
public sealed class DocumentTests
{
    // Needs a package that nothing else here does, OpenTelemetry.Extensions.Hosting.
    private const string NotCompiled = "docs/observability.md";

    private static readonly string Root = FindRoot();
    private static readonly string[][] Sources = [.. new[] { "tests", "samples" }.SelectMany(folder => ReadSources(Path.Combine(Root, folder)))];

    public static IEnumerable<TheoryDataRow<string, int>> Blocks() =>
        from document in Documents()
        from block in CodeBlocks(File.ReadAllLines(Path.Combine(Root, document)))
        select new TheoryDataRow<string, int>(document, block.Line);

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Code_in_a_document_is_code_that_compiles(string document, int line)
    {
        string[] code = CodeBlocks(File.ReadAllLines(Path.Combine(Root, document))).Single(block => block.Line == line).Code;
        List<string[]> paragraphs = Paragraphs(code);
        Assert.NotEmpty(paragraphs);
        Assert.True(
            Sources.Any(source => paragraphs.All(paragraph => IsIn(paragraph, source))),
            $"{document}, line {line}: no source file of tests or samples has all of these lines. Change both, or write an example in tests/Tandem.Server.Tests/Documents.");
    }

    private static IEnumerable<string> Documents() =>
        from folder in new[] { "", "docs", "samples", "bench" }
        from path in Directory.EnumerateFiles(Path.Combine(Root, folder), "*.md")
        let document = Path.GetRelativePath(Root, path)
        where document != NotCompiled
        select document;

    private static IEnumerable<(int Line, string[] Code)> CodeBlocks(string[] lines)
    {
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i] != "```csharp") continue;
            int end = Array.IndexOf(lines, "```", i);
            yield return (i + 1, lines[(i + 1)..end]);
        }
    }

    // Code between which something may stand: usings one by one, since a file has more of them; the rest up to an empty line or one that only says "and so on".
    private static List<string[]> Paragraphs(string[] code)
    {
        var paragraphs = new List<string[]>();
        var current = new List<string>();
        foreach (string line in code.Select(line => line.Trim()))
        {
            bool alone = line.StartsWith("using ", StringComparison.Ordinal) && !line.Contains('=', StringComparison.Ordinal);
            if ((alone || line.Length == 0 || line == "// ...") && current.Count > 0)
            {
                paragraphs.Add([.. current]);
                current.Clear();
            }

            if (alone) paragraphs.Add([line]);
            else if (line.Length > 0 && line != "// ...") current.Add(line);
        }

        if (current.Count > 0) paragraphs.Add([.. current]);
        return paragraphs;
    }

    private static bool IsIn(string[] paragraph, string[] source) => source.AsSpan().IndexOf(paragraph) >= 0;

    private static IEnumerable<string[]> ReadSources(string folder) =>
        from path in Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
        where !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
        select File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0).ToArray();

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Tandem.slnx"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests run inside the repository.");
    }
}
