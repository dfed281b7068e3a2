using System.CommandLine;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore;
using Tandem.Server.Tutorial;

namespace Tandem.Cli;

/// <summary><c>tandem serve</c>: pages and WebSockets on one port.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var host = CommonOptions.Host();
        var port = CommonOptions.Port(1818);
        var command = new Command("serve", "Serve the pages and their WebSockets on one port: the tutorial at /tutorial.") { host, port };
        command.SetAction((result, cancellation) => RunAsync(new IPEndPoint(result.GetValue(host)!, result.GetValue(port)), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(IPEndPoint endPoint, CancellationToken cancellation)
    {
        string pages = Path.Combine(AppContext.BaseDirectory, "wwwroot");
        if (!File.Exists(Path.Combine(pages, "tutorial.html")))
        {
            Console.Error.WriteLine("tandem: the pages are not built; './tandem serve' at the root of the repository builds them (it needs Node 20).");
            return 1;
        }

        await using WebApplication app = CreateApplication(endPoint, pages);
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (Exception exception) when (Startup.DescribeListenError(exception) is { } why)
        {
            Console.Error.WriteLine($"tandem: cannot listen on {endPoint}: {why}.");
            return 1;
        }

        foreach (string address in app.Urls) Console.WriteLine($"Tandem is at {address}/tutorial");
        await Startup.UntilStopped(cancellation);
        await app.StopAsync(CancellationToken.None);
        return 0;
    }

    private static WebApplication CreateApplication(IPEndPoint endPoint, string pages)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, WebRootPath = pages });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        // What cannot be listened on is said in one line of our own.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);
        builder.Services.AddResponseCompression();
        builder.WebHost.UseTandemListener();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(endPoint);
        });

        WebApplication app = builder.Build();
        app.UseResponseCompression();
        app.Use(AddSecurityHeaders);
        app.UseStaticFiles(new StaticFileOptions { OnPrepareResponse = Revalidate });
        app.MapGet("/", () => Results.Redirect("/tutorial"));
        app.MapTandemTutorial(new PhysicalFileProvider(pages).GetFileInfo("tutorial.html"));
        return app;
    }

    private static Task AddSecurityHeaders(HttpContext context, RequestDelegate next)
    {
        IHeaderDictionary headers = context.Response.Headers;
        // Pages load nothing from elsewhere; ws: and wss: because 'self' does not cover them in every browser.
        headers.ContentSecurityPolicy = "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        return next(context);
    }

    // File names carry no hash, so a browser asks each time whether its copy is still right: 304 is cheap, an old script is not.
    private static void Revalidate(StaticFileResponseContext context) => context.Context.Response.Headers.CacheControl = "no-cache";
}
