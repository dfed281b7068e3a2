using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Client;

/// <summary>There is no session and there will be none.</summary>
public sealed class SessionEndedException : Exception
{
    internal SessionEndedException(SessionCode code, string reason)
        : base(reason.Length == 0 ? $"The session has ended: {code}." : $"The session has ended: {code}, {reason}.")
    {
        Code = code;
        Reason = reason;
    }

    /// <summary>Why.</summary>
    public SessionCode Code { get; }

    /// <summary>Why, for people who read logs; may be empty.</summary>
    public string Reason { get; }
}
