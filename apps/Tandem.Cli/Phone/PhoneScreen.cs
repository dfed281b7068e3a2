using System.Globalization;
using Tandem.Cli.Connect;

namespace Tandem.Cli.Phone;

/// <summary>
/// What the person sees: lines, and on a terminal below them one that is drawn again and again, which has the computer's text as it is typed, or how far a file is. Into a pipe each state of the
/// text is a line.
/// </summary>
internal sealed class PhoneScreen : IDisposable
{
    private const int BarLength = 20;
    private const string Erase = "\r\e[2K";

    private readonly SessionOutput _output = new();
    private readonly Lock _gate = new();
    private string _below = "";

    public bool IsTerminal => _output.OutputIsTerminal;

    public bool InputIsTerminal => _output.InputIsTerminal;

    public void Dispose() => _output.Dispose();

    /// <summary>What the computer says, on standard output.</summary>
    public void Line(string kind, string text) => Above(() => _output.Write($"{kind} {HarmlessText.Of(text, keepsLines: false)}\n"));

    /// <summary>What happens, on standard error.</summary>
    public void Status(string text) => Above(() => _output.Status(text));

    /// <summary>What is wrong, likewise.</summary>
    public void Error(string text) => Above(() => _output.Error(text));

    /// <summary>The computer's text is another one.</summary>
    public void Text(string content)
    {
        if (IsTerminal) Below(content.Length == 0 ? "" : $"~ {HarmlessText.Of(content, keepsLines: false)}");
        else Line("text:", content);
    }

    /// <summary>A file has come further.</summary>
    public void Progress(string name, long done, long size)
    {
        if (!IsTerminal) return;
        int filled = size == 0 ? BarLength : (int)(BarLength * done / size);
        string percent = size == 0 ? "100" : (100 * done / size).ToString(CultureInfo.InvariantCulture);
        Below($"[{new string('#', filled)}{new string('.', BarLength - filled)}] {percent,3} % {HarmlessText.Of(name, keepsLines: false)}");
    }

    public void NoProgress()
    {
        if (IsTerminal) Below("");
    }

    private void Above(Action write)
    {
        lock (_gate)
        {
            if (_below.Length > 0) _output.Write(Erase);
            write();
            if (_below.Length > 0) _output.Write(_below);
        }
    }

    private void Below(string text)
    {
        lock (_gate)
        {
            // One line at most, or it could not be erased: of a long text its end, where it is typed. Wide characters take two columns.
            int columns = Math.Max(20, Console.WindowWidth) - 1;
            int start = text.Length;
            for (int used = 0; start > 0; start--)
            {
                used += text[start - 1] >= '\u1100' ? 2 : 1;
                if (used > columns) break;
            }

            _below = text[start..];
            _output.Write(Erase + _below);
        }
    }
}
