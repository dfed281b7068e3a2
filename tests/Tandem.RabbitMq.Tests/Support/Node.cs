using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore;
using Tandem.Server.Sessions;
using Tandem.Sessions;

namespace Tandem.RabbitMq.Tests.Support;

/// <summary>A node: a hub on a backplane, and a port with the carriers for its clients.</summary>
internal sealed class Node : IAsyncDisposable
{
    private readonly Backplane _backplane;
    private readonly WebApplication _site;

    private Node(Backplane backplane, Application application, SessionHub hub, WebApplication site) =>
        (_backplane, Application, Hub, _site) = (backplane, application, hub, site);

    public Application Application { get; }

    public SessionHub Hub { get; }

    public int Port => new Uri(_site.Urls.First()).Port;

    public static async Task<Node> StartAsync(Backplane backplane, Application? application = null)
    {
        application ??= new Application();
        // All clients come from one address.
        var hub = new SessionHub(application, new SessionHubOptions { MaxSessionsPerOwner = 1000 }, backplane);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").UseTandemListener();
        WebApplication site = builder.Build();
        site.MapTandemSessions(hub);
        await site.StartAsync();
        return new Node(backplane, application, hub, site);
    }

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        await _site.StopAsync();
        await _site.DisposeAsync();
        await _backplane.DisposeAsync();
    }
}

/// <summary>Allows everything.</summary>
internal sealed class Application : SessionApplication
{
    public TopicOptions Topics { get; set; } = new() { HistoryEvents = 20_000, HistoryBytes = 16 * 1024 * 1024, BacklogEvents = 20_000 };

    public MailboxOptions Mailboxes { get; set; } = new();

    protected override bool May(Session session, SessionAction action, string name) => true;

    protected override TopicOptions? GetTopic(string name) => Topics;

    protected override MailboxOptions? GetMailbox(string name) => Mailboxes;
}

/// <summary>A node in a process of its own: says its port, and lives until its input ends or it is killed.</summary>
internal static class NodeProgram
{
    public static async Task<int> RunAsync(Uri uri, string prefix)
    {
        // Ends when the tests do, however they end, also when there is no broker.
        Task end = Task.Run(() =>
        {
            while (Console.In.ReadLine() is not null)
            {
            }
        });
        // Far beyond what a loaded machine takes: what is Unavailable, or a gap, because somebody was slow is no finding here.
        var patience = TimeSpan.FromSeconds(60);
        var backplane = new RabbitMqBackplane(new RabbitMqBackplaneOptions { Uri = uri, Prefix = prefix, ConfirmTimeout = patience, AnswerTimeout = patience });
        Node node = await Node.StartAsync(backplane);
        await Task.WhenAny(backplane.WaitUntilConnectedAsync(), end);
        Console.WriteLine(node.Port);
        await end;
        await node.DisposeAsync().InTime();
        return 0;
    }
}
