using Tandem.Conformance.Tests.Subjects;

[assembly: AssemblyFixture(typeof(Servers))]
[assembly: CollectionBehavior(MaxParallelThreads = 8)] // they wait for sockets more than they compute

namespace Tandem.Conformance.Tests.Subjects;

/// <summary>Ends the servers behind all cases.</summary>
public sealed class Servers : IAsyncDisposable
{
    public async ValueTask DisposeAsync() => await ServerEcho.StopAsync();
}
