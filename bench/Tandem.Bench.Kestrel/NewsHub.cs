using Microsoft.AspNetCore.SignalR;

namespace Tandem.Bench.Kestrel;

/// <summary>The baseline for topics: a group of SignalR.</summary>
internal sealed class NewsHub : Hub
{
    private const string Group = "news";

    public Task Subscribe() => Groups.AddToGroupAsync(Context.ConnectionId, Group);

    public Task Publish(string text) => Clients.Group(Group).SendAsync(Group, text);
}
