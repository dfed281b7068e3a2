using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Tandem.AspNetCore;

/// <summary>Liveness and readiness, for load balancers and orchestrators.</summary>
public static class TandemHealthExtensions
{
    /// <summary>Adds a health check that fails from the moment that the host's shutdown begins, and the delay that lets it be seen.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the delay.</param>
    /// <returns>The application's health checks, for more of them.</returns>
    public static IHealthChecksBuilder AddTandemHealth(this IServiceCollection services, Action<TandemHealthOptions>? configure = null)
    {
        services.AddOptions<TandemHealthOptions>()
            .Validate(options => options.DrainDelay >= TimeSpan.Zero && options.DrainDelay <= TimeSpan.FromHours(1), "TandemHealthOptions.DrainDelay must be 0 to 1 h.")
            .ValidateOnStart();
        if (configure is not null) services.Configure(configure);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<Drain>();
        services.AddHostedService(provider => provider.GetRequiredService<Drain>());
        return services.AddHealthChecks().AddCheck<Drain>("drain");
    }

    /// <summary>
    /// Maps <c>/healthz</c>, 200 for as long as the process answers at all, and <c>/readyz</c>, which asks all health checks of the
    /// application: 200, or 503 when one fails or the host's shutdown has begun. Needs <see cref="AddTandemHealth"/>.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <exception cref="InvalidOperationException"><see cref="AddTandemHealth"/> was not called.</exception>
    public static void MapTandemHealth(this IEndpointRouteBuilder endpoints)
    {
        if (endpoints.ServiceProvider.GetService<Drain>() is null) throw new InvalidOperationException("MapTandemHealth needs services.AddTandemHealth().");
        // No check says anything about whether a restart would help, which is what liveness is asked for.
        endpoints.MapHealthChecks("/healthz", new HealthCheckOptions { Predicate = _ => false });
        endpoints.MapHealthChecks("/readyz");
    }
}
