using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ScanToLogin;
using Tandem.AspNetCore;
using Tandem.Server.Link;

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
app.UseDefaultFiles();
app.UseStaticFiles();
app.UseAuthentication();
app.MapAccounts();

// This is all that scanning needs: the phone is whoever its cookie says, and the computer gets a cookie of its own for the same user.
app.MapTandemLink(new TandemLinkOptions
{
    Login = new LinkLoginOptions { OnLinked = (context, phone) => context.SignInAsync(new ClaimsPrincipal(new ClaimsIdentity(phone.Claims, "scan"))) },
});
app.Run();
