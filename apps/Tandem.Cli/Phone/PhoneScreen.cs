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
    private const string Mark = "~ ";
    private const string Erase = "\r\e[2K";

    private readonly SessionOutput _output = new();
    private readonly Lock _gate = new();
    private string _text = "";
    private string _progress = "";
    private string _below = "";

    public bool IsTerminal => _output.OutputIsTerminal;

    public bool InputIsTerminal => _output.InputIsTerminal;

    /// <summary>What is drawn again and again goes: the shell's prompt comes next.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_below.Length > 0) _output.Write(Erase);
            _below = "";
        }

        _output.Dispose();
    }

    /// <summary>What the computer says, on standard output: in one line for programs, and for people in as many as it has, of which none can be taken for another one of these.</summary>
    public void Line(string kind, string text)
    {
        string harmless = HarmlessText.Of(text, keepsLines: IsTerminal).Replace("\n", "\n  ", StringComparison.Ordinal);
        Above(() => _output.Write(char.IsLetter(kind[^1]) && harmless.Length == 0 ? $"{kind}\n" : $"{kind} {harmless}\n"));
    }

    /// <summary>What happens, on standard error.</summary>
    public void Status(string text) => Above(() => _output.Status(text));

    /// <summary>What is wrong, likewise.</summary>
    public void Error(string text) => Above(() => _output.Error(text));

    /// <summary>The computer's text is another one.</summary>
    public void Text(string content)
    {
        if (IsTerminal) Below(text: HarmlessText.Of(content.Replace('\n', '⏎'), keepsLines: false));
        else Line("text:", content);
    }

    /// <summary>A file has come further.</summary>
    public void Progress(string name, long done, long size)
    {
        if (!IsTerminal) return;
        int filled = size == 0 ? BarLength : (int)(BarLength * done / size);
        string percent = size == 0 ? "100" : (100 * done / size).ToString(CultureInfo.InvariantCulture);
        Below(progress: $"[{new string('#', filled)}{new string('.', BarLength - filled)}] {percent,3} % {HarmlessText.Of(name, keepsLines: false)}");
    }

    public void NoProgress()
    {
        if (IsTerminal) Below(progress: "");
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

    /// <summary>Draws the line below: how far a file is, while there is one; else the computer's text.</summary>
    private void Below(string? text = null, string? progress = null)
    {
        lock (_gate)
        {
            (_text, _progress) = (text ?? _text, progress ?? _progress);
            int columns = Math.Max(20, Console.WindowWidth) - 1;
            string next = _progress.Length > 0 ? Begin(_progress, columns) : _text.Length > 0 ? Mark + End(_text, columns - Mark.Length) : "";
            if (next == _below) return;
            _below = next;
            _output.Write(Erase + _below);
        }
    }

    // One line at most, or it could not be erased: of what does not fit its beginning, and of a text its end, where it is typed.
    private static string Begin(string text, int columns)
    {
        int length = 0;
        for (int used = 0; length < text.Length && (used += ColumnsOf(text[length])) <= columns; length++)
        {
        }

        return length > 0 && char.IsHighSurrogate(text[length - 1]) ? text[..(length - 1)] : text[..length];
    }

    private static string End(string text, int columns)
    {
        int start = text.Length;
        for (int used = 0; start > 0 && (used += ColumnsOf(text[start - 1])) <= columns; start--)
        {
        }

        return start < text.Length && char.IsLowSurrogate(text[start]) ? text[(start + 1)..] : text[start..];
    }

    // From U+1100 on there are wide characters, which take two; that some there take one leaves columns free.
    private static int ColumnsOf(char character) => character >= '\u1100' ? 2 : 1;
}
