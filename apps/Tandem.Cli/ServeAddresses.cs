using System.Net;
using System.Net.Sockets;
using Tandem.Server.Tls;

namespace Tandem.Cli;

/// <summary>Under which addresses a server can be reached.</summary>
internal static class ServeAddresses
{
    /// <summary>One for each address that is listened on; those of all interfaces where that is "all", this machine's own first.</summary>
    /// <param name="urls">What the server says that it listens on.</param>
    public static IReadOnlyList<Uri> Of(IEnumerable<string> urls) => [.. urls.Select(url => new Uri(url)).SelectMany(Expand)];

    /// <summary>The one that a phone in the same network is likeliest to reach: by IPv4, which all of them have. Null: there is none beyond this machine.</summary>
    public static Uri? ForPhones(IEnumerable<Uri> addresses) => addresses
        .Where(address => IPAddress.TryParse(address.DnsSafeHost, out IPAddress? parsed) && !IPAddress.IsLoopback(parsed))
        .OrderBy(address => address.HostNameType == UriHostNameType.IPv4 ? 0 : 1)
        .FirstOrDefault();

    private static IEnumerable<Uri> Expand(Uri uri)
    {
        if (!IPAddress.TryParse(uri.DnsSafeHost, out IPAddress? address) || (!address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any))) return [uri];
        return MachineNames.Current().Addresses
            // A socket for all of IPv6 is one for IPv4 too.
            .Where(own => address.Equals(IPAddress.IPv6Any) || own.AddressFamily == AddressFamily.InterNetwork)
            .OrderBy(own => IPAddress.IsLoopback(own) ? 0 : 1).ThenBy(own => own.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)
            .Select(own => new UriBuilder(uri) { Host = own.ToString() }.Uri);
    }
}
