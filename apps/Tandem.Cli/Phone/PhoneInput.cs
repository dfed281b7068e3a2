using System.Text;
using Tandem.Cli.Connect;

namespace Tandem.Cli.Phone;

/// <summary>Standard input in lines, for all who read of it: what one of them has buffered must not be lost to the next.</summary>
internal static class PhoneInput
{
    private static readonly InputLines Lines = new(SessionOutput.OpenInput());

    /// <summary>The next line; null at the end.</summary>
    /// <exception cref="InvalidDataException">It is too long.</exception>
    public static async Task<string?> ReadLineAsync() => await Lines.ReadAsync() is { } line ? Encoding.UTF8.GetString(line.Span) : null;
}
