using System.Diagnostics;

namespace Tandem.Coap.Tests.Support;

/// <summary>The programs of libcoap, as Debian has them. Where they are not installed, tests that need them are skipped, and said to be.</summary>
internal static class Programs
{
    private const string Client = "/usr/bin/coap-client-notls";
    private const string Server = "/usr/bin/coap-server-notls";
    private const string FakeTime = "/usr/bin/faketime";

    // No test of these waits longer, whatever is lost.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    public static void Require() => Assert.SkipUnless(File.Exists(Client) && File.Exists(Server), "libcoap is not installed (Debian: apt-get install libcoap3-bin).");

    /// <summary>Runs coap-client to its end.</summary>
    public static Task<(string Output, string Errors)> RunClientAsync(params string[] arguments) => RunAsync(Start(Client, arguments), null);

    /// <summary>Runs coap-client to its end, for which it is interrupted when a task has completed: it tells the server what it observes no more.</summary>
    public static Task<(string Output, string Errors)> RunClientUntilAsync(Task interrupt, params string[] arguments) => RunAsync(Start(Client, arguments), interrupt);

    /// <summary>
    /// The same with a clock that goes so many times as fast, since its timers cannot be set and each loss costs it 2 s and more. Its random numbers are the same each time, and so
    /// with them what it loses: by chance it would give up one transfer of 100 blocks in 32, each of which may be lost five times.
    /// </summary>
    public static Task<(string Output, string Errors)> RunHurriedClientAsync(int speed, params string[] arguments)
    {
        Assert.SkipUnless(File.Exists(FakeTime), "faketime is not installed (Debian: apt-get install faketime).");
        string[] clock = ["-f", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"+0 x{speed}"), Client];
        return RunAsync(Start(FakeTime, [.. clock, .. arguments], ("FAKERANDOM_SEED", "0x1234567890"), ("FAKETIME_DONT_RESET", "1")), null);
    }

    private static async Task<(string Output, string Errors)> RunAsync(Process started, Task? interrupt)
    {
        using Process process = started;
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

    private static Process Start(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
