using Tandem.RabbitMq.Tests.Support;

// One broker for all, since its start takes seconds; tests that restart it must not run beside others.
[assembly: AssemblyFixture(typeof(Broker))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]
