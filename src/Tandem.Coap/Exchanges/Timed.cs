namespace Tandem.Coap.Exchanges;

/// <summary>Something that has at most one deadline at a time.</summary>
internal abstract class Timed
{
    /// <summary>Null: none.</summary>
    public TimeSpan? Due { get; set; }

    /// <summary>Sets those with the same deadline apart.</summary>
    public long Order { get; set; }
}
