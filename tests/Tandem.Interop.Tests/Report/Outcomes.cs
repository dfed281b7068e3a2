using System.Collections.Concurrent;
using Tandem.Interop.Tests.Matrix;

[assembly: AssemblyFixture(typeof(Tandem.Interop.Tests.Report.Outcomes))]

namespace Tandem.Interop.Tests.Report;

/// <summary>What came of the cells. At the end of the tests it writes docs/interop.md, when it is asked to and every cell was tried.</summary>
public sealed class Outcomes : IDisposable
{
    private static readonly ConcurrentDictionary<(string Peer, Direction, Scenario), bool> Cells = new();
    private static readonly ConcurrentDictionary<string, string> Versions = new();

    /// <summary>Whether docs/interop.md is being written: eng/interop.sh.</summary>
    public static bool IsWriting => Environment.GetEnvironmentVariable("TANDEM_INTEROP_WRITE") == "1";

    /// <summary>A cell is as its card says.</summary>
    public static void Passed(Peer peer, Direction direction, Scenario scenario)
    {
        Cells[(peer.Card.Name, direction, scenario)] = true;
        Versions[peer.Card.Name] = peer.Version;
    }

    public void Dispose()
    {
        if (!IsWriting) return;
        (string, Direction, Scenario)[] missing = [.. Table.Cells.Where(cell => !Cells.ContainsKey(cell))];
        if (missing.Length != 0)
        {
            throw new InvalidOperationException($"{Table.Path} is left as it is: {missing.Length} cells failed or were not tried, the first of them {missing[0]}.");
        }

        File.WriteAllText(Table.Path, Table.Render(card => Versions[card.Name]));
    }
}
