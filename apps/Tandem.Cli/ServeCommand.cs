using System.CommandLine;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore;
using Tandem.Protocol.Drafts;
using Tandem.Server.Inspector;
using Tandem.Server.Lab;
using Tandem.Server.Link;
using Tandem.Server.Mobile;
using Tandem.Server.Sessions;
using Tandem.Server.Tls;
using Tandem.Server.Tutorial;
using Tandem.Sessions;

namespace Tandem.Cli;

/// <summary><c>tandem serve</c>: pages and WebSockets on one port.</summary>
internal static class ServeCommand
{
    // For requests and WebSockets to come to their end, behind the drain delay. The loops drop WebSockets after 10 s.
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(15);

    public static Command Create()
    {
        var host = CommonOptions.Host();
        var port = CommonOptions.Port(1818);
        var drain = new Option<int>("--drain-delay")
        {
            Description = "Seconds to go on serving after SIGTERM, with /readyz at 503, before the port is closed; for use behind a load balancer.",
            HelpName = "SECONDS",
        };
        drain.Validators.Add(result => CommonOptions.CheckRange(result, 0, 3600));
        Option<string?> inspectToken = InspectToken();
        Option<bool> drafts = CommonOptions.Drafts();
        var tls = new TlsOptions();
        Option<Uri?> otlp = Otlp.Option(), rabbitMq = Broker.Option();
        Option<IPNetwork[]> proxies = LinkPages.ProxyOption();
        const string what = "Serve the pages and their WebSockets on one port: links between a computer and a phone at / and /phone, the tutorial at /tutorial, the carrier lab at /lab, the inspector at /inspect.";
        var command = new Command("serve", what) { host, port, drain, inspectToken, drafts, otlp, rabbitMq, proxies };
        tls.AddTo(command);
        var phones = new ServedPhones();
        phones.AddTo(command);
        command.SetAction((result, cancellation) =>
        {
            ServerTls? loaded;
            try
            {
                loaded = tls.Load(result);
            }
            catch (ServerCertificateException exception)
            {
                return Task.FromResult(Startup.Fail(exception.Message));
            }

            var endPoint = new IPEndPoint(result.GetValue(host)!, result.GetValue(port));
            return RunAsync(
                new Settings(
                    endPoint, loaded, TimeSpan.FromSeconds(result.GetValue(drain)), result.GetValue(inspectToken), result.GetValue(otlp), result.GetValue(rabbitMq), result.GetValue(proxies)!,
                    phones.Key, url => phones.Start(result, url, endPoint, loaded), result.GetValue(drafts) ? WebSocketDrafts.All : WebSocketDrafts.None),
                cancellation);
        });
        return command;
    }

    private static Option<string?> InspectToken()
    {
        var option = new Option<string?>("--inspect-token")
        {
            Description = "What one must know to open /inspect, from anywhere; without it only this machine may. TANDEM_INSPECT_TOKEN is not seen by other users.",
            HelpName = "TOKEN",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("TANDEM_INSPECT_TOKEN") is { Length: > 0 } token ? token : null,
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } token && !TandemInspectorOptions.IsToken(token))
            {
                result.AddError($"{option.Name}: the token must be 16 to 256 printable characters of ASCII without a blank.");
            }
        });
        return option;
    }

    private static async Task<int> RunAsync(Settings settings, CancellationToken cancellation)
    {
        string pages = Path.Combine(AppContext.BaseDirectory, "wwwroot");
        if (!File.Exists(Path.Combine(pages, "tutorial.html")))
        {
            return Startup.Fail("the pages are not built; './tandem serve' at the root of the repository builds them (it needs Node 20).");
        }

        using Otlp? otlp = Otlp.Start(settings.Collector);
        await using Broker? broker = settings.RabbitMq is null ? null : Broker.Open(settings.RabbitMq, "tandem", tells: true);
        await using Broker? linkBroker = settings.RabbitMq is null ? null : Broker.Open(settings.RabbitMq, "tandem.link", tells: false);
        await using var hub = new SessionHub(new LabApplication(), LabApplication.HubOptions, broker?.Backplane);
        await using WebApplication app = CreateApplication(settings, pages, hub, new TandemLinkOptions { Backplane = linkBroker?.Backplane, KnownProxies = settings.Proxies, GatewayKey = settings.GatewayKey });
        try
        {
            foreach (Broker? each in (Broker?[])[broker, linkBroker])
            {
                if (each is not null && await each.WaitAsync(cancellation) is { } why) return Startup.Fail(why);
            }

            await app.StartAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            return 0; // told to end before it had begun: nobody is there yet to say goodbye to
        }
        catch (Exception exception) when (Startup.DescribeListenError(exception) is { } why)
        {
            return Startup.Fail($"cannot listen on {settings.EndPoint}: {why}.");
        }

        MobileServer? phones;
        try
        {
            phones = settings.StartPhones(app.Urls.First());
        }
        catch (SocketException exception)
        {
            await app.StopAsync(CancellationToken.None);
            return Startup.Fail($"cannot listen on the UDP port of --coap-port: {Startup.DescribeListenError(exception)}.");
        }

        LinkPages.Announce(ServeAddresses.Of(app.Urls));
        if (settings.Tls is { } tls) Describe(tls);
        await Startup.UntilStopped(cancellation);
        if (phones is not null) await phones.DisposeAsync();
        await app.StopAsync(CancellationToken.None);
        return 0;
    }

    private static WebApplication CreateApplication(Settings settings, string pages, SessionHub hub, TandemLinkOptions links)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, WebRootPath = pages });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        // What cannot be listened on is said in one line of our own.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);
        // A load balancer asks every few seconds, and each failing check would be a line of the log for as long as the end lasts.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        builder.Services.AddResponseCompression();
        // A visitor's browser fetches a page once and keeps it: a quarter less to load is worth more than the milliseconds that it costs.
        builder.Services.Configure<BrotliCompressionProviderOptions>(options => options.Level = CompressionLevel.Optimal);
        builder.Services.Configure<GzipCompressionProviderOptions>(options => options.Level = CompressionLevel.Optimal);
        builder.Services.AddTandemHealth(options => options.DrainDelay = settings.DrainDelay);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.DrainDelay + StopPatience);
        builder.WebHost.UseTandemListener(options => options.Configure = template => template with { Drafts = settings.Drafts });
        var meter = new LabMeter();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(settings.EndPoint, listen =>
            {
                // Outside of TLS: what it adds is counted.
                listen.Use(LabMeter.Count);
                if (settings.Tls is not { } tls) return;
                listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = tls.Certificate.Certificate, ServerCertificateChain = tls.Certificate.Chain });
            });
        });

        WebApplication app = builder.Build();
        app.Use(meter.MeasureAsync);
        app.UseResponseCompression();
        app.Use(AddSecurityHeaders);
        app.UseStaticFiles(new StaticFileOptions { OnPrepareResponse = Revalidate });
        var files = new PhysicalFileProvider(pages);
        SessionHub linkHub = LinkPages.Map(app, files, links);
        app.MapTandemTutorial(files.GetFileInfo("tutorial.html"));
        app.MapTandemInspector(new TandemInspectorOptions { Page = files.GetFileInfo("inspect.html"), Sessions = hub, Links = linkHub, Token = settings.InspectToken });
        app.MapTandemSessions(hub);
        app.MapTandemLab(hub, meter, files.GetFileInfo("lab.html"));
        app.MapTandemHealth();
        // The type by which phones know that they are offered an authority.
        if (settings.Tls?.AuthorityPath is { } authority) app.MapGet("/ca.crt", () => Results.File(authority, "application/x-x509-ca-cert", "tandem-ca.crt"));
        return app;
    }

    private static void Describe(ServerTls tls)
    {
        Console.WriteLine($"Certificate, SHA-256: {ServerCertificate.Fingerprint(tls.Certificate.Certificate)}");
        if (tls.AuthorityPath is null) return;
        Console.WriteLine($"To trust it, trust {tls.AuthorityPath} (on other devices: /ca.crt)");
        Console.WriteLine($"  whose SHA-256 is:   {ServerCertificate.Fingerprint(tls.Certificate.Chain[0])}");
    }

    private static Task AddSecurityHeaders(HttpContext context, RequestDelegate next)
    {
        IHeaderDictionary headers = context.Response.Headers;
        // Pages load nothing from elsewhere, and show images that they have made or received; ws: and wss: because 'self' does not cover them in every browser.
        headers.ContentSecurityPolicy = "default-src 'self'; img-src 'self' blob:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Permissions-Policy"] = LinkPages.PermissionsOf(context.Request.Path);
        return next(context);
    }

    // File names carry no hash, so a browser asks each time whether its copy is still right: 304 is cheap, an old script is not.
    private static void Revalidate(StaticFileResponseContext context) => context.Context.Response.Headers.CacheControl = "no-cache";

    /// <summary>What the command line asks for.</summary>
    private sealed record Settings(
        IPEndPoint EndPoint, ServerTls? Tls, TimeSpan DrainDelay, string? InspectToken, Uri? Collector, Uri? RabbitMq, IPNetwork[] Proxies,
        string GatewayKey, Func<string, MobileServer?> StartPhones, WebSocketDrafts Drafts);
}
