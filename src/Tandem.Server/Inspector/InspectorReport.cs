using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using Tandem.Server.Sessions;
using Tandem.Sessions;
using Tandem.WebSockets;

namespace Tandem.Server.Inspector;

/// <summary>What the page is told once a second, as JSON. Counts are totals: the page makes rates of two reports.</summary>
internal static class InspectorReport
{
    public static void Write(
        IBufferWriter<byte> output, InspectorFigures.Snapshot figures, ConnectionPage connections, InspectedConnections numbers, HubSnapshot? sessions, LinksSnapshot? links)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteNumber("time", Stopwatch.GetTimestamp() * 1000 / Stopwatch.Frequency); // ms of a clock that never goes back
        Write(json, figures);
        json.WriteStartObject("connections");
        json.WriteNumber("total", connections.Total);
        json.WriteNumber("silentLoops", connections.SilentLoops);
        json.WriteStartArray("items");
        foreach (ConnectionSnapshot connection in connections.Connections) Write(json, connection, numbers);
        json.WriteEndArray();
        json.WriteEndObject();
        if (sessions is not null) Write(json, sessions);
        if (links is not null) Write(json, links);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, InspectorFigures.Snapshot figures)
    {
        InspectorFigures.Observed observed = figures.Observed;
        json.WriteStartObject("figures");
        json.WriteNumber("connections", observed.Connections);
        json.WriteNumber("messagesReceived", observed.MessagesReceived);
        json.WriteNumber("messagesSent", observed.MessagesSent);
        json.WriteNumber("bytesReceived", observed.BytesReceived);
        json.WriteNumber("bytesSent", observed.BytesSent);
        json.WriteNumber("buffered", observed.Buffered);
        json.WriteNumber("compressionMemory", observed.CompressionMemory);
        json.WriteNumber("dropped", figures.DroppedMessages);
        json.WriteStartArray("busySeconds");
        foreach (double seconds in figures.BusySeconds) json.WriteNumberValue(Math.Round(seconds, 4));
        json.WriteEndArray();
        json.WriteStartObject("handshakes");
        foreach ((string outcome, long count) in figures.Handshakes) json.WriteNumber(outcome, count);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartArray("closes");
        foreach (((string code, string initiator), long count) in figures.Closes)
        {
            json.WriteStartObject();
            json.WriteString("code", code);
            json.WriteString("initiator", initiator);
            json.WriteNumber("count", count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, ConnectionSnapshot connection, InspectedConnections numbers)
    {
        json.WriteStartObject();
        json.WriteNumber("id", numbers.NumberOf(connection.Peer));
        json.WriteString("remote", connection.Peer.RemoteEndPoint.ToString());
        json.WriteString("path", connection.Path);
        json.WriteString("state", connection.State.ToString());
        json.WriteNumber("buffered", connection.BufferedBytes);
        json.WriteNumber("seconds", (long)connection.Age.TotalSeconds);
        json.WriteNumber("compression", connection.CompressionBytes);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, HubSnapshot hub)
    {
        Write(json, hub.TotalSessions, hub.Sessions, session => session.Session.Id);
        Begin(json, "topics", hub.TotalTopics);
        foreach (TopicSnapshot topic in hub.Topics)
        {
            json.WriteStartObject();
            json.WriteString("name", topic.Name);
            json.WriteNumber("subscribers", topic.Subscribers);
            json.WriteNumber("history", topic.HistoryEvents);
            json.WriteNumber("waiting", topic.WaitingEvents);
            json.WriteEndObject();
        }

        End(json);
        if (hub.Mailboxes is not null) Write(json, "mailboxes", hub.Mailboxes, mailbox => mailbox.Name);
    }

    /// <summary>Nobody needs more of an id than what tells one row from another: who knows a whole one can take messages from its mailbox.</summary>
    private static void Write(Utf8JsonWriter json, LinksSnapshot links)
    {
        json.WriteStartObject("links");
        Write(json, links.Hub.TotalSessions, links.Hub.Sessions, session => LinksSnapshot.Shorten(session.Session.Id));
        if (links.Tickets is not null) Write(json, "tickets", links.Tickets, mailbox => LinksSnapshot.Shorten(mailbox.Name));
        if (links.Inboxes is not null) Write(json, "inboxes", links.Inboxes, mailbox => LinksSnapshot.Shorten(mailbox.Name));
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, int total, IReadOnlyList<SessionSnapshot> sessions, Func<SessionSnapshot, string> idOf)
    {
        Begin(json, "sessions", total);
        foreach (SessionSnapshot session in sessions)
        {
            json.WriteStartObject();
            json.WriteString("id", idOf(session));
            json.WriteString("carrier", session.Carrier switch { null => "none", WebSocketCarrier => "websocket", _ => "http" });
            json.WriteNumber("subscriptions", session.Subscriptions);
            json.WriteNumber("mailboxes", session.Mailboxes);
            json.WriteNumber("frames", session.WaitingFrames);
            json.WriteNumber("bytes", session.WaitingBytes);
            json.WriteEndObject();
        }

        End(json);
    }

    private static void Write(Utf8JsonWriter json, string name, MailboxPage mailboxes, Func<MailboxSnapshot, string> nameOf)
    {
        Begin(json, name, mailboxes.Total);
        foreach (MailboxSnapshot mailbox in mailboxes.Mailboxes)
        {
            json.WriteStartObject();
            json.WriteString("name", nameOf(mailbox));
            json.WriteBoolean("consumer", mailbox.HasConsumer);
            json.WriteNumber("messages", mailbox.Messages);
            json.WriteNumber("bytes", mailbox.Bytes);
            json.WriteEndObject();
        }

        End(json);
    }

    private static void Begin(Utf8JsonWriter json, string name, int total)
    {
        json.WriteStartObject(name);
        json.WriteNumber("total", total);
        json.WriteStartArray("items");
    }

    private static void End(Utf8JsonWriter json)
    {
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
