namespace Tandem.Tests.Support;

/// <summary>What this process has open.</summary>
internal static class Descriptors
{
    /// <summary>How many sockets. Not all descriptors: the runtime keeps two for every assembly, and loads some in the background, whatever a test does.</summary>
    public static int Sockets() => Directory.GetFiles("/proc/self/fd").Count(IsSocket);

    private static bool IsSocket(string descriptor)
    {
        try
        {
            return File.ResolveLinkTarget(descriptor, returnFinalTarget: false) is { Name: var name } && name.StartsWith("socket:", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false; // closed meanwhile, as the one is that listed them
        }
    }
}
