using System.Net;
using Tandem.Coap.Blockwise;
using Tandem.Coap.Observe;

namespace Tandem.Coap;

/// <summary>
/// A CoAP server over UDP. Handlers get whole requests, each once, and those of one client in the order in which they came: the next one is called when the one before has
/// returned its task, not when that has completed. Handlers of different clients, and those that make notifications, run at the same time.
/// </summary>
public sealed partial class CoapServer : IAsyncDisposable
{
    /// <summary>The port of the scheme "coap" (RFC 7252 section 6.1).</summary>
    public const int DefaultPort = 5683;

    private readonly CoapServerOptions _options;
    private readonly CoapEndpoint _endpoint;
    private readonly Uploads _uploads;
    private readonly Downloads _downloads;
    private readonly ObservationTable _observations;
    private readonly Dictionary<string, CoapResource> _exact = new(StringComparer.Ordinal);
    private readonly List<CoapResource> _prefixes = [];
    private readonly CancellationToken _stopping;
    private bool _isStarted;

    /// <summary>Binds the port. Nothing is received before <see cref="Start"/>.</summary>
    /// <param name="options">Where, and within which bounds; null: the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The address cannot be bound.</exception>
    public CoapServer(CoapServerOptions? options = null)
        : this(options ?? new CoapServerOptions(), new SecureRandom())
    {
    }

    internal CoapServer(CoapServerOptions options, Random random)
    {
        _options = options;
        _endpoint = new CoapEndpoint(options.EndPoint, options.ToSettings(), options.TimeProvider, random, OnEvent);
        _uploads = new Uploads(_endpoint.Table, options);
        _downloads = new Downloads(_endpoint.Table, options);
        _observations = new ObservationTable(_endpoint.Table, options, Render);
        _stopping = _endpoint.Stopping;
        if (options.ServeWellKnownCore) Map(WellKnownCore.Path, (request, _) => ValueTask.FromResult(WellKnownCore.Answer(request, [.. _exact.Values, .. _prefixes])));
    }

    /// <summary>Where it listens, with the port that port 0 has become.</summary>
    public IPEndPoint LocalEndPoint => _endpoint.LocalEndPoint;

    /// <summary>What was counted so far.</summary>
    public CoapStatistics Statistics
    {
        get
        {
            lock (_endpoint.Gate) return _endpoint.Table.Statistics;
        }
    }

    internal (long Uploads, long Downloads, int Observations) Held
    {
        get
        {
            lock (_endpoint.Gate) return (_uploads.Table.Bytes, _downloads.Table.Bytes, _observations.Count);
        }
    }

    /// <summary>Maps a path to a handler. Before <see cref="Start"/>.</summary>
    /// <param name="path">See <see cref="CoapOptionSet.Path"/>. With "/*" at its end: all paths below it. The longest one that fits serves a request.</param>
    /// <param name="handler">Called for every method; 4.05 is its to answer.</param>
    /// <param name="options">How the resource is served; null: the defaults.</param>
    /// <returns>The resource, with which observers are notified.</returns>
    /// <exception cref="InvalidOperationException">The server is started, or that path is mapped.</exception>
    public CoapResource Map(string path, CoapHandler handler, CoapResourceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(handler);
        if (_isStarted) throw new InvalidOperationException("Resources are mapped before the server is started.");
        options ??= new CoapResourceOptions();
        options.Validate();
        bool isPrefix = path.EndsWith("/*", StringComparison.Ordinal);
        string canonical = new CoapOptionSet { Path = isPrefix ? path[..^2] : path }.Path;
        var resource = new CoapResource(this, canonical, isPrefix, handler, options);
        if (isPrefix)
        {
            if (_prefixes.Exists(other => other.Path == canonical)) throw new InvalidOperationException($"{path} is mapped twice.");
            _prefixes.Add(resource);
            _prefixes.Sort((a, b) => b.Path.Length - a.Path.Length);
        }
        else if (canonical == WellKnownCore.Path)
        {
            _exact[canonical] = resource;
        }
        else if (!_exact.TryAdd(canonical, resource))
        {
            throw new InvalidOperationException($"{path} is mapped twice.");
        }

        return resource;
    }

    /// <summary>Begins to receive.</summary>
    public void Start()
    {
        if (_isStarted) return;
        _isStarted = true;
        _endpoint.Start();
    }

    /// <summary>Stops: handlers are cancelled, clients are told nothing, and find out by themselves.</summary>
    /// <returns>A task that completes when the port is free.</returns>
    public async ValueTask DisposeAsync()
    {
        lock (_endpoint.Gate)
        {
            if (_stopping.IsCancellationRequested) return;
            _observations.EndAll(_endpoint.Now);
        }

        await _endpoint.DisposeAsync().ConfigureAwait(false);
    }

    internal void Notify(CoapResource resource, string? path)
    {
        lock (_endpoint.Gate)
        {
            _observations.Notify(resource, path, _endpoint.Now);
            _endpoint.Flush();
        }
    }

    private CoapResource? Find(string path)
    {
        if (_exact.TryGetValue(path, out CoapResource? resource)) return resource;
        return _prefixes.Find(prefix => prefix.Path.Length == 0 || (path.Length > prefix.Path.Length && path[prefix.Path.Length] == '/' && path.StartsWith(prefix.Path, StringComparison.Ordinal)));
    }
}
