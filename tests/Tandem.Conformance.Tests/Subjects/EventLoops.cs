using Tandem.Conformance.Tests.Subjects;

[assembly: AssemblyFixture(typeof(EventLoops))]
[assembly: CollectionBehavior(MaxParallelThreads = 8)] // they wait for sockets more than they compute

namespace Tandem.Conformance.Tests.Subjects;

/// <summary>Ends the servers behind all cases.</summary>
public sealed class EventLoops : IAsyncDisposable
{
    public async ValueTask DisposeAsync() => await EventLoopEcho.StopAsync();
}
