using System.Net.WebSockets;
using System.Text;

namespace Tandem.Cli.Connect;

/// <summary>
/// Prints messages piece by piece, as they come. To a pipe text goes byte for byte; to a terminal it goes harmless and marked, so that it can be
/// told from what was typed.
/// </summary>
internal sealed class MessagePrinter(SessionOutput output)
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder(); // a piece may end inside a code point
    private readonly HexDump _dump = new();
    private readonly char[] _characters = new char[16 * 1024];
    private bool _inMessage;

    /// <summary>Prints a piece of a message.</summary>
    /// <returns>False when nobody reads the output any more.</returns>
    public bool Print(WebSocketMessageType type, ReadOnlySpan<byte> piece, bool endOfMessage)
    {
        var text = new StringBuilder();
        if (!_inMessage && output.OutputIsTerminal) text.Append(output.Mark);
        _inMessage = !endOfMessage;
        if (type == WebSocketMessageType.Binary)
        {
            _dump.Append(piece, text);
            if (endOfMessage) _dump.End(text);
            return output.Write(text.ToString());
        }

        if (!output.OutputIsTerminal) return output.Write(piece) && (!endOfMessage || output.Write("\n"u8));
        int count = _decoder.GetChars(piece, _characters, flush: endOfMessage);
        text.Append(HarmlessText.Of(_characters.AsSpan(0, count), keepsLines: true));
        if (endOfMessage) text.Append('\n');
        return output.Write(text.ToString());
    }
}
