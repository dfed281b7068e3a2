using System.Globalization;
using System.Net.WebSockets;
using System.Runtime.InteropServices;
using Tandem.Protocol.Framing;
using Tandem.WebSockets;

namespace Tandem.Cli.Connect;

/// <summary>An open connection: two loops, one from the server to the output, one from the input to the server. The first one's end is the end.</summary>
internal sealed class ConnectSession(WebSocketConnection connection, SessionOutput output, TimeSpan wait)
{
    private static readonly TimeSpan PongTimeout = TimeSpan.FromSeconds(10);

    // A server that goes on sending and never answers our close frame.
    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(30);

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _interrupts;
    private bool _wrongInput;

    /// <summary>Runs until the connection is closed.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync()
    {
        Task input = SendInputAsync(); // not awaited: it may be waiting for a line that nobody types
        try
        {
            await PrintMessagesAsync();
            if (connection.State == WebSocketState.CloseReceived) await AnswerCloseAsync();
            output.Status(DescribeClose(connection));
            if (_wrongInput) return ExitCodes.WrongInput;
            CloseCause cause = connection.CloseCause!.Value;
            if (IsCutShort) return ExitCodes.Interrupted;
            return cause.Initiator == CloseInitiator.Local || CloseCodes.IsOrderly(cause.Status) ? ExitCodes.Closed : ExitCodes.Broken;
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            if (IsCutShort) return ExitCodes.Interrupted;
            output.Error(DescribeFailure(exception));
            return ExitCodes.Broken;
        }
        finally
        {
            _ended.SetResult();
            if (input.IsFaulted) await input; // a mistake of ours is not hidden
        }
    }

    // The second signal aborts, which ends RunAsync on another thread while the signal's own has not exited yet: both say the same.
    private bool IsCutShort => Volatile.Read(ref _interrupts) > 1;

    /// <summary>Ctrl-C or SIGTERM: closes; the second time it is over at once, even if output is stuck.</summary>
    public void Interrupt(PosixSignal signal)
    {
        if (Interlocked.Increment(ref _interrupts) > 1)
        {
            connection.Abort();
            Environment.Exit(ExitCodes.Interrupted);
        }

        // RFC 6455 section 7.4.1: 1001 is "going away", which a program that is told to end does; a person at the keyboard is done.
        _ = CloseAsync(signal == PosixSignal.SIGINT ? WebSocketCloseStatus.NormalClosure : WebSocketCloseStatus.EndpointUnavailable, "");
    }

    private async Task PrintMessagesAsync()
    {
        var printer = new MessagePrinter(output);
        bool isRead = true;
        byte[] buffer = new byte[16 * 1024]; // messages are printed as they come: none is ever in memory
        while (true)
        {
            ValueWebSocketReceiveResult received = await connection.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
            if (received.MessageType == WebSocketMessageType.Close) return;
            if (isRead && !printer.Print(received.MessageType, buffer.AsSpan(0, received.Count), received.EndOfMessage))
            {
                // Whoever read the output is gone, as in "tandem connect ... | head -1". The server's answer is still waited for.
                isRead = false;
                _ = CloseAsync(WebSocketCloseStatus.NormalClosure, "");
            }
        }
    }

    // RFC 6455 section 5.5.1: answered with the code that came; none with none.
    private Task AnswerCloseAsync()
    {
        CloseCause cause = connection.CloseCause!.Value;
        bool none = cause.Status == WebSocketCloseStatus.Empty;
        return connection.CloseOutputAsync(cause.Status, none ? null : cause.Reason, CancellationToken.None);
    }

    private async Task SendInputAsync()
    {
        await Task.Yield();
        try
        {
            using Stream input = SessionOutput.OpenInput();
            var lines = new InputLines(input);
            while (await lines.ReadAsync() is { } line)
            {
                if (!await ObeyAsync(InputCommand.Parse(line))) return;
            }

            // What is asked at the end of a pipe is answered a moment later.
            if (!output.InputIsTerminal) await Task.WhenAny(Task.Delay(wait), _ended.Task);
            await CloseAsync(WebSocketCloseStatus.NormalClosure, "");
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            await RejectAsync(exception.Message);
            await CloseAsync(WebSocketCloseStatus.NormalClosure, "");
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // The connection has ended; the receiving loop says how.
        }
    }

    /// <summary>Does what a line asks for.</summary>
    /// <returns>Whether more input is wanted.</returns>
    private async Task<bool> ObeyAsync(InputCommand command)
    {
        switch (command.Kind)
        {
            case InputKind.Text:
                await connection.SendAsync(command.Payload, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
                return true;
            case InputKind.Binary:
                await connection.SendAsync(command.Payload, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
                return true;
            case InputKind.Ping:
                _ = PingAsync(command.Payload.ToArray()); // it says itself how it ends
                return true;
            case InputKind.Help:
                output.Status(InputCommand.Help);
                return true;
            case InputKind.Close:
                try
                {
                    await CloseAsync((WebSocketCloseStatus)command.CloseCode, command.PayloadText);
                    return false;
                }
                catch (ArgumentException exception)
                {
                    return await RejectAsync(exception.Message);
                }

            default:
                return await RejectAsync(command.PayloadText);
        }
    }

    // A person corrects a line; a script that has a wrong one must not go on as if it had been sent.
    private async Task<bool> RejectAsync(string why)
    {
        output.Error($"tandem: {why}");
        if (output.InputIsTerminal) return true;
        _wrongInput = true;
        await CloseAsync(WebSocketCloseStatus.NormalClosure, "");
        return false;
    }

    private async Task PingAsync(byte[] payload)
    {
        using var deadline = new CancellationTokenSource(PongTimeout);
        try
        {
            TimeSpan time = await connection.PingAsync(payload, deadline.Token);
            output.Status(string.Create(CultureInfo.InvariantCulture, $"pong after {time.TotalMilliseconds:0.###} ms"));
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            output.Error($"no pong within {PongTimeout.TotalSeconds} s");
        }
        catch (InvalidOperationException exception)
        {
            output.Error($"tandem: {exception.Message}");
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            output.Error("no pong: the connection ended before");
        }
    }

    // Receiving goes on: what comes before the server's answer is still printed.
    private async Task CloseAsync(WebSocketCloseStatus status, string reason)
    {
        try
        {
            await connection.CloseOutputAsync(status, reason.Length == 0 ? null : reason, CancellationToken.None);
            await Task.WhenAny(Task.Delay(LastWait), _ended.Task);
            if (!_ended.Task.IsCompleted) connection.Abort();
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // Closed already, or broken: the receiving loop says how.
        }
    }

    private static string DescribeClose(WebSocketConnection connection)
    {
        CloseCause cause = connection.CloseCause!.Value;
        bool ours = cause.Initiator == CloseInitiator.Local;
        string text = $"closed by {(ours ? "this end" : "the server")}: {CloseCodes.Describe(cause.Status)}";
        if (cause.Reason.Length != 0) text += $", \"{cause.Reason}\"";
        // CloseStatus tells no code as 1000, so that is no other answer to a close without one.
        WebSocketCloseStatus expected = cause.Status == WebSocketCloseStatus.Empty ? WebSocketCloseStatus.NormalClosure : cause.Status;
        if (!ours || connection.CloseStatus is not { } answer || answer == expected) return text;
        return text + $"; the server answered with {CloseCodes.Describe(answer)}";
    }

    private static string DescribeFailure(Exception exception)
    {
        if (exception.InnerException is not ConnectionEndedException ended) return $"tandem: {exception.Message}";
        return ended.Cause switch
        {
            { Fault: ProtocolFault.MessageTooBig } => $"tandem: {ended.Message} --max-message says how large a message may be. Closed with {CloseCodes.Describe(ended.Cause.Status)}.",
            { Initiator: CloseInitiator.ProtocolFault } => $"tandem: the server broke a rule. {ended.Message} Closed with {CloseCodes.Describe(ended.Cause.Status)}.",
            { Initiator: CloseInitiator.Timeout } => $"tandem: {ended.Message}",
            { Initiator: CloseInitiator.Local } => "tandem: the server did not answer the close.",
            _ => $"tandem: the connection is lost: {CloseCodes.Describe(ended.Cause.Status)}. {ended.Message}",
        };
    }
}
