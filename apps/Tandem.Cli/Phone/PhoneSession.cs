using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Tandem.Cli.Connect;
using Tandem.Coap;
using Tandem.Link.Conversation;
using Tandem.Link.Pairing;
using Tandem.Link.Protocol;
using Tandem.Link.Secrets;

namespace Tandem.Cli.Phone;

/// <summary>A link from the code to its end: what the person sees of it, and what becomes of the lines that are typed.</summary>
internal sealed partial class PhoneSession : LinkEvents, IAsyncDisposable
{
    private const string Help = """
        text              says the line to the computer
        //text            says a line that begins with a slash
        /text TEXT        shows TEXT on the computer as this phone's live text; without TEXT, nothing
        /clipboard TEXT   says TEXT as something that was copied
        /send FILE        offers a file
        /accept, /refuse  accepts, or refuses, the file that was offered last
        /unlink           ends the link
        /help             shows this
        """;

    private readonly PhoneScreen _screen;
    private readonly PhoneOptions _options;
    private readonly PhoneClient _client;
    private readonly string _server;
    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _mayType = new(0);
    private readonly Dictionary<LinkFile, IDisposable> _files = [];
    private readonly List<IncomingFile> _offered = [];
    private PhonePairingState _state;
    private IReadOnlyList<int> _choices = [];
    private int _interrupts;
    private bool _isUnlinking;

    public PhoneSession(CoapClient coap, LinkSecret secret, PhoneOptions options, PhoneScreen screen)
    {
        (_options, _screen, _server) = (options, screen, coap.RemoteEndPoint.ToString());
        _client = new PhoneClient(coap, secret, options.Name, "tandem phone", this) { PairingChanged = Changed, NetworkChanged = Network };
    }

    /// <summary>Runs until the link is over, or there will be none.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync()
    {
        _screen.Status($"asking {_server} for the computer");
        _client.Start();
        Task input = ReadInputAsync(); // not awaited: it may be waiting for a line that nobody types
        if (await Task.WhenAny(_ended.Task, _client.Absent) == _client.Absent)
        {
            _screen.Error($"tandem: {await _client.Absent}: no mobile server is there ('tandem serve' and 'tandem gateway' have one)");
            return ExitCodes.NoConnection;
        }

        int code = await _ended.Task;
        if (input.IsFaulted) await input; // a mistake of ours is not hidden
        return code;
    }

    /// <summary>Says what is still to be said, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        foreach (IDisposable file in _files.Values) file.Dispose();
        _mayType.Dispose();
    }

    /// <summary>Ctrl-C or SIGTERM: the computer is told; the second time it is over at once.</summary>
    public void Interrupt()
    {
        if (Interlocked.Increment(ref _interrupts) > 1) Environment.Exit(ExitCodes.Interrupted);
        if (Unlink()) return;
        _client.Pair((pairing, now) => pairing.Refuse(now));
        _ended.TrySetResult(ExitCodes.Interrupted);
    }

    /// <summary>The system says that nothing gets to the server.</summary>
    public void Unreachable(SocketError error) => _client.Unreachable(error);

    private void Network(string? problem)
    {
        if (problem is null) _screen.Status("connected");
        else _screen.Error(problem);
    }

    private void Changed(PhonePairing pairing)
    {
        if (pairing.State == _state) return;
        _state = pairing.State;
        switch (_state)
        {
            case PhonePairingState.Asked:
                _screen.Line("asked:", $"{pairing.Origin} wants to be linked, {pairing.Browser}{(pairing.Address.Length == 0 ? "" : $" at {pairing.Address}")}");
                break;
            case PhonePairingState.Choosing:
                _choices = pairing.Choices;
                _screen.Line("choose:", $"{string.Join(' ', _choices.Select(number => number.ToString("00", CultureInfo.InvariantCulture)))} none");
                if (_screen.InputIsTerminal) _screen.Status("Which number does the computer show? Type it, or none.");
                _mayType.Release();
                break;
            case PhonePairingState.Linked:
                _screen.Line("linked", "");
                if (_screen.InputIsTerminal) _screen.Status("Lines are said to the computer. /help shows what else there is; Ctrl-D or Ctrl-C unlinks.");
                break;
            case PhonePairingState.Dead:
                (string why, int code) = Describe(pairing);
                _screen.Error(why);
                _ended.TrySetResult(code);
                break;
        }
    }

    private (string Why, int Code) Describe(PhonePairing pairing) => pairing switch
    {
        { EndedWith: EndCode.TooSlow } when !_client.IsAnswered => ($"tandem: no answer from {_server}: is that the mobile server, and does UDP get there?", ExitCodes.NoConnection),
        { IsNotFound: true } => ("this code is no longer valid", ExitCodes.NoConnection),
        { IsDeceived: true } => ("ALARM: somebody stands between this phone and the computer", ExitCodes.Broken),
        { EndedWith: EndCode.SecondClaim } => ("ALARM: this code was used by somebody else, too", ExitCodes.Broken),
        { EndedWith: EndCode.WrongNumber } => ("the computer shows another number: not linked", ExitCodes.Broken),
        { EndedWith: EndCode.NoneOfThese } => ("not linked", ExitCodes.Broken),
        { EndedWith: EndCode.TooSlow } => ("not linked in time", ExitCodes.NoConnection),
        { EndedWith: EndCode.Refused or EndCode.Unlinked } => ("not linked", ExitCodes.Closed),
        { EndedWith: null } => ("another phone has this one's inbox", ExitCodes.Broken),
        _ => ($"not linked: {pairing.EndedWith} {pairing.EndReason}", ExitCodes.Broken),
    };

    private async Task ReadInputAsync()
    {
        await Task.Yield();
        try
        {
            // What is piped in before a number can be picked waits.
            await _mayType.WaitAsync();
            while (await PhoneInput.ReadLineAsync() is { } line) await ObeyAsync(line);
        }
        catch (InvalidDataException exception)
        {
            _screen.Error($"tandem: {exception.Message}");
        }

        await LeaveAsync();
    }

    /// <summary>The end of the input: at once on a terminal; else when all was seen that it said, and after a while for what still comes.</summary>
    private async Task LeaveAsync()
    {
        if (!_screen.InputIsTerminal)
        {
            await _client.ConverseAsync(conversation => conversation.UnseenChats == 0 && conversation.Outgoing.Count == 0);
            await Task.Delay(_options.Wait);
        }

        if (!Unlink()) _client.Pair((pairing, now) => pairing.Refuse(now));
    }

    private bool Unlink() => _client.Converse(conversation =>
    {
        _isUnlinking = true;
        conversation.End(EndCode.Unlinked);
    });

    private async Task ObeyAsync(string line)
    {
        if (_state == PhonePairingState.Choosing)
        {
            Choose(line.Trim());
            return;
        }

        (string name, string rest) = Cut(line);
        bool isDone = name switch
        {
            "/help" => Show(),
            "/unlink" => Unlink(),
            "/text" => _client.Converse(conversation => conversation.SetText(Bounded(rest, LinkLimits.MaxTextUnits))),
            "/clipboard" => await SayAsync(rest, isClipboard: true),
            "/send" => Send(rest),
            "/accept" => Answer(Accept),
            "/refuse" => Answer(file => _client.Converse(conversation => conversation.CancelFile(file, FileCancelCode.Refused))),
            _ when line.StartsWith("//", StringComparison.Ordinal) => await SayAsync(line[1..], isClipboard: false),
            _ when line.StartsWith('/') => Wrong($"there is no command {name}; /help names them, and // says a line that begins with a slash"),
            _ => await SayAsync(line, isClipboard: false),
        };
        if (!isDone) _screen.Error("there is no link");
    }

    private void Choose(string text)
    {
        if (text is "none" or "/refuse")
        {
            _client.Pair((pairing, now) =>
            {
                if (text == "none") pairing.Choose(null, now);
                else pairing.Refuse(now);
            });
        }
        else if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && _choices.Contains(number))
        {
            _client.Pair((pairing, now) => pairing.Choose(number, now));
        }
        else
        {
            _screen.Error("pick one of the three numbers, or none");
        }
    }

    private bool Show()
    {
        _screen.Status(Help);
        return true;
    }

    private bool Wrong(string why)
    {
        _screen.Error(why);
        return true;
    }

    /// <summary>Says something when there is room for it: input that comes faster than it is seen waits, and is not read further.</summary>
    private async Task<bool> SayAsync(string text, bool isClipboard)
    {
        if (Encoding.UTF8.GetByteCount(text) > LinkLimits.MaxTextBytes) return Wrong($"more than {LinkLimits.MaxTextBytes} bytes cannot be said at once");
        return await _client.ConverseAsync(conversation => conversation.Say(text, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), isClipboard) is not null);
    }

    private static string Bounded(string text, int length) => text.Length <= length ? text : text[..length];

    private static (string Name, string Text) Cut(string line)
    {
        int blank = line.IndexOf(' ');
        return blank < 0 ? (line, "") : (line[..blank], line[(blank + 1)..]);
    }
}
