using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace Tandem.Server.Lab;

/// <summary>
/// Counts what the carriers of the lab's pages cost, on the connections themselves: heads, bodies, frames, handshakes. By the page's run and by carrier, which are in the
/// addresses of the requests. Exact for HTTP/1.1, where a connection has one request at a time; of HTTP/2 nothing is counted.
/// </summary>
public sealed class LabMeter
{
    /// <summary>What the addresses begin with: <c>/lab/RUN/CARRIER/session/...</c>.</summary>
    internal const string Prefix = "/lab/";

    // A page makes one each time that it is opened. The one that was longest without use makes room.
    private const int MaxRuns = 256;

    // Room for a random number.
    private const int MaxRunLength = 16;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, LabRun> _runs = new(StringComparer.Ordinal);

    /// <summary>Connection middleware of Kestrel's: put it where the bytes are to be counted.</summary>
    /// <param name="next">What serves the connection.</param>
    public static ConnectionDelegate Count(ConnectionDelegate next)
    {
        ArgumentNullException.ThrowIfNull(next);
        return async connection =>
        {
            var traffic = new ConnectionTraffic(connection.Transport);
            connection.Transport = traffic;
            connection.Features.Set(traffic);
            await next(connection).ConfigureAwait(false);
        };
    }

    /// <summary>Middleware: before everything else that serves requests.</summary>
    /// <param name="context">The request.</param>
    /// <param name="next">What serves it.</param>
    public Task MeasureAsync(HttpContext context, RequestDelegate next)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(next);
        if (context.Features.Get<ConnectionTraffic>() is { } traffic)
        {
            IDisposable? request = HttpProtocol.IsHttp11(context.Request.Protocol) ? Begin(context.Request.Path.Value, traffic) : null;
            // When the last byte of the answer is written, the end of its chunks with it.
            context.Response.OnCompleted(() =>
            {
                request?.Dispose();
                traffic.Settle();
                return Task.CompletedTask;
            });
        }

        return next(context);
    }

    /// <summary>Writes what a run has cost so far, and the processor time of this process, as JSON.</summary>
    /// <param name="context">The request, with the run in its address.</param>
    internal async Task WriteFiguresAsync(HttpContext context)
    {
        if (context.Request.RouteValues["run"] is not string name || Find(name) is not { } run)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("time", Environment.TickCount64);
            json.WriteNumber("processorTime", Environment.CpuUsage.TotalTime.TotalMilliseconds);
            json.WriteBoolean("isCounted", HttpProtocol.IsHttp11(context.Request.Protocol));
            foreach (string carrier in LabRun.Carriers)
            {
                (long requests, long received, long sent) = run.Read(carrier);
                json.WriteStartObject(carrier);
                json.WriteNumber("requests", requests);
                json.WriteNumber("up", received);
                json.WriteNumber("down", sent);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentLength = buffer.WrittenCount;
        await context.Response.BodyWriter.WriteAsync(buffer.WrittenMemory, context.RequestAborted);
    }

    private IDisposable? Begin(string? path, ConnectionTraffic traffic)
    {
        if (path is null || !path.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        string[] parts = path.Split('/', 5); // "", "lab", run, carrier, the rest
        return parts.Length == 5 ? Find(parts[2])?.Begin(parts[3], traffic) : null;
    }

    private LabRun? Find(string name)
    {
        if (name.Length is 0 or > MaxRunLength) return null;
        lock (_gate)
        {
            if (!_runs.TryGetValue(name, out LabRun? run))
            {
                if (_runs.Count == MaxRuns) _runs.Remove(_runs.MinBy(entry => entry.Value.LastUsed).Key);
                _runs.Add(name, run = new LabRun());
            }

            run.LastUsed = Environment.TickCount64;
            return run;
        }
    }
}
