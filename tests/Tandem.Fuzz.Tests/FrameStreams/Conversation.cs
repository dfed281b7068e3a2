using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using Tandem.WebSockets;

namespace Tandem.Fuzz.Tests.FrameStreams;

internal enum Act
{
    /// <summary>One piece arrives while nobody asks.</summary>
    Arrive,
    Receive,
    Send,
    CloseOutput,
    Close,
    Abort,
    Dispose,
}

/// <summary>Something that the application does. <paramref name="Meanwhile"/> is done while a receive waits.</summary>
internal sealed record Step(Act Act, int Size = 0, WebSocketMessageType Type = default, WebSocketMessageFlags Flags = default, int Code = 0, string? Reason = null, Step? Meanwhile = null)
{
    public override string ToString() => Act switch
    {
        Act.Receive => $"receive {Size}" + (Meanwhile is null ? "" : $" [{Meanwhile}]"),
        Act.Send => $"send {Type} {Size} {Flags}",
        Act.CloseOutput or Act.Close => $"{Act} {Code} '{Reason}'",
        _ => Act.ToString(),
    };
}

/// <summary>What the peer sends, in which pieces, and what the application does.</summary>
internal sealed record Conversation(WebSocketRole Role, byte[] Wire, int[] Cuts, Step[] Steps);

/// <summary>What came of a step. <paramref name="Midway"/> is the state when <see cref="Step.Meanwhile"/> was begun, None when it was not.</summary>
internal sealed record Outcome(
    Step Step, WebSocketState Before, WebSocketState Midway, string Result, string Meanwhile, byte[] Data, WebSocketState State, int? Status, string? Reason, int Arrived, string[] Written, ConnectionEndedException? Ended)
{
    public override string ToString() =>
        $"{Step}: {Result}{(Meanwhile.Length == 0 ? "" : $" [{Meanwhile}]")} {Convert.ToHexString(Data)}, {State}, {Status} '{Reason}', {Arrived} bytes in, out: {string.Join(" | ", Written)}";
}

/// <summary>Plays a conversation on one implementation.</summary>
internal sealed class Player : IDisposable
{
    private readonly Conversation _conversation;
    private readonly ScriptedStream _stream;
    private readonly WebSocket _socket;

    private Player(Conversation conversation, Func<Stream, WebSocket> make)
    {
        _conversation = conversation;
        _stream = new ScriptedStream(conversation.Wire, conversation.Cuts);
        _socket = make(_stream);
    }

    // No timers: a deadline would decide by the time that a machine takes.
    public static Player Ours(Conversation conversation) => new(conversation, stream => new WebSocketConnection(
        stream, new WebSocketConnectionOptions { Role = conversation.Role, KeepAliveInterval = Timeout.InfiniteTimeSpan, CloseTimeout = Timeout.InfiniteTimeSpan }));

    public static Player Theirs(Conversation conversation) => new(conversation, stream => WebSocket.CreateFromStream(
        stream, new WebSocketCreationOptions { IsServer = conversation.Role == WebSocketRole.Server, KeepAliveInterval = TimeSpan.Zero }));

    public void Dispose()
    {
        _socket.Dispose();
        _stream.Dispose();
    }

    public async Task<Outcome> PlayAsync(Step step)
    {
        byte[] buffer = new byte[step.Act == Act.Receive ? step.Size : 0];
        var meanwhile = new Result("");
        WebSocketState before = _socket.State;
        Task<Result> main = RunAsync(step, buffer);
        WebSocketState midway = WebSocketState.None;
        // A receive that has the peer's close frame and waits for its end of TCP does so on a thread of its own: what came meanwhile would be a race.
        if (step.Meanwhile is not null && !main.IsCompleted && _socket.CloseStatus is null)
        {
            midway = _socket.State;
            meanwhile = await FinishAsync(RunAsync(step.Meanwhile, []));
        }

        (string result, int count, ConnectionEndedException? ended) = await FinishAsync(main);
        // Ours may be done before the frame has left, which it does by itself.
        if (step.Act == Act.Send && result == "done") await Eventually.True(() => _stream.HasWritten, "a sent frame is written");
        return new Outcome(
            step, before, midway, result, meanwhile.Text, buffer[..count], _socket.State, (int?)_socket.CloseStatus, _socket.CloseStatusDescription, _stream.Arrived, [.. SentFrames.Parse(_stream.TakeWritten(), _conversation.Role == WebSocketRole.Client)], ended ?? meanwhile.Ended);
    }

    // Lets bytes arrive until the step has come to its end.
    private async Task<Result> FinishAsync(Task<Result> task)
    {
        while (!task.IsCompleted && _stream.HasMore) _stream.Arrive();
        if (!task.IsCompleted) _stream.Arrive();
        return await task.InTime();
    }

    private async Task<Result> RunAsync(Step step, byte[] buffer)
    {
        try
        {
            switch (step.Act)
            {
                case Act.Arrive:
                    _stream.Arrive();
                    break;
                case Act.Receive:
                    ValueWebSocketReceiveResult result = await _socket.ReceiveAsync(buffer.AsMemory(), default);
                    return new Result($"{result.MessageType} {result.Count}{(result.EndOfMessage ? " end" : "")}", result.Count);
                case Act.Send:
                    byte[] payload = new byte[step.Size];
                    new Random(step.Size).NextBytes(payload);
                    await _socket.SendAsync(payload.AsMemory(), step.Type, step.Flags, default);
                    break;
                case Act.CloseOutput:
                    await _socket.CloseOutputAsync((WebSocketCloseStatus)step.Code, step.Reason, default);
                    break;
                case Act.Close:
                    await _socket.CloseAsync((WebSocketCloseStatus)step.Code, step.Reason, default);
                    break;
                case Act.Abort:
                    _socket.Abort();
                    break;
                default:
                    _socket.Dispose();
                    break;
            }

            return new Result("done");
        }
        catch (WebSocketException exception)
        {
            return new Result($"WebSocketException {exception.WebSocketErrorCode}", 0, exception.InnerException as ConnectionEndedException);
        }
        catch (OperationCanceledException exception)
        {
            return new Result("cancelled", 0, exception.InnerException as ConnectionEndedException);
        }
        catch (ArgumentException)
        {
            return new Result("ArgumentException"); // or one of its kin
        }
    }

    private sealed record Result(string Text, int Count = 0, ConnectionEndedException? Ended = null);
}
