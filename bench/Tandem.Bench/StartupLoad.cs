using System.Diagnostics;
using Tandem.Cli.Bench;
using Tandem.WebSockets.EventLoop;

namespace Tandem.Benchmarks;

/// <summary>Mode startup: starts a server, and asks how soon it answers its first handshake and how much memory it has then.</summary>
internal sealed class StartupLoad(LoadOptions options, string[] command)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public Result Run()
    {
        long start = Stopwatch.GetTimestamp();
        using Process server = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true })
            ?? throw new BenchException($"{command[0]} does not start");
        try
        {
            Libc.Reset(Connect(server, start));
            double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            var spent = ServerProcess.Find(server.Id);
            var result = new Result("startup");
            result.Add("start_ms", milliseconds);
            result.Add("cpu_ms", spent.CpuSeconds() * 1000);
            result.Add("rss_bytes", spent.ResidentBytes());
            return result;
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
        }
    }

    private int Connect(Process server, long start)
    {
        var upgrade = new Upgrade(options.Port, options.Path);
        while (true)
        {
            try
            {
                int fd = upgrade.Begin(0);
                upgrade.Finish(fd);
                return fd;
            }
            catch (BenchException exception)
            {
                if (server.HasExited) throw new BenchException($"{command[0]} ended with {server.ExitCode}");
                if (Stopwatch.GetElapsedTime(start) > Patience) throw new BenchException($"{command[0]} does not answer: {exception.Message}");
                Thread.Sleep(1); // on one core with it, what is spent on asking it has to wait for
            }
        }
    }
}
