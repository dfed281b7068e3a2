namespace Tandem.Tests.Support;

/// <summary>Tests that measure the process (descriptors, memory, turns of a loop) or fill it run one after the other, after all others.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
