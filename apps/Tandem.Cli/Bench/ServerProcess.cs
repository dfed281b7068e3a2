using System.Globalization;

namespace Tandem.Cli.Bench;

/// <summary>What a process has spent, read from outside: whatever threads it has, and whoever wrote it, are counted alike.</summary>
internal sealed class ServerProcess
{
    // USER_HZ: 100 on every Linux architecture that .NET runs on. A tick is 10 ms, 0.25 % of a measurement of four seconds.
    private const double TicksPerSecond = 100;

    private readonly string _directory;

    private ServerProcess(string directory) => _directory = directory;

    /// <summary>This generator: near 1 core it, not the server, is what limits the messages per second.</summary>
    public static ServerProcess Self { get; } = new("/proc/self");

    /// <summary>The process to be measured.</summary>
    /// <exception cref="BenchException">There is none of that id, or no /proc.</exception>
    public static ServerProcess Find(int id)
    {
        string directory = $"/proc/{id}";
        return Directory.Exists(directory) ? new ServerProcess(directory) : throw new BenchException($"there is no process {id}");
    }

    /// <summary>Seconds of processor time so far, in user and in kernel mode, of all threads.</summary>
    public double CpuSeconds()
    {
        string stat = Read("stat");
        // The second field is the name in parentheses, which may itself hold blanks: fields are counted from behind it, from the third.
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        long user = long.Parse(fields[14 - 3], CultureInfo.InvariantCulture);
        long kernel = long.Parse(fields[15 - 3], CultureInfo.InvariantCulture);
        return (user + kernel) / TicksPerSecond;
    }

    /// <summary>Bytes of resident memory. What the kernel holds for sockets is not part of it, and is the same for every server.</summary>
    public long ResidentBytes()
    {
        foreach (ReadOnlySpan<char> line in Read("status").AsSpan().EnumerateLines())
        {
            if (!line.StartsWith("VmRSS:")) continue;
            return long.Parse(line["VmRSS:".Length..^" kB".Length].Trim(), CultureInfo.InvariantCulture) * 1024;
        }

        throw new BenchException("the server has ended");
    }

    private string Read(string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(_directory, file));
        }
        catch (IOException)
        {
            throw new BenchException("the server has ended");
        }
    }
}
