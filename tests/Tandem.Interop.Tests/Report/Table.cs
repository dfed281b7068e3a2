using System.Globalization;
using System.Text;
using Tandem.Interop.Tests.Matrix;
using Tandem.Interop.Tests.Peers;

namespace Tandem.Interop.Tests.Report;

/// <summary>docs/interop.md. It follows from the peers' cards, because a test fails wherever a card is wrong.</summary>
internal static class Table
{
    public static readonly string Path = System.IO.Path.Combine(Tools.Root, "docs", "interop.md");

    private static readonly PeerCard[] Cards =
    [
        .. ((Peer[])
        [
            new Ws(), new NodeBuiltIn(), new Chromium(), new Firefox(), new PythonWebSockets(), new Tornado(), new Aiohttp(), new Gorilla(), new Netty(),
            new Libwebsockets(), new SystemNetWebSockets(),
        ]).Select(peer => peer.Card),
    ];

    private static readonly (Scenario Scenario, string Title, string Meaning)[] Columns =
    [
        (Scenario.Text, "text", "Texts of 1 byte to 90,000, not only ASCII, come back as they were."),
        (Scenario.Binary, "binary", "So do binary messages of 1, 125, 126, 65,535 and 65,536 bytes."),
        (Scenario.Empty, "empty", "So do an empty text and an empty binary message."),
        (Scenario.OneMiB, "1 MiB", "So does 1 MiB of noise."),
        (Scenario.SixteenMiB, "16 MiB", "So does 16 MiB, the largest message that our server takes by default."),
        (Scenario.FragmentsFromUs, "fragments →", "We send a text in three frames, one of them empty, with a code point cut in two."),
        (Scenario.FragmentsFromPeer, "fragments ←", "The peer sends a text in several frames."),
        (Scenario.PingFromUs, "ping →", "Our ping is answered with a pong of the same payload."),
        (Scenario.PingFromPeer, "ping ←", "The peer's ping is."),
        (Scenario.Subprotocol, "subprotocol", "The client offers two, the server takes the second, and both applications know."),
        (Scenario.Burst, "burst", "A thousand messages, sent without waiting, come back in order."),
        (Scenario.CloseFromUs, "close →", "We close with 1000, 1001, 3000 and 4999 and a reason, and the peer's application learns both."),
        (Scenario.CloseFromUsWithoutCode, "close → no code", "We close without a code."),
        (Scenario.CloseFromPeer, "close ←", "The peer closes with 1000, 3000 and 4999 and a reason."),
        (Scenario.CloseFromPeer1001, "close ← 1001", "The peer closes with 1001."),
        (Scenario.CloseFromPeerWithoutCode, "close ← no code", "The peer closes without a code."),
        (Scenario.NoDeflate, "no deflate", "With permessage-deflate switched off at either end nothing is compressed."),
        (Scenario.Deflate, "deflate", "1 MiB of JSON goes there and back twice, compressed: RSV1 and the sizes on the wire tell."),
        (Scenario.NoContextAskedByUs, "no context →", "The same, and we ask that no context be kept."),
        (Scenario.NoContextAskedByPeer, "no context ←", "The same, and the peer asks for that."),
        (Scenario.WindowsAskedByUs, "window →", "The same, and we ask for windows of 1 KiB."),
        (Scenario.WindowsAskedByPeer, "window ←", "The same, and the peer asks for that."),
    ];

    private static readonly (Direction Direction, string Title)[] Directions =
    [
        (Direction.EventLoopServer, "Our event-loop server, the peer's client"),
        (Direction.StreamServer, "Our stream connection as server, the peer's client"),
        (Direction.Client, "Our client, the peer's server"),
    ];

    /// <summary>Every cell that is tried.</summary>
    public static IEnumerable<(string Peer, Direction Direction, Scenario Scenario)> Cells =>
        from card in Cards
        from direction in card.Directions
        from scenario in Enum.GetValues<Scenario>()
        where card.Lack(direction, scenario) is null
        select (card.Name, direction, scenario);

    public static string Render(Func<PeerCard, string> version)
    {
        var notes = new List<string>();
        var page = new StringBuilder();
        page.Append("# Interoperability\n\n");
        page.Append("Tandem against other implementations, each in both roles where it has both. `./test` tries every cell; `eng/interop.sh` does, and writes this page.\n");
        page.Append("What is on the wire is read from a tap between the two ends, not from what either says of itself.\n\n");
        page.Append("✓ works · ✗ the peer breaks a rule, and the test sees to it that the cell goes on failing until it is mended · n/a the peer has no way to do it ·\n");
        page.Append("→ from us · ← from the peer\n\n");
        page.Append("| peer | version |\n|---|---|\n");
        foreach (PeerCard card in Cards) page.Append(CultureInfo.InvariantCulture, $"| {card.Name} | {version(card)} |\n");
        foreach ((Direction direction, string title) in Directions)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n| | {string.Join(" | ", Columns.Select(column => column.Title))} |\n");
            page.Append('|').Append(string.Concat(Enumerable.Repeat("---|", Columns.Length + 1))).Append('\n');
            foreach (PeerCard card in Cards.Where(card => card.Directions.Contains(direction)))
            {
                page.Append(CultureInfo.InvariantCulture, $"| {card.Name} | {string.Join(" | ", Columns.Select(column => Cell(card, direction, column.Scenario, notes)))} |\n");
            }
        }

        page.Append("\n## What is tried\n\n| | |\n|---|---|\n");
        foreach ((_, string title, string meaning) in Columns) page.Append(CultureInfo.InvariantCulture, $"| {title} | {meaning} |\n");
        page.Append("\n## Notes\n\n");
        for (int i = 0; i < notes.Count; i++) page.Append(CultureInfo.InvariantCulture, $"{i + 1}. {notes[i]}\n");
        page.Append('\n');
        foreach (string remark in Cards.SelectMany(card => card.Remarks)) page.Append(CultureInfo.InvariantCulture, $"- {remark}\n");
        return page.ToString();
    }

    private static string Cell(PeerCard card, Direction direction, Scenario scenario, List<string> notes)
    {
        if (card.Lack(direction, scenario) is { } lack) return "n/a " + Note(lack.Why, notes);
        return card.Fault(direction, scenario) is { } fault ? "✗ " + Note(fault.Why, notes) : "✓";
    }

    private static string Note(string why, List<string> notes)
    {
        if (!notes.Contains(why)) notes.Add(why);
        return $"<sup>{notes.IndexOf(why) + 1}</sup>";
    }
}
