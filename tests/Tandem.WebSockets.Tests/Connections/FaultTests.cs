using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>RFC 6455 section 7.1.7: each rule that a peer can break ends in its close code, an exception that names it, and a cause.</summary>
public sealed class FaultTests
{
    private static readonly Dictionary<ProtocolFault, (WebSocketRole Role, byte[] Bytes)> Violations = new()
    {
        [ProtocolFault.ReservedBitSet] = (WebSocketRole.Client, [0xC1, 0]),
        [ProtocolFault.ReservedOpcode] = (WebSocketRole.Client, [0x83, 0]),
        [ProtocolFault.FragmentedControlFrame] = (WebSocketRole.Client, [0x09, 0]),
        [ProtocolFault.ControlFrameTooLong] = (WebSocketRole.Client, [0x89, 126, 0, 126]),
        [ProtocolFault.UnmaskedClientFrame] = (WebSocketRole.Server, [0x81, 1, 65]),
        [ProtocolFault.MaskedServerFrame] = (WebSocketRole.Client, [0x81, 0x81, 0, 0, 0, 0, 65]),
        [ProtocolFault.UnexpectedContinuation] = (WebSocketRole.Client, [0x80, 0]),
        [ProtocolFault.ExpectedContinuation] = (WebSocketRole.Client, [0x01, 0, 0x81, 0]),
        [ProtocolFault.NonMinimalLength] = (WebSocketRole.Client, [0x82, 126, 0, 1, 65]),
        [ProtocolFault.LengthOver63Bits] = (WebSocketRole.Client, [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        [ProtocolFault.MessageTooBig] = (WebSocketRole.Client, [0x82, 126, 0x03, 0xE9]),
        [ProtocolFault.TooManyFragments] = (WebSocketRole.Client, [0x02, 0, 0x00, 0, 0x00]), // one too many is known at its first byte
        [ProtocolFault.InvalidUtf8] = (WebSocketRole.Client, [0x81, 1, 0xFF]),
        [ProtocolFault.TruncatedCloseCode] = (WebSocketRole.Client, [0x88, 1, 3]),
        [ProtocolFault.InvalidCloseCode] = (WebSocketRole.Client, [0x88, 2, 3, 0xEE]),
        [ProtocolFault.InvalidDeflateData] = (WebSocketRole.Client, [0xC2, 2, 0xFF, 0xFF]), // a block of type 3, which there is not
        [ProtocolFault.InvalidUtf8InCloseReason] = (WebSocketRole.Client, [0x88, 3, 3, 0xE8, 0xFF]),
    };

    public static TheoryData<ProtocolFault> Faults => [.. Violations.Keys];

    [Fact]
    public void All_faults_are_here_but_the_one_that_no_option_limits()
    {
        IEnumerable<ProtocolFault> all = Enum.GetValues<ProtocolFault>()
            .Except([ProtocolFault.None, ProtocolFault.FrameTooBig]);
        Assert.Equal(all.Order(), Violations.Keys.Order());
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_violation_is_answered_named_and_remembered(ProtocolFault fault)
    {
        (WebSocketRole role, byte[] bytes) = Violations[fault];
        using Subject subject = Subject.Create(new WebSocketConnectionOptions
        {
            Role = role,
            Deflate = fault == ProtocolFault.InvalidDeflateData ? new DeflateParameters(false, false, 15, 15) : null,
            MaxFragments = fault == ProtocolFault.TooManyFragments ? 2 : WebSocketReaderOptions.DefaultMaxFragments,
            MaxMessageSize = fault == ProtocolFault.MessageTooBig ? 1000 : long.MaxValue,
        });
        await subject.Peer.SendAsync(bytes);
        int before = fault switch { ProtocolFault.ExpectedContinuation => 1, ProtocolFault.TooManyFragments => 2, _ => 0 };
        for (int i = 0; i < before; i++) await subject.Socket.TakeAsync();
        WebSocketException exception = await Waits.FailsAsync(WebSocketError.Faulted, () => subject.Socket.TakeAsync());

        CloseCause cause = Assert.IsType<ConnectionEndedException>(exception.InnerException).Cause;
        Assert.Equal(new CloseCause(CloseInitiator.ProtocolFault, fault.CloseStatus(), fault.Text(), fault), cause);
        Assert.Contains(fault.Section(), exception.InnerException.Message, StringComparison.Ordinal);
        Assert.Equal(cause, subject.Ours.CloseCause);
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
        Assert.Equal((int)fault.CloseStatus(), await subject.Peer.ReadCloseCodeAsync());

        exception = await Waits.FailsAsync(WebSocketError.InvalidState, () => subject.Socket.PutAsync("x"));
        Assert.Equal(cause, Assert.IsType<ConnectionEndedException>(exception.InnerException).Cause);
        subject.Socket.Dispose();
        Assert.Equal(cause, subject.Ours.CloseCause);
    }

    [Fact]
    public async Task A_violation_in_a_payload_that_is_received_directly_is_found_too()
    {
        using Subject subject = Subject.Create(new WebSocketConnectionOptions());
        byte[] text = new byte[100_000];
        text[^1] = 0xFF;
        await subject.Peer.SendFrameAsync(0x81, text);
        await Waits.FailsAsync(WebSocketError.Faulted, () => subject.Socket.TakeAsync(100_000));
        Assert.Equal(ProtocolFault.InvalidUtf8, subject.Ours.CloseCause!.Value.Fault);
    }
}
