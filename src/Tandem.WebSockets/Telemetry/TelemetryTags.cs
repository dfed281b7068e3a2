using System.Collections.Concurrent;
using System.Globalization;
using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets.Telemetry;

/// <summary>
/// Names and values of attributes. Where OpenTelemetry has a name it is that one; the others begin with <c>websocket.</c>. Every value comes from a
/// closed set, made once: what a peer sends never becomes a series of its own.
/// </summary>
internal static class TelemetryTags
{
    public const string ErrorType = "error.type";
    public const string StatusCode = "http.response.status_code";
    public const string Route = "http.route";
    public const string PeerAddress = "network.peer.address";
    public const string PeerPort = "network.peer.port";
    public const string ServerAddress = "server.address";
    public const string ServerPort = "server.port";
    public const string Outcome = "websocket.handshake.outcome";
    public const string CloseCode = "websocket.close.code";
    public const string CloseInitiator = "websocket.close.initiator";
    public const string LoopId = "websocket.loop.id";
    public const string Form = "websocket.compression.form";

    public const string Accepted = "accepted";
    public const string Refused = "refused";
    public const string Abandoned = "abandoned";
    public const string Failed = "failed";

    public static readonly KeyValuePair<string, object?> Received = new("network.io.direction", "receive");
    public static readonly KeyValuePair<string, object?> Sent = new("network.io.direction", "transmit");
    public static readonly KeyValuePair<string, object?> Compressed = new(Form, "compressed");
    public static readonly KeyValuePair<string, object?> Plain = new(Form, "plain");

    // The codes that RFC 6455 section 7.4.1 and its registry name.
    private const int FirstRegistered = 1000;
    private const int LastRegistered = 1015;

    private static readonly string[] Codes = [.. Enumerable.Range(FirstRegistered, LastRegistered - FirstRegistered + 1).Select(code => code.ToString(CultureInfo.InvariantCulture))];
    private static readonly string[] Initiators = Names<CloseInitiator>();
    private static readonly string[] Faults = Names<ProtocolFault>();
    private static readonly string[] Refusals = Names<HandshakeRefusal>();
    private static readonly string[] ClientFaults = Names<ClientHandshakeFault>();
    private static readonly string[] Phases = Names<WebSocketConnectPhase>();
    private static readonly object?[] Statuses = new object?[600];
    private static readonly ConcurrentDictionary<Type, string> ExceptionNames = new();

    /// <summary>A registered code by itself, those of libraries and applications (3000 to 4999) by their thousand, and whatever else as one.</summary>
    public static string Of(WebSocketCloseStatus code) => (int)code switch
    {
        >= FirstRegistered and <= LastRegistered => Codes[(int)code - FirstRegistered],
        >= 3000 and < 4000 => "3xxx",
        >= 4000 and < 5000 => "4xxx",
        _ => "other",
    };

    public static string Of(CloseInitiator initiator) => Initiators[(int)initiator];

    public static string Of(ProtocolFault fault) => Faults[(int)fault];

    public static string Of(HandshakeRefusal refusal) => Refusals[(int)refusal];

    public static string Of(ClientHandshakeFault fault) => ClientFaults[(int)fault];

    public static string Of(WebSocketConnectPhase phase) => Phases[(int)phase];

    /// <summary>The full name of an exception's type: as many as the program has.</summary>
    public static string Of(Exception exception) => ExceptionNames.GetOrAdd(exception.GetType(), static type => type.FullName ?? type.Name);

    /// <summary>A status as an object that is made once.</summary>
    public static object OfStatus(int status) => (uint)status < Statuses.Length ? Statuses[status] ??= status : status;

    private static string[] Names<T>()
        where T : struct, Enum => [.. Enum.GetNames<T>().Select(ToSnakeCase)];

    // InvalidUtf8 is invalid_utf8.
    private static string ToSnakeCase(string name) =>
        string.Concat(name.Select((letter, i) => char.IsUpper(letter) ? (i == 0 ? "" : "_") + char.ToLowerInvariant(letter) : $"{letter}"));
}
