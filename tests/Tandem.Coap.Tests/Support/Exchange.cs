using System.Net;
using Tandem.Coap.Exchanges;

namespace Tandem.Coap.Tests.Support;

/// <summary>An exchange table, a clock that a test moves, and what came out.</summary>
internal sealed class Exchange
{
    public static readonly CoapAddress Other = CoapAddress.From(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 40000));

    public Exchange(ExchangeSettings? settings = null, int seed = 1)
    {
        Settings = settings ?? new ExchangeSettings { Transmission = new CoapTransmissionOptions(), VerifiesAddresses = false };
        Table = new ExchangeTable(Settings, new Random(seed));
    }

    public ExchangeSettings Settings { get; }

    public ExchangeTable Table { get; }

    public TimeSpan Now { get; private set; } = TimeSpan.FromHours(1);

    public void Receive(CoapMessage message, CoapAddress? from = null) => Table.Receive(from ?? Other, message.ToArray(), Now);

    public void Receive(string hex, CoapAddress? from = null) => Table.Receive(from ?? Other, Convert.FromHexString(hex), Now);

    public Sending Send(CoapMessage message, SendingKind kind = SendingKind.Request, CoapAddress? to = null) => Table.Send(to ?? Other, message, kind, null, Now)!;

    public void Respond(IncomingRequest request, CoapMessage response) => Table.Respond(request, response, Now);

    /// <summary>Moves the clock from deadline to deadline.</summary>
    public void Advance(TimeSpan time)
    {
        TimeSpan end = Now + time;
        while (Table.NextDue is { } due && due <= end)
        {
            if (due > Now) Now = due;
            Table.Sweep(Now);
            if (Table.NextDue <= due) throw new InvalidOperationException("A deadline that has come is still there.");
        }

        Now = end;
        Table.Sweep(Now);
    }

    public void Advance(double seconds) => Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>What was sent since the last time, as messages.</summary>
    public CoapMessage[] Sent()
    {
        var sent = new List<CoapMessage>();
        while (Table.Outbox.TryDequeue(out Datagram datagram))
        {
            Assert.True(CoapMessage.TryParse(datagram.Bytes, out CoapMessage? message, out CoapFault fault), fault.Text());
            sent.Add(message);
        }

        return [.. sent];
    }

    public ExchangeEvent[] Events()
    {
        ExchangeEvent[] events = [.. Table.Events];
        Table.Events.Clear();
        return events;
    }

    public IncomingRequest TakeRequest()
    {
        ExchangeEvent happened = Assert.Single(Events());
        Assert.Equal(ExchangeEventKind.Request, happened.Kind);
        return happened.Request;
    }

    /// <summary>A message in one line: type, code, message ID, token.</summary>
    public static string Line(CoapMessage message) => $"{message.Type} {message.Code} {message.MessageId} {message.Token}".TrimEnd();

    public static CoapMessage Request(ushort id, CoapType type = CoapType.Confirmable, byte token = 0x11, string path = "x")
    {
        var message = new CoapMessage(type, CoapCode.Get, id, new CoapToken([token]));
        message.Options.Path = path;
        return message;
    }

    public static CoapMessage Content(string text = "hello") =>
        new(CoapType.Acknowledgement, CoapCode.Content, 0) { Payload = System.Text.Encoding.UTF8.GetBytes(text) };
}
