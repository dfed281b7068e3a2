using System.Net;
using System.Net.Sockets;

namespace Tandem.WebSockets.Client;

/// <summary>
/// Connects to a host by the first of its addresses that answers (Happy Eyeballs, RFC 8305, in its simple form: one lookup, then addresses of
/// both families in turn, the next after <see cref="AttemptDelay"/> or as soon as one has failed).
/// </summary>
/// <param name="time">The clock of the delay between attempts.</param>
internal sealed class TcpDialer(TimeProvider time)
{
    /// <summary>How long an attempt runs alone before the next one joins it: what RFC 8305 section 8 recommends.</summary>
    public static readonly TimeSpan AttemptDelay = TimeSpan.FromMilliseconds(250);

    // More attempts than fit the default deadline, and a bound on what a hostile answer of the DNS makes this end open at once.
    private const int MaxAddresses = 64;

    /// <summary>Looks a host up. Replaced in tests.</summary>
    public Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } = Dns.GetHostAddressesAsync;

    /// <summary>Makes one attempt. Replaced in tests.</summary>
    public Func<IPEndPoint, CancellationToken, Task<Socket>> Connect { get; init; } = ConnectSocketAsync;

    /// <summary>Connects.</summary>
    /// <param name="host">A name or an address, without brackets.</param>
    /// <param name="port">The port.</param>
    /// <param name="cancellationToken">Ends all attempts.</param>
    /// <returns>A connected socket; all others are closed.</returns>
    /// <exception cref="SocketException">The host is not known, or none of its addresses answers: the message tells what became of each.</exception>
    public async Task<Socket> DialAsync(string host, int port, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out IPAddress? literal)) return await RaceAsync([new IPEndPoint(literal, port)], cancellationToken).ConfigureAwait(false);
        IPAddress[] addresses;
        try
        {
            // The system's lookup cannot be interrupted; it is left to end by itself.
            addresses = await Resolve(host, cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
            if (addresses.Length == 0) throw new SocketException((int)SocketError.HostNotFound);
        }
        catch (SocketException exception)
        {
            // The system's words say neither what was looked up nor that anything was ("Resource temporarily unavailable").
            throw new SocketException((int)exception.SocketErrorCode, $"{host} has no address that is known here: {exception.Message}");
        }

        return await RaceAsync([.. Interleave(addresses).Take(MaxAddresses).Select(address => new IPEndPoint(address, port))], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Puts the addresses of both families in turn (RFC 8305 section 4), beginning with the family of the one that the system prefers.</summary>
    internal static IEnumerable<IPAddress> Interleave(IPAddress[] addresses)
    {
        IPAddress[] first = [.. addresses.Where(address => address.AddressFamily == addresses[0].AddressFamily)];
        IPAddress[] second = [.. addresses.Where(address => address.AddressFamily != addresses[0].AddressFamily)];
        for (int i = 0; i < Math.Max(first.Length, second.Length); i++)
        {
            if (i < first.Length) yield return first[i];
            if (i < second.Length) yield return second[i];
        }
    }

    private async Task<Socket> RaceAsync(IPEndPoint[] endPoints, CancellationToken cancellationToken)
    {
        using var losers = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new List<Task<Socket>>();
        var failures = new List<(IPEndPoint EndPoint, SocketException Exception)>();
        var endPointOf = new Dictionary<Task<Socket>, IPEndPoint>();
        Socket? winner = null;
        try
        {
            for (int next = 0; winner is null;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (next < endPoints.Length)
                {
                    Task<Socket> attempt = Connect(endPoints[next], losers.Token);
                    endPointOf[attempt] = endPoints[next++];
                    running.Add(attempt);
                }

                if (running.Count == 0) throw AllFailed(failures);
                Task delay = next < endPoints.Length ? Task.Delay(AttemptDelay, time, losers.Token) : Task.Delay(Timeout.Infinite, losers.Token);
                Task first = await Task.WhenAny([.. running, delay]).ConfigureAwait(false);
                if (first is not Task<Socket> ended) continue;
                running.Remove(ended);
                try
                {
                    winner = await ended.ConfigureAwait(false);
                }
                catch (SocketException exception)
                {
                    failures.Add((endPointOf[ended], exception));
                }
            }

            return winner;
        }
        finally
        {
            await losers.CancelAsync().ConfigureAwait(false);
            foreach (Task<Socket> loser in running)
            {
                // One that connected at the same moment is closed; how the others ended is of no interest.
                await ((Task)loser).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (loser.IsCompletedSuccessfully) (await loser.ConfigureAwait(false)).Dispose();
            }
        }
    }

    private static SocketException AllFailed(List<(IPEndPoint EndPoint, SocketException Exception)> failures) => new(
        (int)failures[0].Exception.SocketErrorCode,
        string.Join("; ", failures.Select(failure => $"{failure.EndPoint}: {failure.Exception.Message}")));

    private static async Task<Socket> ConnectSocketAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        // NoDelay: a WebSocket message is small and complete, and Nagle's algorithm would hold it back for the peer's next acknowledgement.
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
