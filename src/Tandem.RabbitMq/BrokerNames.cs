using System.Security.Cryptography;
using System.Text;

namespace Tandem.RabbitMq;

/// <summary>What exchanges and queues are called. Who looks at a broker finds topics and mailboxes by their names.</summary>
internal sealed class BrokerNames(string prefix)
{
    // AMQP 0-9-1: a short string.
    private const int MaxBytes = 255;
    private const string Hashed = "sha256.";

    /// <summary>Topic exchange: events, by topic.</summary>
    public string Events { get; } = $"{prefix}.events";

    /// <summary>Fanout exchange: what all nodes are to hear.</summary>
    public string Nodes { get; } = $"{prefix}.nodes";

    /// <summary>Direct exchange: who wants a mailbox, to the node that has it.</summary>
    public string Openings { get; } = $"{prefix}.openings";

    /// <summary>A queue in which nothing ever is: each node consumes from it while it lives, so that its consumers can be counted.</summary>
    public string Roster { get; } = $"{prefix}.roster";

    /// <summary>A node's own queue. A new name for each connection: the broker may not have noticed yet that the one before is gone.</summary>
    public string Node(Guid node, int generation) => $"{prefix}.node.{node:n}.{generation}";

    public string Mailbox(string name) => $"{prefix}.mailbox." + Short(name, MaxBytes - prefix.Length - ".mailbox.".Length, isPattern: false);

    /// <summary>Which messages of a mailbox were settled of late.</summary>
    public string Settled(string name) => $"{prefix}.settled." + Short(name, MaxBytes - prefix.Length - ".settled.".Length, isPattern: false);

    /// <summary>The routing key of a topic; also of a mailbox that is opened.</summary>
    public static string Key(string name) => Short(name, MaxBytes, isPattern: true);

    /// <summary>
    /// The name itself, or its hash where it does not fit, or where '*' and '#' in a binding would mean something else. A name that looks like a hash is
    /// hashed too, so that no two names are one.
    /// </summary>
    private static string Short(string name, int maxBytes, bool isPattern)
    {
        bool asIs = Encoding.UTF8.GetByteCount(name) <= maxBytes && !name.StartsWith(Hashed, StringComparison.Ordinal) && !(isPattern && name.AsSpan().ContainsAny('*', '#'));
        return asIs ? name : Hashed + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
    }
}
