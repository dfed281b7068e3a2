using System.Net.WebSockets;

namespace Tandem.Tests.Support;

/// <summary>What tests do with the client of the base class library.</summary>
internal static class ForeignClient
{
    /// <summary>Sends a message to a server that echoes, and checks that it comes back as it was.</summary>
    public static async Task RoundTrip(this ClientWebSocket client, WebSocketMessageType type, byte[] payload)
    {
        Task sending = client.SendAsync(payload, type, true, CancellationToken.None);
        byte[] back = new byte[payload.Length + 1];
        int count = 0;
        WebSocketReceiveResult result;
        do
        {
            result = await client.ReceiveAsync(new ArraySegment<byte>(back, count, back.Length - count), CancellationToken.None).InTime();
            count += result.Count;
        }
        while (!result.EndOfMessage);
        await sending.InTime();
        Assert.Equal((type, payload.Length), (result.MessageType, count));
        Assert.True(payload.AsSpan().SequenceEqual(back.AsSpan(0, count)));
    }
}
