using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <summary>What an end says of itself in a conversation.</summary>
public sealed class LinkConversationOptions
{
    /// <summary>What this end is called, at most 64 bytes of UTF-8; longer texts are cut.</summary>
    public string Name { get; init; } = "";

    /// <summary>What it runs on, likewise.</summary>
    public string Platform { get; init; } = "";

    /// <summary>Most bytes of a file that this end takes in one message, from 1,024; 32,768 by default, and nobody sends more.</summary>
    public int LargestChunk { get; init; } = LinkLimits.MaxChunkBytes;

    /// <summary>After how much silence the other end is asked whether it is awake, in milliseconds; 20,000 by default: it costs a phone little.</summary>
    public int PingAfter { get; init; } = 20_000;
}
