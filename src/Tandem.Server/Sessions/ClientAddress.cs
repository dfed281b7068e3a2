using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Tandem.Protocol.Handshake;

namespace Tandem.Server.Sessions;

/// <summary>Where a request comes from: the same for WebSockets on the event loops, which no middleware sees, and for what Kestrel serves.</summary>
internal static class ClientAddress
{
    /// <summary>The field of <see cref="TandemSessionsOptions.GatewayKey"/>.</summary>
    public const string GatewayKeyField = "Tandem-Gateway-Key";

    /// <summary>The field in which proxies and gateways say whom they speak for.</summary>
    public const string ForwardedFor = "X-Forwarded-For";

    // What a customer of an IPv6 network is given at least, and can be everywhere in.
    private const int NetworkBytes = 8;

    /// <summary>The client's address behind known proxies, or a gateway with the key, of a handshake.</summary>
    public static IPAddress? Of(IPAddress? remote, in UpgradeRequest request, IReadOnlyList<IPNetwork> proxies, string? gatewayKey)
    {
        if (remote is null) return remote;
        if (gatewayKey is not null && HasKey(request.Head, gatewayKey)) proxies = [.. proxies, new IPNetwork(Plain(remote), Plain(remote).GetAddressBytes().Length * 8)];
        if (!IsIn(proxies, remote)) return remote;
        HttpHead head = request.Head;
        List<string> lines = [];
        for (int i = 0; i < head.FieldCount; i++)
        {
            if (Ascii.EqualsIgnoreCase(head.Name(i), ForwardedFor)) lines.Add(Encoding.Latin1.GetString(head.Value(i)));
        }

        return Behind(remote, lines, proxies);
    }

    /// <summary>The same of a request that Kestrel serves; middleware for forwarded headers may have been there before.</summary>
    public static IPAddress? Of(HttpContext context, IReadOnlyList<IPNetwork> proxies) =>
        context.Connection.RemoteIpAddress is { } remote && IsIn(proxies, remote) ? Behind(remote, [.. context.Request.Headers[ForwardedFor].OfType<string>()], proxies) : context.Connection.RemoteIpAddress;

    public static bool IsIn(IReadOnlyList<IPNetwork> networks, IPAddress address)
    {
        address = Plain(address);
        foreach (IPNetwork network in networks)
        {
            if (network.Contains(address)) return true;
        }

        return false;
    }

    /// <summary>IPv4 as such, and without the interface that a link-local address was seen at.</summary>
    public static IPAddress Plain(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0 ? new IPAddress(address.GetAddressBytes()) : address;

    /// <summary>What is counted: an address of IPv4, a network of 64 bits of IPv6.</summary>
    public static string Counted(IPAddress address)
    {
        address = Plain(address);
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address.ToString();
        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(NetworkBytes).Clear();
        return $"{new IPAddress(bytes)}/{8 * NetworkBytes}";
    }

    private static bool HasKey(HttpHead head, string key)
    {
        for (int i = 0; i < head.FieldCount; i++)
        {
            // In constant time: who can measure must not learn the key letter by letter.
            if (Ascii.EqualsIgnoreCase(head.Name(i), GatewayKeyField)) return CryptographicOperations.FixedTimeEquals(head.Value(i), Encoding.Latin1.GetBytes(key));
        }

        return false;
    }

    // Each proxy has put whom it was asked by behind what it was given; before that of the first known one anybody may have written anything.
    private static IPAddress Behind(IPAddress remote, List<string> lines, IReadOnlyList<IPNetwork> proxies)
    {
        IPAddress address = remote;
        for (int i = lines.Count - 1; i >= 0; i--)
        {
            string[] entries = lines[i].Split(',', StringSplitOptions.TrimEntries);
            for (int entry = entries.Length - 1; entry >= 0; entry--)
            {
                if (!IsIn(proxies, address) || !IPEndPoint.TryParse(entries[entry], out IPEndPoint? before)) return address;
                address = before.Address;
            }
        }

        return address;
    }
}
