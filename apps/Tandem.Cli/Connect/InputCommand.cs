using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Tandem.Cli.Connect;

/// <summary>What a line of input asks for.</summary>
internal enum InputKind
{
    Text,
    Binary,
    Ping,
    Close,
    Help,

    /// <summary>Nothing that can be done; the payload says why.</summary>
    Wrong,
}

/// <summary>A line of input, understood.</summary>
/// <param name="Kind">What it asks for.</param>
/// <param name="Payload">The bytes to send; for a wrong line what is wrong, for a close the reason.</param>
/// <param name="CloseCode">The code of a close.</param>
internal sealed record InputCommand(InputKind Kind, ReadOnlyMemory<byte> Payload, int CloseCode = 1000)
{
    public const string Help = """
        text                     sends the line as a text message
        //text                   sends a line that begins with a slash
        /binary HEX              sends a binary message, such as /binary 48 65 6c 6c 6f
        /ping [TEXT]             sends a ping and shows the round trip
        /close [CODE] [REASON]   closes the connection; 1000 when no code is given, 1005 sends none
        /help                    shows this
        """;

    public string PayloadText => Encoding.UTF8.GetString(Payload.Span);

    /// <summary>Reads a line, without its end.</summary>
    public static InputCommand Parse(ReadOnlyMemory<byte> line)
    {
        // RFC 6455 section 5.6: text is UTF-8, and what is not cannot be sent as text.
        if (!Utf8.IsValid(line.Span)) return Wrong("the line is not UTF-8, so it cannot be sent as text; /binary sends bytes");
        if (!line.Span.StartsWith((byte)'/')) return new InputCommand(InputKind.Text, line);
        if (line.Span.StartsWith("//"u8)) return new InputCommand(InputKind.Text, line[1..]);
        (string name, string rest) = Cut(Encoding.UTF8.GetString(line.Span));
        return name switch
        {
            "/binary" => ParseBinary(rest),
            "/ping" => ParsePing(rest),
            "/close" => ParseClose(rest),
            "/help" => new InputCommand(InputKind.Help, default),
            _ => Wrong($"there is no command {name}; /help names them, and // sends a line that begins with a slash"),
        };
    }

    private static InputCommand ParseBinary(string hex)
    {
        string digits = string.Concat(hex.Where(character => !char.IsWhiteSpace(character)));
        byte[] bytes = new byte[digits.Length / 2];
        return Convert.FromHexString(digits, bytes, out _, out _) == OperationStatus.Done
            ? new InputCommand(InputKind.Binary, bytes)
            : Wrong("/binary takes pairs of hexadecimal digits, such as 48 65 6c");
    }

    private static InputCommand ParsePing(string text)
    {
        byte[] payload = Encoding.UTF8.GetBytes(text);
        return payload.Length <= 125 ? new InputCommand(InputKind.Ping, payload) : Wrong("a ping has at most 125 bytes (RFC 6455 section 5.5)");
    }

    private static InputCommand ParseClose(string rest)
    {
        (string code, string reason) = Cut(rest);
        if (code.Length == 0) return new InputCommand(InputKind.Close, default);
        return int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= ushort.MaxValue
            ? new InputCommand(InputKind.Close, Encoding.UTF8.GetBytes(reason), number)
            : Wrong("/close takes a number such as 1000, and then a reason");
    }

    private static InputCommand Wrong(string why) => new(InputKind.Wrong, Encoding.UTF8.GetBytes(why));

    private static (string Word, string Remainder) Cut(string text)
    {
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        return space < 0 ? (text, "") : (text[..space], text[(space + 1)..].Trim());
    }
}
