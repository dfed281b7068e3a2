using System.Diagnostics;

namespace Tandem.Coap.Tests.Support;

/// <summary>The programs of libcoap, as Debian has them. Where they are not installed, tests that need them are skipped, and said to be.</summary>
internal static class Programs
{
    private const string Client = "/usr/bin/coap-client-notls";
    private const string Server = "/usr/bin/coap-server-notls";

    // No test of these waits longer, whatever is lost.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    public static void Require() => Assert.SkipUnless(File.Exists(Client) && File.Exists(Server), "libcoap is not installed (Debian: apt-get install libcoap3-bin).");

    /// <summary>Runs coap-client to its end.</summary>
    public static Task<(string Output, string Errors)> RunClientAsync(params string[] arguments) => RunClientUntilAsync(null, arguments);

    /// <summary>Runs coap-client to its end, for which it is interrupted when a task has completed: it tells the server what it observes no more.</summary>
    public static async Task<(string Output, string Errors)> RunClientUntilAsync(Task? interrupt, params string[] arguments)
    {
        using Process process = Start(Client, arguments);
        using var late = new CancellationTokenSource(Patience);
        try
        {
            if (interrupt is not null)
            {
                await interrupt.WaitAsync(late.Token);
                using Process kill = Process.Start("kill", $"-INT {process.Id}");
            }

            Task<string> output = process.StandardOutput.ReadToEndAsync(late.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(late.Token);
            return (await output, await errors);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    /// <summary>Starts coap-server; killed by its test.</summary>
    public static Process StartServer(int port, params string[] arguments) =>
        Start(Server, ["-A", "127.0.0.1", "-p", port.ToString(System.Globalization.CultureInfo.InvariantCulture), .. arguments]);

    private static Process Start(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }
}
