namespace Tandem.Coap;

/// <summary>A handler, called for each request to its resource.</summary>
/// <param name="request">The request, with its whole body.</param>
/// <param name="cancellationToken">Cancelled when the server stops.</param>
/// <returns>The response. A task that fails is answered by 5.00.</returns>
public delegate ValueTask<CoapResponse> CoapHandler(CoapRequest request, CancellationToken cancellationToken);

/// <summary>What is mapped: a path, or all paths below one, and its handler.</summary>
public sealed class CoapResource
{
    private readonly CoapServer _server;
    private int _observers;

    internal CoapResource(CoapServer server, string path, bool isPrefix, CoapHandler handler, CoapResourceOptions options)
    {
        _server = server;
        Path = path;
        IsPrefix = isPrefix;
        Handler = handler;
        Options = options;
    }

    /// <summary>The path, see <see cref="CoapOptionSet.Path"/>; of a prefix without what stands for the rest.</summary>
    public string Path { get; }

    /// <summary>Whether all paths below are meant.</summary>
    public bool IsPrefix { get; }

    /// <summary>How many observations there are.</summary>
    public int ObserverCount => Volatile.Read(ref _observers);

    internal CoapHandler Handler { get; }

    internal CoapResourceOptions Options { get; }

    /// <summary>
    /// The state has changed: the handler is called for each observation, and what it answers is sent. Changes that come faster than a client acknowledges become one notification with the latest
    /// state (RFC 7641 section 1.3: what is promised is that observers learn the latest state, not each). From any thread.
    /// </summary>
    public void Notify() => _server.Notify(this, null);

    /// <summary>The same for one path below a prefix.</summary>
    /// <param name="path">As the client asks for it, see <see cref="CoapOptionSet.Path"/>.</param>
    public void Notify(string path) => _server.Notify(this, new CoapOptionSet { Path = path }.Path);

    internal void Count(int change) => Interlocked.Add(ref _observers, change);
}
