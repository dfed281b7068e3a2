using System.CommandLine;
using RabbitMQ.Client.Exceptions;
using Tandem.RabbitMq;

namespace Tandem.Cli;

/// <summary>The RabbitMQ broker that this node shares with others; its comings and goings are told on standard error.</summary>
internal sealed class Broker : IAsyncDisposable
{
    // A broker that starts together with its nodes takes about 5 s.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _name; // without user and password
    private readonly TaskCompletionSource _refused = new(TaskCreationOptions.RunContinuationsAsynchronously); // to wait longer would not help
    private readonly bool _tells;
    private volatile Exception? _reason;
    private bool _wasThere;

    private Broker(Uri uri, string prefix, bool tells)
    {
        _tells = tells;
        _name = $"{uri.Host}:{(uri.Port < 0 ? uri.Scheme == "amqps" ? 5671 : 5672 : uri.Port)}";
        Backplane = new RabbitMqBackplane(new RabbitMqBackplaneOptions { Uri = uri, Prefix = prefix, ConnectionChanged = OnChanged });
    }

    public RabbitMqBackplane Backplane { get; }

    public static Option<Uri?> Option() => new("--rabbitmq")
    {
        Description = "Share topics and mailboxes with other nodes through a RabbitMQ broker: amqp://user:password@host:port/vhost. Without it they are this process's own.",
        HelpName = "URL",
        // Not repeated in the error: it may have a password in it.
        CustomParser = result => CommonOptions.ReadUrl(result, url => url.Scheme is "amqp" or "amqps", _ => "--rabbitmq: not an amqp:// or amqps:// URL."),
    };

    /// <param name="uri">Where it is.</param>
    /// <param name="prefix">What the names of this hub begin with there: one backplane is for one hub.</param>
    /// <param name="tells">Whether it tells its comings and goings: one of those with one broker does.</param>
    public static Broker Open(Uri uri, string prefix, bool tells) => new(uri, prefix, tells);

    /// <summary>Waits until the broker is there.</summary>
    /// <returns>Null; otherwise why it is not.</returns>
    public async Task<string?> WaitAsync(CancellationToken cancellation)
    {
        try
        {
            Task connected = Backplane.WaitUntilConnectedAsync(cancellation);
            await (await Task.WhenAny(connected, _refused.Task).WaitAsync(Patience, cancellation));
            return connected.IsCompletedSuccessfully ? null : Why();
        }
        catch (TimeoutException)
        {
            return Why();
        }
    }

    public ValueTask DisposeAsync() => Backplane.DisposeAsync();

    private void OnChanged(Exception? reason)
    {
        _reason = reason;
        if (reason?.GetBaseException() is AuthenticationFailureException or PossibleAuthenticationFailureException) _refused.TrySetResult();
        // Once for each loss, not for each try.
        if (!_tells || _wasThere == reason is null) return;
        _wasThere = reason is null;
        Console.Error.WriteLine(_wasThere ? $"tandem: RabbitMQ at {_name} is there" : $"tandem: RabbitMQ at {_name} is lost: {reason!.Message}");
    }

    private string Why() => $"RabbitMQ at {_name} cannot be used: {(_reason is { } reason ? reason.GetBaseException().Message : "it does not answer")}";
}
