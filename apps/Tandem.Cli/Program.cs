using System.CommandLine;
using Tandem.Cli;

var root = new RootCommand("Tandem: WebSockets from the TCP socket up.")
{
    EchoCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
