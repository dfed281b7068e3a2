using System.Diagnostics;
using System.Globalization;

namespace Tandem.RabbitMq.Tests.Support;

/// <summary>A node in a process of its own, to be killed.</summary>
internal sealed class NodeProcess : IDisposable
{
    private readonly Process _process;

    private NodeProcess(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    public static async Task<NodeProcess> StartAsync(Uri uri, string prefix)
    {
        // Its input ends with this process.
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["node", uri.ToString(), prefix]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        Process process = Process.Start(start)!;
        string? line = await process.StandardOutput.ReadLineAsync().InTime();
        Assert.True(int.TryParse(line, CultureInfo.InvariantCulture, out int port), $"The node said: {line}");
        return new NodeProcess(process, port);
    }

    public void Kill()
    {
        // SIGKILL.
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited) Kill();
        _process.Dispose();
    }
}
