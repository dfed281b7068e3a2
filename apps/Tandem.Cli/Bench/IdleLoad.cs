namespace Tandem.Cli.Bench;

/// <summary>Each connection echoes one message, so that the server has been through it all, and is silent from there on.</summary>
internal sealed class IdleLoad(BenchRun run) : Load(run)
{
    protected override void Opened(Connection connection) => SendNext(connection);

    protected override void Received(Connection connection, long number)
    {
        Returned();
        if (number == 0) Settle();
        else Run.Errors.Add("a message that nobody asked for");
    }

    protected override void Ended(Connection connection)
    {
        if (connection.Received == 0) Settle();
    }
}
