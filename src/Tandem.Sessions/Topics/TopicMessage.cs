using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>An event as it travels between nodes.</summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="Origin">Who counted it: the publishing node's number for this topic since its start.</param>
/// <param name="Offset">Its number there, from 1, without holes.</param>
/// <param name="Publisher">The client that published it; 0: the application on the server, whose events are never taken for repetitions.</param>
/// <param name="Number">The number that the publisher gave it.</param>
/// <param name="Flags">Text or not.</param>
/// <param name="Key">What it is the latest state of; null: nothing.</param>
/// <param name="Payload">Its bytes, which must not change any more.</param>
public readonly record struct TopicMessage(
    string Topic, uint Origin, long Offset, ulong Publisher, long Number, MessageFlags Flags, string? Key, ReadOnlyMemory<byte> Payload);
