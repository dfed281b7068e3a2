using System.Text;
using QRCoder;

namespace Tandem.Cli;

/// <summary>A QR code for a terminal: two rows of modules to a line, by half blocks, which are about as wide as they are high.</summary>
internal static class TerminalQrCode
{
    // ISO/IEC 18004 asks for 4 light modules around it; cameras of phones do with 2, and a terminal has few lines.
    private const int QuietZone = 2;

    // The colours are said, as a code with light and dark exchanged is not read by every phone: black on white.
    private const string Colours = "\e[30;107m";
    private const string NoColours = "\e[0m";

    /// <summary>Draws it.</summary>
    /// <param name="text">What it says.</param>
    /// <param name="width">How many characters a line may have.</param>
    /// <returns>The lines; null: there is no room.</returns>
    public static IReadOnlyList<string>? Draw(string text, int width)
    {
        using QRCodeData code = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.L);
        // The generator has put the standard's zone around it.
        const int surplus = 4 - QuietZone;
        int size = code.ModuleMatrix.Count - (2 * surplus);
        if (size > width) return null;
        List<string> lines = [];
        for (int row = 0; row < size; row += 2)
        {
            var line = new StringBuilder(Colours);
            for (int column = 0; column < size; column++) line.Append((IsDark(row, column), IsDark(row + 1, column)) switch { (true, true) => '█', (true, false) => '▀', (false, true) => '▄', _ => ' ' });
            lines.Add(line.Append(NoColours).ToString());
        }

        return lines;

        bool IsDark(int row, int column) => row < size && code.ModuleMatrix[row + surplus][column + surplus];
    }
}
