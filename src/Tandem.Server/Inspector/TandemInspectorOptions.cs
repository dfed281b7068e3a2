using Microsoft.Extensions.FileProviders;
using Tandem.Sessions;

namespace Tandem.Server.Inspector;

/// <summary>The inspector: where it is, what it shows, who may look.</summary>
public sealed record TandemInspectorOptions
{
    /// <summary>The page: <c>inspect.html</c> of the web application, whose scripts and styles are served as static files.</summary>
    public required IFileInfo Page { get; init; }

    /// <summary>The path of the page; what it asks for is below. Default <c>/inspect</c>. It begins with a slash and does not end with one.</summary>
    public string Path { get; init; } = "/inspect";

    /// <summary>The sessions, topics and mailboxes to show. Default null: there are none.</summary>
    public SessionHub? Sessions { get; init; }

    /// <summary>The hub of links, of which numbers and the beginnings of ids are shown. Default null: there is none.</summary>
    public SessionHub? Links { get; init; }

    /// <summary>
    /// What who looks must know: 16 to 256 printable characters of ASCII without a blank, best random ones. Then everybody must, on this machine too. Default null: who asks from this
    /// machine, directly, may look, and for everybody else nothing is there.
    /// </summary>
    public string? Token { get; init; }

    /// <summary>Most rows of each table. Default 200; 1 to 1,000. How many there are is shown in any case.</summary>
    public int MaxRows { get; init; } = 200;

    /// <summary>Most pages that are told what happens at the same time; further ones get 503. Default 8.</summary>
    public int MaxViewers { get; init; } = 8;

    internal void Validate()
    {
        Check(Page is not null, nameof(Page), "must not be null");
        Check(Path is { Length: > 1 } && Path[0] == '/' && Path[^1] != '/' && !Path.AsSpan().ContainsAny('{', '?', '#'), nameof(Path), "must be /name, without a slash at its end");
        Check(Token is null || IsToken(Token), nameof(Token), "must be 16 to 256 printable characters of ASCII without a blank");
        Check(MaxRows is >= 1 and <= 1000, nameof(MaxRows), "must be 1 to 1,000");
        Check(MaxViewers >= 1, nameof(MaxViewers), "must be positive");
    }

    /// <summary>Whether a text can be a token.</summary>
    /// <param name="text">The text.</param>
    /// <returns>True when it can.</returns>
    public static bool IsToken(ReadOnlySpan<char> text) => text.Length is >= 16 and <= 256 && !text.ContainsAnyExceptInRange('!', '~');

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"TandemInspectorOptions.{name} {rule}.");
    }
}
