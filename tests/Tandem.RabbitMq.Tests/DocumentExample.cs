using Tandem.Sessions;

namespace Tandem.RabbitMq.Tests;

/// <summary>docs/rabbitmq.md, whose code is held against this by a test of Tandem.Server.</summary>
internal static class DocumentExample
{
    public static async Task HubAsync(SessionApplication application)
    {
        await using var backplane = new RabbitMqBackplane(new RabbitMqBackplaneOptions { Uri = new Uri("amqp://guest:guest@127.0.0.1:5672") });
        await using var hub = new SessionHub(application, backplane: backplane);
        await backplane.WaitUntilConnectedAsync();
    }
}
