using System.CommandLine;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.FileProviders;
using Tandem.Server.Link;
using Tandem.Sessions;

namespace Tandem.Cli;

/// <summary>Links: the computer's page at <c>/</c>, the phone's at <c>/phone</c>, what they need of the server at <c>/link</c>, and how a phone finds the way there.</summary>
internal static class LinkPages
{
    private const string PhonePath = "/phone";

    public static Option<IPNetwork[]> ProxyOption() => new("--known-proxy")
    {
        Description = "A reverse proxy in front, ADDRESS or ADDRESS/BITS, whose X-Forwarded-For is believed: without it all who come through it are one address to the limits of links. May be repeated.",
        HelpName = "ADDRESS",
        DefaultValueFactory = _ => [],
        CustomParser = result =>
        {
            List<IPNetwork> networks = [];
            foreach (string text in result.Tokens.Select(token => token.Value))
            {
                if (IPAddress.TryParse(text, out IPAddress? address)) networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
                else if (IPNetwork.TryParse(text, out IPNetwork network)) networks.Add(network);
                else result.AddError($"--known-proxy: '{text}' is not an address, nor one with /BITS.");
            }

            return [.. networks];
        },
    };

    /// <summary>Maps all that.</summary>
    /// <returns>The hub of links, to look at.</returns>
    public static SessionHub Map(WebApplication app, PhysicalFileProvider files, TandemLinkOptions options)
    {
        SessionHub hub = app.MapTandemLink(options);
        foreach ((string path, string name) in ((string, string)[])[("/", "index.html"), (PhonePath, "phone.html")])
        {
            app.MapGet(path, (HttpContext context) =>
            {
                if (files.GetFileInfo(name) is not { Exists: true, PhysicalPath: { } file }) return Results.Redirect("/tutorial");
                context.Response.Headers.CacheControl = "no-cache";
                return Results.File(file, "text/html; charset=utf-8");
            });
        }

        return hub;
    }

    /// <summary>What a page may ask its browser for: the phone's scans codes; nothing else here looks, listens, or wants to know where it is.</summary>
    public static string PermissionsOf(PathString path) => $"camera={(path.Equals(PhonePath, StringComparison.Ordinal) ? "(self)" : "()")}, microphone=(), geolocation=()";

    /// <summary>Says where the server is, with a code for phones where there is a terminal for it.</summary>
    public static void Announce(IReadOnlyList<Uri> addresses)
    {
        foreach (Uri address in addresses) Console.WriteLine($"Tandem is at {address}");
        if (Console.IsOutputRedirected || ServeAddresses.ForPhones(addresses) is not { } forPhones) return;
        var phone = new Uri(forPhones, PhonePath);
        if (TerminalQrCode.Draw(phone.ToString(), Console.WindowWidth) is not { } lines) return;
        foreach (string line in lines) Console.WriteLine(line);
        Console.WriteLine($"On a phone in the same network: {phone}");
    }
}
