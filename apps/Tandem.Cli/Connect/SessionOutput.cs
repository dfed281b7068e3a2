using System.Security.Authentication;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Tandem.WebSockets;

namespace Tandem.Cli.Connect;

/// <summary>Standard input and where things are said: messages on standard output, all else on standard error, in colour only where a person looks.</summary>
internal sealed class SessionOutput : IDisposable
{
    private const int StandardInput = 0;
    private const int StandardOutput = 1;
    private const int StandardError = 2;
    private const int BodyLines = 20;

    // Of a refusal: who says it, what to do about it, and what its body is.
    private static readonly string[] FieldsOfInterest =
    [
        "Location", "WWW-Authenticate", "Proxy-Authenticate", "Sec-WebSocket-Version", "Upgrade", "Retry-After", "Allow", "Server", "Content-Type",
    ];

    private readonly Stream _output = Open(StandardOutput, FileAccess.Write);
    private readonly Stream _error = Open(StandardError, FileAccess.Write);
    private readonly Lock _gate = new();
    private readonly bool _colours = !Console.IsErrorRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    public bool InputIsTerminal { get; } = !Console.IsInputRedirected;

    public bool OutputIsTerminal { get; } = !Console.IsOutputRedirected;

    /// <summary>What stands before a message on a terminal.</summary>
    public string Mark => _colours ? "\e[36m<\e[0m " : "< ";

    public static Stream OpenInput() => Open(StandardInput, FileAccess.Read);

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }

    /// <summary>Writes what was received.</summary>
    /// <returns>False when nobody reads it.</returns>
    public bool Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _output.Write(bytes);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public bool Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    /// <summary>Says something about the connection.</summary>
    public void Status(string text) => Say(text, "\e[2m");

    /// <summary>Says that something is wrong.</summary>
    public void Error(string text) => Say(text, "\e[31m");

    public void Connected(Uri uri, string? subprotocol, IReadOnlyList<KeyValuePair<string, string>> fields)
    {
        Status($"connected to {WithoutCredentials(uri)}");
        Status("status: 101 Switching Protocols");
        Status($"subprotocol: {subprotocol ?? "none"}");
        string extensions = string.Join(", ", Values(fields, "Sec-WebSocket-Extensions"));
        Status($"extensions: {(extensions.Length == 0 ? "none" : extensions)}");
        if (InputIsTerminal) Status("Lines are sent as text messages. /help shows what else there is; Ctrl-D or Ctrl-C closes.");
    }

    public void Refused(Uri uri, WebSocketConnectException failure)
    {
        Error($"tandem: no connection to {WithoutCredentials(uri)}: {failure.Message}");
        if (Advice(uri, failure) is { } advice) Status(advice);
        if (failure.Status is null) return;
        Status($"status: {failure.Status}");
        foreach (string name in FieldsOfInterest)
        {
            foreach (string value in Values(failure.Headers, name)) Status($"{name}: {value}");
        }

        if (failure.Body.IsEmpty) return;
        string type = Values(failure.Headers, "Content-Type").FirstOrDefault("");
        bool readable = !failure.Body.Span.Contains((byte)0);
        string[] lines = readable ? Encoding.UTF8.GetString(failure.Body.Span).ReplaceLineEndings("\n").TrimEnd().Split('\n') : [$"({failure.Body.Length} bytes of {type})"];
        Status("body:");
        foreach (string line in lines.Take(BodyLines)) Status($"  {line}");
        if (lines.Length > BodyLines) Status("  ...");
    }

    // The three that most often are a slip of the URL, or of this machine's trust, and whose cause the message alone does not tell.
    private static string? Advice(Uri uri, WebSocketConnectException failure) => (failure.Phase, failure.InnerException) switch
    {
        (WebSocketConnectPhase.Tls, AuthenticationException { Message: var message }) when message.Contains("certificate", StringComparison.Ordinal) =>
            "SSL_CERT_FILE=FILE in the environment names an authority to trust; --insecure accepts any certificate.",
        (WebSocketConnectPhase.Tls, not TimeoutException) => "Perhaps the server speaks no TLS at this port: then the URL begins with ws://.",
        (WebSocketConnectPhase.Handshake, IOException) when uri.Scheme == "ws" => "Perhaps the server wants TLS at this port: then the URL begins with wss://.",
        _ => null,
    };

    private void Say(string text, string colour)
    {
        string harmless = HarmlessText.Of(text, keepsLines: true);
        byte[] line = Encoding.UTF8.GetBytes(_colours ? $"{colour}{harmless}\e[0m\n" : $"{harmless}\n");
        try
        {
            lock (_gate) _error.Write(line);
        }
        catch (IOException)
        {
            // Nobody listens. The exit code still tells.
        }
    }

    // Not Console's streams: they hide it when the reader of a pipe is gone, and set the terminal up for keys that nobody reads here. But for what is written to a file: a FileStream
    // would write it at positions of its own, over what the other descriptor, or the next command of a script, writes there.
    private static Stream Open(int descriptor, FileAccess access)
    {
        var stream = new FileStream(new SafeFileHandle(descriptor, ownsHandle: false), access, bufferSize: 0);
        if (access == FileAccess.Read || !stream.CanSeek) return stream;
        return descriptor == StandardOutput ? Console.OpenStandardOutput() : Console.OpenStandardError();
    }

    private static IEnumerable<string> Values(IReadOnlyList<KeyValuePair<string, string>> fields, string name) =>
        fields.Where(field => field.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value);

    // A password in the URL is not for screens and logs.
    private static string WithoutCredentials(Uri uri) => uri.GetComponents(UriComponents.AbsoluteUri & ~UriComponents.UserInfo, UriFormat.UriEscaped);
}
