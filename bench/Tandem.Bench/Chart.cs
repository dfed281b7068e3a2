using System.Globalization;
using System.Text;

namespace Tandem.Benchmarks;

/// <summary>
/// The table as bars, in SVG that follows the reader's choice of light or dark. Rows have units of their own, so the longest bar of each is its best figure;
/// of a cost, where less is better, it is the other way round, and the title says so.
/// </summary>
internal static class Chart
{
    private const int Width = 860;
    private const int TitleWidth = 270;
    private const int BarWidth = 420;
    private const int BarHeight = 14;
    private const int RowGap = 12;
    private const int Top = 44;

    private static readonly string[] Light = ["#1d5fd1", "#8a8f98", "#c2762b", "#3d8a4c", "#8653b5"];
    private static readonly string[] Dark = ["#6ea3ff", "#878d97", "#e0a05c", "#73c285", "#bd93e8"];

    public static string Draw(Report report)
    {
        var body = new StringBuilder();
        int x = TitleWidth;
        for (int i = 0; i < report.Servers.Count; i++)
        {
            string name = Report.Name(report.Servers[i]);
            body.Append(Invariant($"<rect class=\"s{i % Light.Length}\" x=\"{x}\" y=\"14\" width=\"12\" height=\"12\"/><text x=\"{x + 17}\" y=\"24\">{Escape(name)}</text>\n"));
            x += 40 + (8 * name.Length);
        }

        int y = Top;
        foreach (ReportRow row in report.Rows) y = DrawRow(body, report, row, y);
        var svg = new StringBuilder();
        svg.Append(Invariant($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {y}\" width=\"{Width}\" height=\"{y}\" role=\"img\" aria-label=\"Figures of WebSocket servers, by workload\">\n<style>\n"));
        svg.Append("text { font: 12px system-ui, sans-serif; fill: #1b1f24; }\n.back { fill: #ffffff; }\n.note { fill: #59636e; }\n");
        for (int i = 0; i < Light.Length; i++) svg.Append(Invariant($".s{i} {{ fill: {Light[i]}; }}\n"));
        svg.Append("@media (prefers-color-scheme: dark) {\ntext { fill: #e6edf3; }\n.back { fill: #0d1117; }\n.note { fill: #9198a1; }\n");
        for (int i = 0; i < Dark.Length; i++) svg.Append(Invariant($".s{i} {{ fill: {Dark[i]}; }}\n"));
        svg.Append(Invariant($"}}\n</style>\n<rect class=\"back\" width=\"{Width}\" height=\"{y}\"/>\n")).Append(body).Append("</svg>\n");
        return svg.ToString();
    }

    private static int DrawRow(StringBuilder body, Report report, ReportRow row, int y)
    {
        (string Name, int Index, double? Value)[] servers =
            [.. report.Servers.Select((server, i) => (server, i, report.Median(row, server))).Where(server => server.Item3 is not null)];
        double best = servers.Max(server => Goodness(row, server.Value!.Value));
        body.Append(Invariant($"<text x=\"{TitleWidth - 10}\" y=\"{y + 11}\" text-anchor=\"end\">{Escape(row.Title)}</text>\n"));
        if (row.IsCost) body.Append(Invariant($"<text class=\"note\" x=\"{TitleWidth - 10}\" y=\"{y + 25}\" text-anchor=\"end\">less is better; a longer bar is less</text>\n"));
        foreach ((string name, int index, double? value) in servers)
        {
            double length = best > 0 ? Math.Max(1, BarWidth * Goodness(row, value!.Value) / best) : 1;
            body.Append(Invariant($"<rect class=\"s{index % Light.Length}\" x=\"{TitleWidth}\" y=\"{y}\" width=\"{length:0.#}\" height=\"{BarHeight - 2}\"/>"));
            body.Append(Invariant($"<text x=\"{TitleWidth + length + 6:0.#}\" y=\"{y + 10}\">{Escape(report.Text(row, name))}</text>\n"));
            y += BarHeight;
        }

        return y + Math.Max(RowGap, row.IsCost ? RowGap + (BarHeight * (2 - servers.Length)) : 0);
    }

    private static double Goodness(ReportRow row, double value) => !row.IsCost ? value : value > 0 ? 1 / value : 0;

    private static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
