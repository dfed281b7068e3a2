using System.Net.WebSockets;

namespace Tandem.Fuzz.Tests.FrameStreams;

/// <summary>What an application does, mostly sensible.</summary>
internal sealed class StepGenerator(Random random)
{
    private static readonly int[] BufferSizes = [0, 1, 2, 3, 7, 8, 50, 125, 126, 1000, 4095, 4096, 8192, 70_000];
    private static readonly int[] SendSizes = [0, 1, 2, 125, 126, 127, 1000, 16_384, 16_385, 65_535, 65_536, 70_000, 140_000, 270_000]; // a masked payload leaves in pieces of up to 128 KiB
    private static readonly int[] Codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
    private static readonly int[] OddCodes = [(int)WebSocketCloseStatus.Empty, 0, -1, 999, 1004, 1006, 1015, 1016, 2999, 5000];
    private static readonly string?[] Reasons = [null, "", "bye", "grüße €", new('x', 123), new('x', 124), "\ud800"];

    public IEnumerable<Step> Create()
    {
        bool eager = random.Next(3) == 0; // one that only receives
        int most = random.Next(2) == 0 ? 4 : 25;
        for (int i = random.Next(most); i > 0; i--) yield return eager ? Receive() : Any();
        int end = random.Next(10);
        if (end < 2) yield return Close(end == 0 ? Act.Close : Act.CloseOutput);
    }

    /// <summary>Receives whatever has come; what is done meanwhile is done by the first receive that has to wait.</summary>
    public IEnumerable<Step> ReceiveUntilNothingComes()
    {
        Step meanwhile = random.Next(3) == 0 ? Meanwhile() : Close(random.Next(2) == 0 ? Act.Close : Act.CloseOutput);
        for (int i = 0; i < 20; i++) yield return new Step(Act.Receive, 70_000, Meanwhile: meanwhile);
    }

    private Step Any() => random.Next(40) switch
    {
        < 8 => new Step(Act.Arrive),
        < 14 => Send(),
        14 => Close(Act.CloseOutput),
        15 => Close(Act.Close),
        16 => new Step(Act.Abort),
        17 => new Step(Act.Dispose),
        < 22 => Receive() with { Meanwhile = Meanwhile() },
        _ => Receive(),
    };

    private Step Meanwhile() => random.Next(8) switch
    {
        0 => Close(Act.CloseOutput),
        1 => new Step(Act.Abort),
        2 => new Step(Act.Dispose),
        3 => Close(Act.Close),
        _ => Send(),
    };

    private Step Receive() => new(Act.Receive, random.Next(3) == 0 ? random.Next(200) : BufferSizes[random.Next(BufferSizes.Length)]);

    private Step Send()
    {
        int size = random.Next(8) == 0 ? SendSizes[random.Next(SendSizes.Length)] : random.Next(10);
        WebSocketMessageFlags flags = random.Next(4) == 0 ? WebSocketMessageFlags.None : WebSocketMessageFlags.EndOfMessage;
        if (random.Next(6) == 0) flags |= WebSocketMessageFlags.DisableCompression;
        WebSocketMessageType type = random.Next(20) == 0 ? WebSocketMessageType.Close : (WebSocketMessageType)random.Next(2);
        return new Step(Act.Send, size, type, flags);
    }

    private Step Close(Act act)
    {
        int code = random.Next(6) == 0 ? OddCodes[random.Next(OddCodes.Length)] : Codes[random.Next(Codes.Length)];
        return new Step(act, Code: code, Reason: Reasons[random.Next(Reasons.Length)]);
    }
}
