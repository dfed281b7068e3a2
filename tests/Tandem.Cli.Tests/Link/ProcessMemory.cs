using System.Diagnostics;
using System.Globalization;

namespace Tandem.Cli.Tests.Link;

/// <summary>What a process has in its memory, all of it, seen from outside: Linux's <c>/proc/PID/maps</c> and <c>/proc/PID/mem</c>.</summary>
internal static class ProcessMemory
{
    private const int BlockBytes = 1 << 20;

    /// <summary>Searches a process, which stands still meanwhile: nothing moves out of sight, and nothing is read half.</summary>
    /// <param name="id">The process, which the caller has started.</param>
    /// <param name="patterns">What to look for, by what it is called.</param>
    /// <returns>The names of what is there, and how many bytes were searched.</returns>
    public static (IReadOnlySet<string> Found, long Searched) Search(int id, IReadOnlyDictionary<string, byte[]> patterns)
    {
        Signal(id, "STOP");
        try
        {
            return SearchStopped(id, patterns);
        }
        finally
        {
            Signal(id, "CONT");
        }
    }

    private static (IReadOnlySet<string> Found, long Searched) SearchStopped(int id, IReadOnlyDictionary<string, byte[]> patterns)
    {
        var found = new HashSet<string>();
        long searched = 0;
        int overlap = patterns.Values.Max(pattern => pattern.Length) - 1;
        byte[] block = new byte[overlap + BlockBytes];
        using FileStream memory = new($"/proc/{id}/mem", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        foreach ((long start, long end) in Readable(id))
        {
            // What lies across two blocks is seen too: the end of one is the beginning of the next.
            int kept = 0;
            for (long at = start; at < end;)
            {
                int read;
                try
                {
                    memory.Position = at;
                    read = memory.Read(block, kept, (int)Math.Min(BlockBytes, end - at));
                }
                catch (IOException)
                {
                    break; // pages of a file that is shorter than its mapping, or of the kernel's own: nothing is there
                }

                if (read == 0) break;
                ReadOnlySpan<byte> bytes = block.AsSpan(0, kept + read);
                foreach ((string name, byte[] pattern) in patterns)
                {
                    if (bytes.IndexOf(pattern) >= 0) found.Add(name);
                }

                at += read;
                searched += read;
                kept = Math.Min(overlap, bytes.Length);
                bytes[^kept..].CopyTo(block);
            }
        }

        return (found, searched);
    }

    private static IEnumerable<(long Start, long End)> Readable(int id)
    {
        foreach (string line in File.ReadLines($"/proc/{id}/maps"))
        {
            // 7f0c4a000000-7f0c4a021000 rw-p 00000000 00:00 0 [heap]
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields[1][0] != 'r' || fields[^1] is "[vvar]" or "[vvar_vclock]" or "[vsyscall]") continue;
            string[] range = fields[0].Split('-');
            yield return (long.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), long.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        }
    }

    private static void Signal(int id, string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
