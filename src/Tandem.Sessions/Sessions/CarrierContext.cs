namespace Tandem.Sessions;

/// <summary>What is known of who opens a carrier.</summary>
public sealed record CarrierContext
{
    /// <summary>Who was authenticated, for the application's own checks. Null: nobody. A ticket's replaces it.</summary>
    public object? Principal { get; init; }

    /// <summary>Whose sessions are counted together, and who alone may resume them: for example the name of the user. Null: nobody's. A ticket's replaces it.</summary>
    public string? Owner { get; init; }

    /// <summary>The remote address, which is counted where there is no owner. Null: not known, and not counted.</summary>
    public string? Address { get; init; }

    /// <summary>The Origin of the request. Null: it had none.</summary>
    public string? Origin { get; init; }
}
