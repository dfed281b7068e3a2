using Microsoft.AspNetCore.SignalR;

namespace SignalRChat;

/// <summary>Sends every message to everybody. A hub like any other: it does not know whose WebSockets it runs on.</summary>
internal sealed class ChatHub : Hub
{
    public Task Send(string name, string text) => Clients.All.SendAsync("Message", name, text);
}
