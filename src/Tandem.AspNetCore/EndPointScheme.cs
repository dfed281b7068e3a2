using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Tandem.AspNetCore;

/// <summary>
/// Tells whether an endpoint is Kestrel's for https. A transport is told the endpoint alone, and Kestrel's own mark of it is internal; what is
/// public is the list of addresses, which an endpoint enters, with its scheme, right after it has been bound. So that is waited for.
/// </summary>
internal sealed class EndPointScheme(IServiceProvider services, ILogger logger)
{
    // An address is entered within the same call of Kestrel's that binds it; only a host that hides its addresses takes longer.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Whether requests on an endpoint are plaintext HTTP.</summary>
    /// <param name="endPoint">Where it listens, with the port that the system chose.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False for https, and where it cannot be told: what may be meant for TLS is never answered in plaintext.</returns>
    public async Task<bool> IsPlaintextAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        // Asked for here and not in a constructor: the server is made with the transports.
        ICollection<string>? addresses = services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>()?.Addresses;
        if (addresses is not null)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(Patience);
            using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
            try
            {
                do
                {
                    if (Find(addresses, endPoint) is { } address) return address.StartsWith("http://", StringComparison.OrdinalIgnoreCase);
                }
                while (await tick.WaitForNextTickAsync(patience.Token).ConfigureAwait(false));
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // out of patience
            }
        }

        Log.SchemeUnknown(logger, endPoint);
        return false;
    }

    private static string? Find(ICollection<string> addresses, IPEndPoint endPoint)
    {
        string authority = $"://{endPoint}";
        return addresses.FirstOrDefault(address => address.EndsWith(authority, StringComparison.Ordinal))
            ?? (IPAddress.IsLoopback(endPoint.Address) ? addresses.FirstOrDefault(address => IsLocalhost(address, endPoint.Port)) : null);
    }

    // Two endpoints, IPv4 and IPv6, have one address when they were asked for by this name, or by one below it.
    private static bool IsLocalhost(string address, int port)
    {
        BindingAddress parsed = BindingAddress.Parse(address);
        return parsed.Port == port
            && (parsed.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || parsed.Host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase));
    }
}
