using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tandem.Link.Tests.Vectors;

/// <summary>A file that this side writes and the pages' tests read, too.</summary>
internal static class VectorFile
{
    public static string Path(string name) => System.IO.Path.Combine(Root(), "tests", "vectors", name);

    /// <summary>The file is what this code writes; with TANDEM_WRITE_VECTORS=1 it becomes that.</summary>
    public static void Check(string name, JsonObject content)
    {
        var options = new JsonSerializerOptions { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        string text = content.ToJsonString(options) + "\n";
        if (Environment.GetEnvironmentVariable("TANDEM_WRITE_VECTORS") == "1") File.WriteAllText(Path(name), text);
        Assert.Equal(File.ReadAllText(Path(name)), text);
    }

    public static JsonArray Array<T>(IEnumerable<T> items, Func<T, JsonNode> node) => [.. items.Select(node)];

    public static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    public static byte[] Bytes(JsonNode? hex) => Convert.FromHexString(hex!.GetValue<string>());

    private static string Root()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(System.IO.Path.Combine(directory, "Tandem.slnx"))) directory = System.IO.Path.GetDirectoryName(directory)!;
        return directory;
    }
}
