using System.Buffers.Text;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;

namespace Tandem.Server.Link;

/// <summary>What became of a request about a login.</summary>
internal enum LoginStep
{
    /// <summary>It was done.</summary>
    Done,

    /// <summary>There is no such login, or it is too old, or it is over.</summary>
    Unknown,

    /// <summary>The browser is not the one that began it.</summary>
    OtherBrowser,

    /// <summary>Approved already, or not yet.</summary>
    OutOfTurn,
}

/// <summary>
/// Logins between start and finish. Each has an id, which goes to the phone, and a secret, which stays with the browser and is kept here as its hash. An id is found by a lookup: 128
/// random bits are not guessed by timing; secrets are compared in constant time.
/// </summary>
internal sealed class PendingLogins(int most, TimeSpan timeToLive, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Login> _logins = new(StringComparer.Ordinal);
    // All live equally long, so the oldest expires first.
    private readonly Queue<(string Id, long Begun)> _byAge = [];

    public int Count
    {
        get
        {
            lock (_gate) return _logins.Count;
        }
    }

    /// <summary>Begins one.</summary>
    /// <returns>Null: too many are pending.</returns>
    public (string Id, string Secret)? Begin()
    {
        string id = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16)), secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        lock (_gate)
        {
            Expire();
            if (_logins.Count >= most) return null;
            _logins.Add(id, new Login(Digest(secret)));
            _byAge.Enqueue((id, time.GetTimestamp()));
        }

        return (id, secret);
    }

    /// <summary>The phone approves, once.</summary>
    public LoginStep Approve(string id, ClaimsPrincipal principal)
    {
        lock (_gate)
        {
            Expire();
            if (!_logins.TryGetValue(id, out Login? login)) return LoginStep.Unknown;
            if (login.Principal is not null) return LoginStep.OutOfTurn;
            login.Principal = principal;
            return LoginStep.Done;
        }
    }

    /// <summary>The browser that has begun it finishes it; then it is over.</summary>
    public LoginStep Finish(string id, string? secret, out ClaimsPrincipal? principal)
    {
        principal = null;
        lock (_gate)
        {
            LoginStep step = Find(id, secret, out Login? login);
            if (step != LoginStep.Done) return step;
            if (login!.Principal is null) return LoginStep.OutOfTurn;
            principal = login.Principal;
            _logins.Remove(id);
            return LoginStep.Done;
        }
    }

    /// <summary>The browser that has begun it gives it up.</summary>
    public LoginStep Cancel(string id, string? secret)
    {
        lock (_gate)
        {
            LoginStep step = Find(id, secret, out _);
            if (step == LoginStep.Done) _logins.Remove(id);
            return step;
        }
    }

    private static byte[] Digest(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    private LoginStep Find(string id, string? secret, out Login? login)
    {
        Expire();
        if (!_logins.TryGetValue(id, out login)) return LoginStep.Unknown;
        return CryptographicOperations.FixedTimeEquals(login.Secret, Digest(secret ?? "")) ? LoginStep.Done : LoginStep.OtherBrowser;
    }

    private void Expire()
    {
        while (_byAge.TryPeek(out (string Id, long Begun) oldest) && (time.GetElapsedTime(oldest.Begun) >= timeToLive || !_logins.ContainsKey(oldest.Id)))
        {
            _byAge.Dequeue();
            _logins.Remove(oldest.Id);
        }
    }

    private sealed class Login(byte[] secret)
    {
        public byte[] Secret => secret;

        public ClaimsPrincipal? Principal { get; set; }
    }
}
