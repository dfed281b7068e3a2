namespace Tandem.Interop.Tests.Matrix;

/// <summary>Where things are, seen from the test program.</summary>
internal static class Tools
{
    public static string Root { get; } = FindRoot();

    /// <summary>
    /// Goes before a foreign program: SIGTERM to it and its process group after 10 min, many times what all the tests take, and SIGKILL 10 s
    /// later. So one that hangs, or spins, ends even if whoever started it is gone. A SIGTERM to timeout(1) itself goes to the group at once.
    /// </summary>
    public static string[] Timeout { get; } = [Find("timeout"), "-k", "10", "600"];

    /// <summary>A program on the path, or in /usr/bin, where its absence is found and reported.</summary>
    public static string Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists) ?? "/usr/bin/" + name;

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Tandem.slnx"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests run inside the repository.");
    }
}
