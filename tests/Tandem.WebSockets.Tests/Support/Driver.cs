namespace Tandem.WebSockets.Tests.Support;

/// <summary>
/// What a server runs on. The tests of what handlers and clients see are abstract classes that are run with each: <c>...OnLoops</c> and
/// <c>...OnStreams</c>.
/// </summary>
public enum Driver
{
    /// <summary>Event loops: Linux.</summary>
    Loops,

    /// <summary>Asynchronous sockets: everywhere.</summary>
    Streams,
}

internal static class Drivers
{
    public static TestServer Start(this Driver driver, TestHandler handler) =>
        driver.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error });

    public static TestServer Start(this Driver driver, TestHandler handler, WebSocketServerOptions options, params string[] subprotocols) =>
        driver.Start(handler, options, new WebSocketRoute("/ws", handler) { Subprotocols = subprotocols });

    public static TestServer Start(this Driver driver, TestHandler handler, WebSocketServerOptions options, WebSocketRoute route) =>
        TestServer.Start(handler, options, route, driver);
}
