using System.Net.WebSockets;
using ConsoleClient;

if (args.Length != 2 || !Uri.TryCreate(args[0], UriKind.Absolute, out Uri? server))
{
    Console.Error.WriteLine("Usage: ConsoleClient ws://HOST:PORT/chat NAME");
    return 1;
}

var client = new ChatClient(args[1]);
client.Said += Console.WriteLine;
client.Connected += () => _ = TypeAsync(client);
try
{
    await client.RunAsync(server);
    return 0;
}
catch (WebSocketException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}

// Every line that is typed is said; the end of the input (Ctrl-D) is a goodbye.
static async Task TypeAsync(ChatClient client)
{
    Console.WriteLine("Connected.");
    // On another thread: reading the console blocks, and the thread that called is the one that receives.
    while (await Task.Run(Console.ReadLine) is { } line) await client.SayAsync(line);
    await client.LeaveAsync();
}
