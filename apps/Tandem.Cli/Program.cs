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
// Every command has its own deadlines for its end; by default it would be cut off 2 s after the signal, in the middle of closing its connections.
return await command.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = Timeout.InfiniteTimeSpan });
