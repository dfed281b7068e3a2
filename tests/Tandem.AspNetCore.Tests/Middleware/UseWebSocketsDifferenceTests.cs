namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>Where <c>UseTandemWebSockets</c> differs from <c>UseWebSockets</c> on purpose: both behaviours. The list is in docs/aspnetcore.md.</summary>
public sealed class UseWebSocketsDifferenceTests
{
}
