using System.Globalization;
using System.Text;
using Tandem.Link.Conversation;

namespace Tandem.Cli.Phone;

/// <summary>A file that is sent.</summary>
internal sealed class SentFile(FileStream stream) : ILinkFileSource, IDisposable
{
    public long Length => stream.Length;

    public int Read(long position, Span<byte> destination) => Read(stream, position, destination);

    public void Dispose() => stream.Dispose();

    /// <summary>Reads, where what cannot be read is not there: the conversation ends the file then, and not the program.</summary>
    public static int Read(FileStream stream, long position, Span<byte> destination)
    {
        try
        {
            return RandomAccess.Read(stream.SafeFileHandle, destination, position);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}

/// <summary>A file that comes: beside its place until it is whole, so that nobody takes a part for all of it.</summary>
internal sealed class ReceivedFile : ILinkFileTarget, IDisposable
{
    // Most file systems take 255 bytes; the rest is for " (12)" and the end of a part.
    private const int MaxNameBytes = 200;
    private const int MaxTries = 1000;

    private readonly FileStream _stream;
    private readonly string _directory;
    private readonly string _name;
    private bool _isKept;

    /// <summary>Makes the part.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="name">What the other end calls it: not trusted.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public ReceivedFile(string directory, string name)
    {
        (_directory, _name) = (directory, Sanitize(name));
        Directory.CreateDirectory(directory);
        _stream = new FileStream(Path.Combine(directory, $".{_name}.{Guid.NewGuid():N}.part"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
    }

    /// <summary>A name without a way to another directory, that no tool takes for a hidden file or an option, and no terminal for a command.</summary>
    public static string Sanitize(string name)
    {
        string last = name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        var safe = new StringBuilder();
        int bytes = 0;
        foreach (Rune rune in last.EnumerateRunes())
        {
            bool isSafe = Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned)
                && !(rune.IsAscii && "<>:\"|?*".Contains((char)rune.Value));
            Rune kept = isSafe ? rune : new Rune('_');
            bytes += kept.Utf8SequenceLength;
            if (bytes > MaxNameBytes) break;
            safe.Append(kept);
        }

        string trimmed = safe.ToString().Trim(' ', '.');
        return trimmed.Length == 0 ? "file" : trimmed[0] == '-' ? "_" + trimmed : trimmed;
    }

    public int Read(long position, Span<byte> destination) => SentFile.Read(_stream, position, destination);

    public bool TryWrite(long position, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_stream.SafeFileHandle, bytes, position);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The file is whole: gives it its name, or one like it that is free.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="IOException">It cannot be named.</exception>
    public string Keep()
    {
        // Whoever is told of it may open it at once.
        _stream.Dispose();
        string stem = Path.GetFileNameWithoutExtension(_name), extension = Path.GetExtension(_name);
        for (int number = 0; ; number++)
        {
            string path = Path.Combine(_directory, number == 0 ? _name : $"{stem} ({number}){extension}");
            try
            {
                File.Move(_stream.Name, path, overwrite: false);
                _isKept = true;
                return path;
            }
            catch (IOException) when (number < MaxTries && Path.Exists(path))
            {
                // The next name.
            }
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        if (!_isKept) File.Delete(_stream.Name);
    }
}
