using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Tandem.Tests.Support;

public enum Proxy
{
    Nginx,
    HAProxy,
}

/// <summary>A reverse proxy as Debian packages it, with the configuration beside this file, in front of an application.</summary>
internal sealed class ProxyProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly TemporaryDirectory _folder;

    private ProxyProcess(Process process, TemporaryDirectory folder, int port) => (_process, _folder, Port) = (process, folder, port);

    public int Port { get; }

    public static bool IsInstalled(Proxy proxy) => File.Exists(Program(proxy));

    public static async Task<ProxyProcess> StartAsync(Proxy proxy, int app, int? http2 = null)
    {
        var folder = new TemporaryDirectory();
        int port = Ports.Free();
        string name = proxy == Proxy.Nginx ? "nginx.conf" : "haproxy.cfg";
        string configuration = (await File.ReadAllTextAsync(Path.Combine(ConfigurationFolder(), name)))
            .Replace("{port}", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{app}", app.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{http2}", (http2 ?? app).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{folder}", folder.Path, StringComparison.Ordinal);
        string file = folder.File(name, configuration);
        string[] arguments = proxy == Proxy.Nginx ? ["-c", file, "-e", "stderr"] : ["-f", file, "-db"];
        Process process = Process.Start(new ProcessStartInfo(Program(proxy), arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var started = new ProxyProcess(process, folder, port);
        await Eventually.True(() => process.HasExited || IsListening(port), $"{proxy} listens");
        Assert.False(process.HasExited, process.HasExited ? await process.StandardError.ReadToEndAsync() : "");
        return started;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // SIGTERM, so that nginx's master takes its worker with it.
            using (Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)])) { }
            await _process.WaitForExitAsync().InTime();
        }

        _process.Dispose();
        _folder.Dispose();
    }

    private static string Program(Proxy proxy) => proxy == Proxy.Nginx ? "/usr/sbin/nginx" : "/usr/sbin/haproxy";

    private static string ConfigurationFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    private static bool IsListening(int port)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
