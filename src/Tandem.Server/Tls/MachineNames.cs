using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Tandem.Server.Tls;

/// <summary>What a certificate must name so that this machine can be reached under it.</summary>
/// <param name="Names">Host names, <c>localhost</c> among them.</param>
/// <param name="Addresses">Addresses, loopback among them.</param>
public sealed record MachineNames(IReadOnlyCollection<string> Names, IReadOnlyCollection<IPAddress> Addresses)
{
    /// <summary>
    /// The machine as it is now: <c>localhost</c>, its host name, that name in its domain and below <c>.local</c> (RFC 6762, how phones find it),
    /// and the addresses of all interfaces but the link-local ones of IPv6, which no URL of a browser can name.
    /// </summary>
    /// <returns>The names.</returns>
    public static MachineNames Current()
    {
        var names = new SortedSet<string>(StringComparer.Ordinal) { "localhost" };
        string host = Dns.GetHostName().ToLowerInvariant();
        string domain = IPGlobalProperties.GetIPGlobalProperties().DomainName.ToLowerInvariant();
        string[] spellings = [host, host.Split('.')[0] + ".local", domain.Length == 0 ? host : $"{host}.{domain}"];
        names.UnionWith(spellings.Where(IsDnsName));

        IEnumerable<IPAddress> addresses = NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(device => device.GetIPProperties().UnicastAddresses)
            .Select(unicast => new IPAddress(unicast.Address.GetAddressBytes())) // without the number of its interface
            .Where(address => address.AddressFamily == AddressFamily.InterNetwork || !address.IsIPv6LinkLocal);
        return new MachineNames(names, new HashSet<IPAddress>([IPAddress.Loopback, IPAddress.IPv6Loopback, .. addresses]));
    }

    // What is no name of the DNS (an underscore, an empty label) would make the whole certificate invalid to some clients.
    private static bool IsDnsName(string name) =>
        name.Length <= 253 && name.Split('.').All(label =>
            label.Length is >= 1 and <= 63 && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'));
}
