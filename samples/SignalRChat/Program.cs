using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using SignalRChat;
using Tandem.AspNetCore;

if (!File.Exists(Path.Combine(AppContext.BaseDirectory, "wwwroot", "signalr.min.js")))
{
    Console.Error.WriteLine("SignalR's client is missing. Run npm ci in samples/SignalRChat, and build again.");
    return 1;
}

var builder = WebApplication.CreateBuilder(new WebApplicationOptions
{
    Args = args, // such as --urls http://127.0.0.1:8080
    ContentRootPath = AppContext.BaseDirectory,
});
builder.Services.AddSignalR();
var app = builder.Build();
app.UseDefaultFiles();
app.UseStaticFiles();
app.UseTandemWebSockets(); // the one line: before MapHub, which brings UseWebSockets along and leaves alone what it finds
app.MapHub<ChatHub>("/chat");
app.Run();
return 0;
