using System.CommandLine;
using System.Globalization;
using Tandem.Bench.Links;
using Tandem.Cli.Bench;

var links = new Option<int>("--links") { Description = "Links to make, whose memory in the server is measured.", HelpName = "COUNT" };
var latency = new Option<bool>("--latency") { Description = "From a key at one end to its text at the other: 50 keys a second for 20 s." };
var command = new RootCommand("What links cost a server, and how long a key takes to the other end. Starts a 'tandem serve' of its own, and ends it.") { links, latency };
command.Validators.Add(result =>
{
    // An address for each end, of 10.0.0.0/8; and a port of this machine, of which there are fewer.
    if (result.GetValue(links) is < 0 or > 10_000) result.AddError("--links: the number is from 1 to 10000.");
    else if (result.GetValue(links) == 0 && !result.GetValue(latency)) result.AddError("Nothing to measure: --links COUNT, --latency, or both.");
});
command.SetAction(async result =>
{
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"conditions: {Environment.ProcessorCount} processors, load {File.ReadAllText("/proc/loadavg").Split(' ')[0]} before, .NET {Environment.Version}, server and both ends on this machine, ws:// on loopback"));
    try
    {
        // A server for each: what one measurement leaves behind is in no other.
        if (result.GetValue(links) is var count and > 0)
        {
            using LinkServer server = await LinkServer.StartAsync();
            await MemoryLoad.RunAsync(server, count);
        }

        if (result.GetValue(latency))
        {
            using LinkServer server = await LinkServer.StartAsync();
            await LatencyLoad.RunAsync(server);
        }

        return 0;
    }
    catch (Exception exception) when (exception is BenchException or InvalidOperationException or TimeoutException)
    {
        Console.Error.WriteLine($"tandem-links: {exception.Message}");
        return 1;
    }
});
return await command.Parse(args).InvokeAsync();
