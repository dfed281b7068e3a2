using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.Fuzz.Tests.FrameStreams;

/// <summary>RFC 6455 section 7.4, every code there can be: exhaustive, not random.</summary>
public sealed class CloseCodeTests
{
    [Fact]
    public async Task All_close_codes_and_reasons_of_all_lengths_are_judged_as_by_the_BCL()
    {
        var random = new Random(1);
        var differences = new List<string>();
        for (int code = 0; code <= ushort.MaxValue; code++)
        {
            byte[] reason = new byte[code % 124];
            for (int i = 0; i < reason.Length; i++) reason[i] = (byte)random.Next(32, 127);
            byte[] payload = [(byte)(code >> 8), (byte)code, .. reason];
            var conversation = new Conversation(WebSocketRole.Client, [0x88, (byte)payload.Length, .. payload], [payload.Length + 2], []);
            using Player ours = Player.Ours(conversation);
            using Player theirs = Player.Theirs(conversation);
            var receive = new Step(Act.Receive, 10);
            Outcome our = await ours.PlayAsync(receive);
            Outcome their = await theirs.PlayAsync(receive);
            bool accepts = our.Result == "Close 0 end";
            Assert.Equal(accepts, ClosePayload.Validate(payload) == ProtocolFault.None);
            Assert.Equal(accepts, ClosePayload.IsSendable((WebSocketCloseStatus)code));
            if ((our.Result, our.Status, our.Reason) != (their.Result, their.Status, their.Reason)) differences.Add($"{code}: {our.Result}, {their.Result}");
        }

        Assert.Empty(differences);
    }
}
