using System.CommandLine;
using System.CommandLine.Parsing;

namespace Tandem.Cli;

/// <summary>What is wrong with a command line, a line for each mistake: the whole help, which the library would print, buries it.</summary>
internal static class CommandLineErrors
{
    /// <summary>Says it on standard error.</summary>
    /// <returns>The exit code.</returns>
    public static int Say(ParseResult result)
    {
        Command command = result.CommandResult.Command;
        bool isRoot = command is RootCommand;
        string name = isRoot ? "tandem" : $"tandem {command.Name}";
        bool unmatched = result.UnmatchedTokens.Count > 0;
        if (unmatched) Startup.Fail($"'{result.UnmatchedTokens[0]}' is no {(isRoot ? "command" : "option or argument")} of '{name}'; '{name} --help' names them.");
        foreach (ParseError error in result.Errors)
        {
            // Not twice what is unknown, nor what follows from it: that something else is missing.
            if (unmatched && error.SymbolResult is CommandResult) continue;
            // Some of the library's have several lines, for a list of values.
            Startup.Fail(string.Join(' ', error.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
        }

        return 1;
    }
}
