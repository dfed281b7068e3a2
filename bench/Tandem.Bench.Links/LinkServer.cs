using System.Diagnostics;
using Tandem.Cli.Bench;

namespace Tandem.Bench.Links;

/// <summary>A <c>tandem serve</c>, as its users start it, on a port that the system chose.</summary>
internal sealed class LinkServer : IDisposable
{
    private const string Announcement = "Tandem is at ";

    // It may have to be built before.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Process _process;

    private LinkServer(Process process, Uri sessions)
    {
        (_process, Sessions) = (process, sessions);
        Measured = ServerProcess.Find(process.Id);
    }

    /// <summary>Where its sessions of links are.</summary>
    public Uri Sessions { get; }

    public ServerProcess Measured { get; }

    public static async Task<LinkServer> StartAsync()
    {
        // All ends are on this machine, and would be one address to its limits: each says by the proxies' field which one it is.
        var start = new ProcessStartInfo(Path.Combine(FindRoot(), "tandem"), ["serve", "--port", "0", "--known-proxy", "127.0.0.0/8"]) { RedirectStandardOutput = true };
        Process process = Process.Start(start)!;
        try
        {
            using var deadline = new CancellationTokenSource(Patience);
            string? line;
            do
            {
                line = await process.StandardOutput.ReadLineAsync(deadline.Token) ?? throw new BenchException("the server has ended");
            }
            while (!line.StartsWith(Announcement, StringComparison.Ordinal));
            return new LinkServer(process, new UriBuilder(new Uri(new Uri(line[Announcement.Length..]), "link/websocket")) { Scheme = "ws" }.Uri);
        }
        catch
        {
            End(process);
            throw;
        }
    }

    /// <summary>The address of an end, as a proxy would tell it.</summary>
    public static KeyValuePair<string, string> AddressOf(int end) => new("X-Forwarded-For", $"10.{end >> 16 & 255}.{end >> 8 & 255}.{end & 255}");

    public void Dispose() => End(_process);

    private static void End(Process process)
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Tandem.slnx"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new BenchException("this program runs inside the repository");
    }
}
