namespace Tandem.Cli.Tests;

/// <summary>What commands say when a shell sends it into a file.</summary>
public sealed class OutputFileTests
{
    [Fact]
    public async Task What_is_said_goes_into_a_file_behind_what_is_there()
    {
        string file = Path.GetTempFileName();
        await using ConnectProcess shell = ConnectProcess.InShell($"{{ echo first; tandem phone nonsense; tandem phone nonsense; echo last; }} >{file} 2>&1");
        await shell.ExitAsync();
        string[] lines = await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken);
        Assert.Equal(4, lines.Length);
        Assert.Equal(("first", lines[1], "last"), (lines[0], lines[2], lines[3]));
        Assert.Contains("that is no code", lines[1], StringComparison.Ordinal);
        File.Delete(file);
    }
}
