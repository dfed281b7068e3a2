namespace Tandem.Browser.Tests;

/// <summary>Where things are, seen from the test program.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>The command line, built with the configuration of the tests.</summary>
    public static string Tandem { get; } = Path.Combine(Root, "apps", "Tandem.Cli", "bin", Configuration(), "net10.0", "tandem");

    /// <summary>Where pictures of the pages are left for people to look at.</summary>
    public static string Screenshots { get; } = Directory.CreateDirectory(Path.Combine(Root, "artifacts", "screenshots")).FullName;

    public static string AxeScript { get; } = Path.Combine(Root, "apps", "web", "node_modules", "axe-core", "axe.min.js");

    /// <summary>The client of sessions in TypeScript, as its package has it.</summary>
    public static string SessionScript { get; } = Path.Combine(Root, "apps", "web", "src", "session", "dist", "index.js");

    /// <summary>Tests of links that need a server.</summary>
    public static string LinkServerScript { get; } = Path.Combine(Root, "apps", "web", "link-server.test.mjs");

    /// <summary>A sample, built with the configuration of the tests.</summary>
    public static string Sample(string name) => Path.Combine(Root, "samples", name, "bin", Configuration(), "net10.0", name);

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Tandem.slnx"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests run inside the repository.");
    }

    // .../bin/CONFIGURATION/net10.0/
    private static string Configuration() => new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
}
