namespace Tandem.AspNetCore;

/// <summary>How the end of a host is announced.</summary>
public sealed class TandemHealthOptions
{
    /// <summary>
    /// How long everything is still served, new connections included, after a shutdown has begun and <c>/readyz</c> has turned to 503: as
    /// long as a load balancer may take to notice. Only then the ports are closed and the WebSockets with 1001. It counts toward
    /// <c>HostOptions.ShutdownTimeout</c> (30 s), which ends it early. Default 0: who has no load balancer waits for nothing. At most 1 h.
    /// </summary>
    public TimeSpan DrainDelay { get; set; }
}
