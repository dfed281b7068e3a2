using System.CommandLine;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Tandem.Cli.Connect;
using Tandem.Coap;
using Tandem.Link.Secrets;

namespace Tandem.Cli.Phone;

/// <summary>What was asked for at the command line.</summary>
internal sealed record PhoneOptions(string Name, string Directory, long AcceptBelow, TimeSpan Wait, int AckTimeout);

/// <summary><c>tandem phone</c>: a phone without a browser.</summary>
internal static class PhoneCommand
{
    // While a link is read slowly, as much waits here as an inbox may hold; more would be dropped, and asked for again.
    private const int MaxQueuedNotifications = 1024;

    public static Command Create()
    {
        var code = new Argument<string?>("code")
        {
            Description = "What the computer's page shows: the GUID in any of its forms, or the whole address. Asked for when it is not given.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var server = new Option<Uri>("--server")
        {
            Description = "The mobile server.",
            HelpName = "URL",
            DefaultValueFactory = _ => new Uri($"coap://127.0.0.1:{CoapServer.DefaultPort}"),
            CustomParser = result => CommonOptions.ReadUrl(result, url => url is { Scheme: "coap", PathAndQuery: "/" or "" }, text => $"--server: '{text}' is not coap://HOST:PORT.")!,
        };
        var name = new Option<string>("--name") { Description = "What the phone is called on the computer.", DefaultValueFactory = _ => Environment.MachineName };
        var directory = new Option<string>("--directory") { Description = "Where files go that are received. None is overwritten.", HelpName = "PATH", DefaultValueFactory = _ => "." };
        var accept = new Option<long>("--accept") { Description = "Accept files of up to so many bytes without asking.", HelpName = "BYTES", DefaultValueFactory = _ => -1 };
        Option<double> wait = CommonOptions.Wait("unlinking");
        Option<int> ackTimeout = MobileServers.AckTimeoutOption();
        var command = new Command(
            "phone",
            "Link this terminal to a computer's page, as a phone without a browser: lines typed are said, what the computer says is printed; /help when linked.\n"
            + "Exit codes: 0 unlinked by either end; 1 wrong arguments, or no code; 2 no link, because the server or the code is not there; "
            + "3 the wrong number, an alarm, or an end with an error; 130 interrupted twice, or while linking.")
        {
            code, server, name, directory, accept, wait, ackTimeout,
        };
        command.SetAction((result, _) => RunAsync(
            result.GetValue(code),
            result.GetValue(server)!,
            new PhoneOptions(result.GetValue(name)!, result.GetValue(directory)!, result.GetValue(accept), TimeSpan.FromSeconds(result.GetValue(wait)), result.GetValue(ackTimeout))));
        return command;
    }

    private static async Task<int> RunAsync(string? code, Uri server, PhoneOptions phone)
    {
        using var screen = new PhoneScreen();
        PhoneSession? session = null;
        void Interrupt(PosixSignalContext context)
        {
            context.Cancel = true; // the end is ours: the computer is told
            if (session is null) Environment.Exit(ExitCodes.Interrupted);
            session.Interrupt();
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        if (await ReadCodeAsync(code, screen) is not { } secret) return ExitCodes.WrongInput;
        using (secret)
        {
            CoapClient coap;
            var options = new CoapClientOptions
            {
                Transmission = MobileServers.Timers(phone.AckTimeout), MaxQueuedNotifications = MaxQueuedNotifications, OnUnreachable = error => session?.Unreachable(error),
            };
            try
            {
                coap = await CoapClient.CreateAsync(server, options);
            }
            catch (SocketException exception)
            {
                screen.Error($"tandem: no way to {server}: {exception.Message}");
                return ExitCodes.NoConnection;
            }

            await using (session = new PhoneSession(coap, secret, phone, screen)) return await session.RunAsync();
        }
    }

    /// <summary>The code from the arguments, or from the input: again and again on a terminal, once from a pipe.</summary>
    private static async Task<LinkSecret?> ReadCodeAsync(string? code, PhoneScreen screen)
    {
        while (true)
        {
            if (code is null && screen.InputIsTerminal) screen.Status("What does the computer show below its code? Paste or type it:");
            string? text = code ?? await PhoneInput.ReadLineAsync();
            if (text is null)
            {
                screen.Error("tandem: no code was given, as an argument or on standard input: it stands on the computer's page");
                return null;
            }

            if (LinkSecret.TryParse(text, out LinkSecret? secret)) return secret;
            screen.Error("tandem: that is no code: it has 32 hexadecimal digits, or is an address that ends in /phone# and these");
            if (code is not null || !screen.InputIsTerminal) return null;
        }
    }
}
