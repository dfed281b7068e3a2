using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace Tandem.Coap.Tests.Support;

/// <summary>A server with what the tests ask for: a greeting, a store, a log of what came, a state that changes.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly CoapServer _server;
    private readonly ConcurrentDictionary<string, byte[]> _stored = new();
    private int _state;

    public TestServer(CoapServerOptions? options = null, CoapResourceOptions? observable = null)
    {
        _server = new CoapServer(options ?? new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), OnError = Errors.Enqueue });
        _server.Map("hello", (_, _) => ValueTask.FromResult(CoapResponse.Text(CoapCode.Content, "Hello, beston")));
        _server.Map("store/*", (request, _) => ValueTask.FromResult(Store(request)));
        _server.Map("log", (request, _) =>
        {
            Log.Enqueue(Encoding.UTF8.GetString(request.Payload.Span));
            return ValueTask.FromResult(new CoapResponse(CoapCode.Changed));
        });
        _server.Map("slow", async (_, cancellation) =>
        {
            await Slow.Task.WaitAsync(cancellation);
            return CoapResponse.Text(CoapCode.Content, "at last");
        });
        _server.Map("broken", (_, _) => throw new InvalidOperationException("broken"));
        State = _server.Map("state", (_, _) => ValueTask.FromResult(Current()), observable ?? new CoapResourceOptions
        {
            IsObservable = true, OnAcknowledged = (_, notified) => Acknowledged.Enqueue(notified.ReadText()), OnObservationEnded = (_, why) => Ended.Enqueue(why),
        });
        _server.Start();
    }

    public CoapServer Server => _server;

    public IPEndPoint EndPoint => _server.LocalEndPoint;

    public string Uri => $"coap://127.0.0.1:{EndPoint.Port}";

    public ConcurrentQueue<string> Log { get; } = new();

    public ConcurrentQueue<Exception> Errors { get; } = new();

    /// <summary>States that were made for who asked, or observes.</summary>
    public ConcurrentQueue<string> Rendered { get; } = new();

    /// <summary>States that observers have acknowledged.</summary>
    public ConcurrentQueue<string> Acknowledged { get; } = new();

    public ConcurrentQueue<CoapObservationEnd> Ended { get; } = new();

    public TaskCompletionSource Slow { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public CoapResource State { get; }

    /// <summary>What the state is made of; null: its number.</summary>
    public Func<int, CoapResponse>? Render { get; set; }

    public byte[]? Stored(string name) => _stored.GetValueOrDefault("store/" + name);

    public void Store(string name, byte[] bytes) => _stored["store/" + name] = bytes;

    public int Change()
    {
        int state = Interlocked.Increment(ref _state);
        State.Notify();
        return state;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private CoapResponse Current()
    {
        int state = Volatile.Read(ref _state);
        if (Render is { } render) return render(state);
        Rendered.Enqueue($"state {state}");
        return CoapResponse.Text(CoapCode.Content, $"state {state}");
    }

    private CoapResponse Store(CoapRequest request)
    {
        if (request.Method == CoapCode.Put || request.Method == CoapCode.Post)
        {
            bool isNew = !_stored.ContainsKey(request.Path);
            _stored[request.Path] = request.Payload.ToArray();
            return new CoapResponse(isNew ? CoapCode.Created : CoapCode.Changed);
        }

        if (request.Method == CoapCode.Delete) return new CoapResponse(_stored.TryRemove(request.Path, out _) ? CoapCode.Deleted : CoapCode.NotFound);
        return _stored.TryGetValue(request.Path, out byte[]? bytes)
            ? new CoapResponse(CoapCode.Content) { Payload = bytes, ContentFormat = CoapContentFormat.OctetStream }
            : new CoapResponse(CoapCode.NotFound);
    }
}
