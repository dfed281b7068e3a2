using System.Globalization;
using Tandem.Browser.Tests;
using Tandem.Cli.Tests.Phone;
using Tandem.RabbitMq.Tests.Support;
using Tandem.Sessions.Protocol;

namespace Tandem.RabbitMq.Tests;

/// <summary><c>tandem serve --rabbitmq</c>: the program as its users run it.</summary>
public sealed class ServeTests(Broker broker) : IAsyncLifetime
{
    public async ValueTask InitializeAsync() => await broker.StartAsync();

    public ValueTask DisposeAsync() => default;

    [Fact]
    public async Task Two_programs_with_one_broker_share_topics()
    {
        (TandemProcess left, int leftPort) = await ServeAsync();
        await using (left)
        {
            (TandemProcess right, int rightPort) = await ServeAsync();
            await using (right)
            {
                await using TestClient subscriber = new(() => leftPort), publisher = new(() => rightPort);
                Assert.Equal(SessionCode.Ok, await subscriber.SubscribeAsync("lab/chat").InTime());
                Assert.Equal(SessionCode.Ok, await publisher.PublishAsync("lab/chat", "hello").InTime());
                await Eventually.Equal(1, () => subscriber.Events("lab/chat").Length, "the number of events");
            }
        }
    }

    [Fact]
    public async Task A_phone_without_a_browser_at_one_node_is_linked_to_a_computer_at_another()
    {
        (TandemProcess left, int leftPort) = await ServeAsync();
        await using (left)
        {
            (TandemProcess right, string phones) = await TandemProcess.StartAsync($"serve --port 0 --coap-port 0 --rabbitmq {broker.Uri}", "coap://");
            await using (right)
            {
                await using HeadlessComputer computer = await HeadlessComputer.StartAsync(new Uri($"http://127.0.0.1:{leftPort}/"));
                (TandemProcess phone, _) = await TandemProcess.StartAsync($"phone --server {phones.Split(' ')[^1]} {computer.Code}", "choose: ");
                await using (phone)
                {
                    await Eventually.True(() => computer.Number >= 0, "a number");
                    await phone.TypeAsync(computer.Number.ToString("00", CultureInfo.InvariantCulture));
                    await phone.TypeAsync("from the phone");
                    await Eventually.True(() => computer.Chats.Contains("from the phone"), "a message");
                    await computer.SayAsync("from the computer");
                    string line;
                    do line = await phone.ReadLineAsync();
                    while (line != "< from the computer");
                }
            }
        }
    }

    [Fact]
    public async Task What_is_no_broker_is_refused_in_one_line_that_does_not_show_the_password()
    {
        (int code, _, string error) = await TandemProcess.RunAsync("serve --port 0 --rabbitmq http://user:secret@127.0.0.1");
        Assert.NotEqual(0, code);
        Assert.Contains("not an amqp:// or amqps:// URL", error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_that_refuses_the_password_is_not_waited_for_and_it_is_said_why()
    {
        (int code, _, string error) = await TandemProcess.RunAsync($"serve --port 0 --rabbitmq amqp://guest:secret@127.0.0.1:{broker.Port}");
        Assert.NotEqual(0, code);
        Assert.StartsWith($"tandem: RabbitMQ at 127.0.0.1:{broker.Port} cannot be used: ACCESS_REFUSED", error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    private async Task<(TandemProcess Process, int Port)> ServeAsync()
    {
        (TandemProcess process, string line) = await TandemProcess.StartAsync($"serve --port 0 --rabbitmq {broker.Uri}", "http://");
        string address = line.Split(' ').First(word => word.StartsWith("http://", StringComparison.Ordinal));
        return (process, new Uri(address).Port);
    }
}
