using System.CommandLine;
using System.CommandLine.Invocation;
using Tandem.Cli;
using Tandem.Cli.Bench;
using Tandem.Cli.Connect;
using Tandem.Cli.Phone;

Command connect = ConnectCommand.Create();
Command phone = PhoneCommand.Create();
var root = new RootCommand("Tandem: WebSockets from the TCP socket up.")
{
    ServeCommand.Create(),
    GatewayCommand.Create(),
    phone,
    EchoCommand.Create(),
    EchoClientCommand.Create(),
    connect,
    BenchCommand.Create(),
};
if (args.Length == 0)
{
    root.Parse("--help").Invoke();
    return 1;
}

ParseResult command = root.Parse(args);
if (command.Action is ParseErrorAction) return CommandLineErrors.Say(command);
var configuration = new InvocationConfiguration { ProcessTerminationTimeout = null };
// The second Ctrl-C of these means something else than the first: they see to signals themselves.
if (command.CommandResult.Command == connect || command.CommandResult.Command == phone) return await command.InvokeAsync(configuration);
using var signals = new EndSignals();
return await command.InvokeAsync(configuration, signals.Token);
