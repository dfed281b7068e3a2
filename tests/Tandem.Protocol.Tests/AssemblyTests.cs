using System.Reflection;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests;

/// <summary>The core is sans-I/O: what it cannot reference it cannot do.</summary>
public sealed class AssemblyTests
{
    private static readonly string[] References = [.. typeof(WebSocketReader).Assembly.GetReferencedAssemblies().Select(name => name.Name!)];

    [Theory]
    [InlineData("System.Net.Sockets")]
    [InlineData("System.Net.Security")]
    [InlineData("System.Net.Http")]
    [InlineData("System.IO.Pipelines")]
    [InlineData("System.Threading.Channels")]
    [InlineData("System.Threading.Thread")]
    [InlineData("System.Console")]
    public void The_core_references_nothing_that_does_input_or_output_or_waits(string assembly)
    {
        Assert.Contains("System.Runtime", References);
        Assert.DoesNotContain(assembly, References);
    }

    [Fact]
    public void The_core_references_the_runtime_only() =>
        Assert.All(References, name => Assert.StartsWith("System.", name, StringComparison.Ordinal));

    [Fact]
    public void The_core_brings_no_package_to_who_uses_it()
    {
        // The list of what a program needs at run time names, for the core, neither packages nor other projects.
        string path = Path.ChangeExtension(typeof(AssemblyTests).Assembly.Location, ".deps.json");
        using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(path));
        var core = json.RootElement.GetProperty("targets").EnumerateObject().First().Value.EnumerateObject()
            .Single(library => library.Name.StartsWith("Tandem.Protocol/", StringComparison.Ordinal));
        Assert.False(core.Value.TryGetProperty("dependencies", out _));
        Assert.True(core.Value.TryGetProperty("runtime", out _));
    }

    [Fact]
    public void No_public_member_returns_or_takes_a_task_or_a_stream()
    {
        foreach (Type type in typeof(WebSocketReader).Assembly.GetExportedTypes())
        {
            foreach (MethodInfo method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            {
                Type[] types = [method.ReturnType, .. method.GetParameters().Select(parameter => parameter.ParameterType)];
                Assert.DoesNotContain(types, t => typeof(Task).IsAssignableFrom(t) || typeof(Stream).IsAssignableFrom(t));
            }
        }
    }
}
