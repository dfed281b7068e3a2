using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ScanToLogin;
using Tandem.AspNetCore;
using Tandem.Server.Link;

if (!File.Exists(Path.Combine(AppContext.BaseDirectory, "wwwroot", "link-login.js")))
{
    Console.Error.WriteLine("The script of the pages is missing. Run eng/pages.sh at the root of the repository, and build again.");
    return 1;
}

var builder = WebApplication.CreateBuilder(new WebApplicationOptions
{
    Args = args, // such as --urls http://127.0.0.1:8080
    ContentRootPath = AppContext.BaseDirectory,
});
builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(options =>
{
    options.Cookie.SameSite = SameSiteMode.Strict;
    // Scripts ask who is signed in: they want an answer, not a page.
    options.Events.OnRedirectToLogin = context =>
    {
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return Task.CompletedTask;
    };
});
builder.WebHost.UseTandemListener();
var app = builder.Build();
app.Use((context, next) =>
{
    context.Response.Headers.ContentSecurityPolicy = "default-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    return next(context);
});
app.UseDefaultFiles();
app.UseStaticFiles();
app.UseAuthentication();
app.MapAccounts();
// Where a code leads: its address is ORIGIN/phone#SECRET.
app.MapGet("/phone", (IWebHostEnvironment environment) => Results.File(Path.Combine(environment.WebRootPath, "phone.html"), "text/html; charset=utf-8"));

// This is all that scanning needs: the phone is whoever its cookie says, and the computer gets a cookie of its own for the same user.
app.MapTandemLink(new TandemLinkOptions
{
    Login = new LinkLoginOptions { OnLinked = (context, phone) => context.SignInAsync(new ClaimsPrincipal(new ClaimsIdentity(phone.Claims, "scan"))) },
});
app.Run();
return 0;
