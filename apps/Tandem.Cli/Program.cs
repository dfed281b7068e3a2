using System.CommandLine;
using System.CommandLine.Invocation;
using Tandem.Cli;
using Tandem.Cli.Bench;
using Tandem.Cli.Connect;

Command connect = ConnectCommand.Create();
var root = new RootCommand("Tandem: WebSockets from the TCP socket up.")
{
    ServeCommand.Create(),
    EchoCommand.Create(),
    EchoClientCommand.Create(),
    connect,
    BenchCommand.Create(),
};
ParseResult command = root.Parse(args);
// A bad option is one line; the whole help would bury it.
if (command.Action is ParseErrorAction error) error.ShowHelp = false;
var configuration = new InvocationConfiguration { ProcessTerminationTimeout = null };
// The second Ctrl-C of this one means something else than its first: it sees to signals itself.
if (command.CommandResult.Command == connect) return await command.InvokeAsync(configuration);
using var signals = new EndSignals();
return await command.InvokeAsync(configuration, signals.Token);
