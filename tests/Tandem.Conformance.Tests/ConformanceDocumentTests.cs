using System.Reflection;
using System.Text;
using Tandem.Conformance.Tests.Subjects;
using Xunit.Sdk;
using Xunit.v3;

namespace Tandem.Conformance.Tests;

/// <summary>docs/conformance.md says how many cases there are: it is held to what is really run.</summary>
public sealed class ConformanceDocumentTests
{
    private const string Header = "| section | class | event loop | sockets | stream | client |\n|---|---|---:|---:|---:|---:|\n";

    [Fact]
    public async Task The_table_of_docs_conformance_is_true()
    {
        string table = await Table();
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Tandem.slnx"))) folder = Path.GetDirectoryName(folder);
        string document = await File.ReadAllTextAsync(Path.Combine(folder!, "docs", "conformance.md"));
        Assert.True(document.Contains(table, StringComparison.Ordinal), $"docs/conformance.md must have this table:\n\n{table}");
    }

    private static async Task<string> Table()
    {
        var table = new StringBuilder(Header);
        var sum = new int[Enum.GetValues<Subject>().Length];
        Type[] classes = [.. typeof(ConformanceDocumentTests).Assembly.GetExportedTypes().Where(type => type.Name.StartsWith("Section", StringComparison.Ordinal))];
        foreach (Type type in classes.OrderBy(type => type.Namespace, StringComparer.Ordinal).ThenBy(type => type.Name, StringComparer.Ordinal))
        {
            int[] counts = await Count(type);
            string rfc = type.Namespace!.Split('.')[^1]["Rfc".Length..];
            string section = string.Join('.', type.Name.Split('_')[..^1])["Section".Length..];
            table.Append(Invariant($"| {rfc} {section} | `{type.Name}` | {counts[0]} | {counts[1]} | {counts[2]} | {counts[3]} |\n"));
            for (int i = 0; i < sum.Length; i++) sum[i] += counts[i];
        }

        return table.Append(Invariant($"| | all: {sum.Sum()} | {sum[0]} | {sum[1]} | {sum[2]} | {sum[3]} |\n")).ToString();
    }

    private static async Task<int[]> Count(Type type)
    {
        var counts = new int[Enum.GetValues<Subject>().Length];
        await using var tracker = new DisposalTracker();
        foreach (MethodInfo method in type.GetMethods())
        {
            if (method.GetCustomAttribute<FactAttribute>() is null) continue;
            var rows = new List<object?[]>();
            foreach (DataAttribute data in method.GetCustomAttributes<DataAttribute>())
            {
                if (data is MemberDataAttributeBase member) member.MemberType ??= type;
                rows.AddRange((await data.GetData(method, tracker)).Select(row => row.GetData()));
            }

            if (rows.Count == 0) rows.Add([]);
            // What names no subject is about the client.
            foreach (object?[] row in rows) counts[(int)(row.OfType<Subject?>().FirstOrDefault() ?? Subject.Client)]++;
        }

        return counts;
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
