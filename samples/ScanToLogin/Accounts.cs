using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ScanToLogin;

/// <summary>Who may sign in, and how: by name and password, which a real application keeps hashed, and asks for beside something better.</summary>
internal static class Accounts
{
    private static readonly Dictionary<string, string> Passwords = new(StringComparer.Ordinal) { ["ada"] = "engine", ["grace"] = "compiler" };

    /// <summary>Maps <c>/me</c> (who is signed in), <c>/sign-in</c> and <c>/sign-out</c>.</summary>
    public static void MapAccounts(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/me", (HttpContext context) => context.User.Identity is { IsAuthenticated: true, Name: { } name } ? Results.Json(new { name, by = context.User.Identity.AuthenticationType }) : Results.Unauthorized());
        // JSON is what no form of another site can send.
        endpoints.MapPost("/sign-in", async (HttpContext context, Credentials given) =>
        {
            if (!Passwords.TryGetValue(given.Name, out string? password) || password != given.Password) return Results.Unauthorized();
            await context.SignInAsync(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, given.Name)], "password")));
            return Results.NoContent();
        });
        endpoints.MapPost("/sign-out", async (HttpContext context) =>
        {
            await context.SignOutAsync();
            return Results.NoContent();
        });
    }

    internal sealed record Credentials(string Name, string Password);
}
