using System.CommandLine;
using System.Net.WebSockets;
using System.Runtime.InteropServices;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.WebSockets;

namespace Tandem.Cli.Connect;

/// <summary>
/// <c>tandem connect</c>: a WebSocket in the terminal or in a pipe. What the server says goes to standard output, everything about the connection to
/// standard error.
/// </summary>
internal static class ConnectCommand
{
    // A server that is silent for so long after our close frame is left; Ctrl-C again is quicker.
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var uri = CommonOptions.Url();
        var subprotocols = new Option<string[]>("--subprotocol") { Description = "Subprotocol to offer, the preferred one first; may be given several times." };
        var headers = new Option<KeyValuePair<string, string>[]>("--header")
        {
            Description = "Further field of the request, \"Name: value\"; may be given several times.",
            CustomParser = result => [.. result.Tokens.Select(token => ParseHeader(token.Value, result.AddError))],
        };
        var origin = new Option<string?>("--origin") { Description = "Origin to send, such as https://example.org." };
        var insecure = new Option<bool>("--insecure") { Description = "Accept any TLS certificate. For tests only: anybody may be at the other end." };
        var noDeflate = CommonOptions.NoDeflateOffer();
        var maxMessage = new Option<int>("--max-message")
        {
            Description = "Largest message to receive, in bytes; a larger one ends the connection with 1009.",
            DefaultValueFactory = _ => WebSocketReaderOptions.DefaultMaxMessageSize,
        };
        maxMessage.Validators.Add(result => CommonOptions.CheckRange(result, 0, int.MaxValue));
        Option<double> wait = CommonOptions.Wait("closing");

        var command = new Command(
            "connect",
            "Connect to a server: lines typed are sent as text messages, messages received are printed; /help when connected.\n"
            + "Exit codes: 0 closed in order; 1 wrong arguments, or a line of piped input that cannot be sent; 2 no connection; "
            + "3 the server closed with an error, or the connection broke; 130 interrupted twice, or while connecting.")
        {
            uri, subprotocols, headers, origin, insecure, noDeflate, maxMessage, wait,
        };
        command.SetAction((result, _) => RunAsync(
            result.GetValue(uri)!,
            new WebSocketClientOptions
            {
                Subprotocols = result.GetValue(subprotocols) ?? [],
                Headers = result.GetValue(headers) ?? [],
                Origin = result.GetValue(origin),
                Deflate = result.GetValue(noDeflate) ? null : new DeflateOptions(),
#pragma warning disable CA5359 // that is what --insecure asks for, and says
                ConfigureTls = result.GetValue(insecure) ? tls => tls.RemoteCertificateValidationCallback = (_, _, _, _) => true : null,
#pragma warning restore CA5359
                Connection = new WebSocketConnectionOptions { MaxMessageSize = result.GetValue(maxMessage), CloseTimeout = CloseTimeout },
            },
            TimeSpan.FromSeconds(result.GetValue(wait))));
        return command;
    }

    private static async Task<int> RunAsync(Uri uri, WebSocketClientOptions options, TimeSpan wait)
    {
        using var output = new SessionOutput();
        using var connecting = new CancellationTokenSource();
        ConnectSession? session = null;
        var gate = new Lock(); // a signal has a thread of its own
        void Interrupt(PosixSignalContext context)
        {
            context.Cancel = true; // the end is ours: the server is told
            lock (gate)
            {
                if (session is null) connecting.Cancel();
                else session.Interrupt(context.Signal);
            }
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        IReadOnlyList<KeyValuePair<string, string>> fields = [];
        try
        {
            if (options.ConfigureTls is not null) output.Error("WARNING: --insecure: the server's certificate is NOT checked. Anybody may be at the other end.");
            using WebSocketConnection connection = await WebSocketClient.ConnectAsync(uri, options with { OnHandshake = all => fields = all }, connecting.Token);
            lock (gate)
            {
                connecting.Token.ThrowIfCancellationRequested(); // the signal came with the server's answer
                session = new ConnectSession(connection, output, wait);
            }

            output.Connected(uri, connection.SubProtocol, fields);
            return await session.RunAsync();
        }
        catch (WebSocketException exception) when (exception.InnerException is WebSocketConnectException failure)
        {
            output.Refused(uri, failure);
            return ExitCodes.NoConnection;
        }
        catch (ArgumentException exception)
        {
            // .NET puts the name of a parameter behind the sentence, which says nothing at a command line.
            output.Error($"tandem: {exception.Message.Replace($" (Parameter '{exception.ParamName}')", "", StringComparison.Ordinal)}");
            return ExitCodes.WrongInput;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
    }

    private static KeyValuePair<string, string> ParseHeader(string text, Action<string> fail)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0) fail($"--header: '{text}' is not \"Name: value\".");
        return colon <= 0 ? default : new(text[..colon], text[(colon + 1)..].Trim(' ', '\t'));
    }
}
