using Tandem.RabbitMq.Tests.Support;

// "node AMQP-URI PREFIX": a node of the fault tests. Anything else: the tests.
return args is ["node", string uri, string prefix]
    ? await NodeProgram.RunAsync(new Uri(uri), prefix)
    : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
