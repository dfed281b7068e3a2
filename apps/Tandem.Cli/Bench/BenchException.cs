namespace Tandem.Cli.Bench;

/// <summary>Why there is no measurement: half a sentence, for a person.</summary>
internal sealed class BenchException(string message) : Exception(message);
