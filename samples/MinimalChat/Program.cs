using Microsoft.AspNetCore.Builder;
using MinimalChat;
using Tandem.AspNetCore;
using Tandem.WebSockets;

var builder = WebApplication.CreateBuilder(new WebApplicationOptions
{
    Args = args, // such as --urls http://127.0.0.1:8080
    ContentRootPath = AppContext.BaseDirectory,
});
builder.WebHost.UseTandemListener();
var app = builder.Build();
app.UseDefaultFiles();
app.UseStaticFiles();
app.MapTandem(new WebSocketRoute("/chat", new ChatRoom()));
app.Run();
