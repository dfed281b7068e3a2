namespace Tandem.Server.Tutorial;

/// <summary>The demo's answer to a name.</summary>
internal static class Greeting
{
    /// <summary>Greets.</summary>
    /// <param name="language">"zh" for Chinese; anything else is English.</param>
    /// <param name="name">The name, UTF-8.</param>
    /// <returns>"Hello, NAME" or "您好,NAME", UTF-8.</returns>
    public static byte[] For(string? language, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> salutation = language == "zh" ? "您好,"u8 : "Hello, "u8;
        return [.. salutation, .. name];
    }
}
