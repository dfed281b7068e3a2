using System.CommandLine;
using System.CommandLine.Invocation;
using Tandem.Cli;
using Tandem.Cli.Connect;

Command connect = ConnectCommand.Create();
var root = new RootCommand("Tandem: WebSockets from the TCP socket up.")
{
    ServeCommand.Create(),
    EchoCommand.Create(),
    EchoClientCommand.Create(),
    connect,
};
ParseResult command = root.Parse(args);
// A bad option is one line; the whole help would bury it.
if (command.Action is ParseErrorAction error) error.ShowHelp = false;
// Every command has its own deadlines for its end; by default it would be cut off 2 s after the signal, in the middle of closing its connections.
var configuration = new InvocationConfiguration { ProcessTerminationTimeout = Timeout.InfiniteTimeSpan };
// The second Ctrl-C of this one means something else than its first: it sees to signals itself.
if (command.CommandResult.Command == connect) configuration.ProcessTerminationTimeout = null;
return await command.InvokeAsync(configuration);
