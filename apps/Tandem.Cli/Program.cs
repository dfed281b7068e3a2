using System.CommandLine;
using System.CommandLine.Invocation;
using Tandem.Cli;

var root = new RootCommand("Tandem: WebSockets from the TCP socket up.")
{
    ServeCommand.Create(),
    EchoCommand.Create(),
    EchoClientCommand.Create(),
};
ParseResult command = root.Parse(args);
// A bad option is one line; the whole help would bury it.
if (command.Action is ParseErrorAction error) error.ShowHelp = false;
return await command.InvokeAsync();
