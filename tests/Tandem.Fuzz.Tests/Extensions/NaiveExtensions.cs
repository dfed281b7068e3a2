using System.Text;
using System.Text.RegularExpressions;

namespace Tandem.Fuzz.Tests.Extensions;

/// <summary>An extension with its parameters; a value is null when there is none.</summary>
internal sealed record NaiveExtension(string Name, List<(string Name, string? Value)> Parameters);

/// <summary>The twin of the extension reader: the grammar of RFC 6455 section 9.1 as regular expressions.</summary>
internal static partial class NaiveExtensions
{
    public const string Token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

    private const string Parameter = $"""[ \t]*;[ \t]*({Token})(?:[ \t]*=[ \t]*(?:({Token})|"((?:[^"\\]|\\[\s\S])*)"))?""";
    private const string Extension = $"({Token})((?:{Parameter})*)";

    /// <summary>The extensions of one line; null when it is malformed.</summary>
    public static List<NaiveExtension>? Parse(string value)
    {
        if (!List().IsMatch(value)) return null;
        var extensions = new List<NaiveExtension>();
        foreach (Match match in One().Matches(value))
        {
            var extension = new NaiveExtension(match.Groups[1].Value, []);
            foreach (Match parameter in OneParameter().Matches(match.Groups[2].Value))
            {
                string? text = parameter.Groups[2].Success ? parameter.Groups[2].Value : parameter.Groups[3].Success ? Unquote(parameter.Groups[3].Value) : null;
                // "When using the quoted-string syntax variant, the value after quoted-string unescaping MUST conform to the 'token' ABNF."
                if (parameter.Groups[3].Success && !IsToken(text!)) return null;
                extension.Parameters.Add((parameter.Groups[1].Value, text));
            }

            extensions.Add(extension);
        }

        return extensions;
    }

    public static bool IsToken(string text) => Regex.IsMatch(text, $"^{Token}\\z", RegexOptions.CultureInvariant);

    private static string Unquote(string quoted)
    {
        var text = new StringBuilder();
        for (int i = 0; i < quoted.Length; i++) text.Append(quoted[i] == '\\' ? quoted[++i] : quoted[i]);
        return text.ToString();
    }

    [GeneratedRegex($@"^[ \t,]*{Extension}(?:[ \t]*,[ \t,]*{Extension})*[ \t,]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex List();

    [GeneratedRegex($@"\G[ \t,]*{Extension}", RegexOptions.CultureInvariant)]
    private static partial Regex One();

    [GeneratedRegex($@"\G{Parameter}", RegexOptions.CultureInvariant)]
    private static partial Regex OneParameter();
}
