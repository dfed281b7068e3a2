using System.Collections;
using System.Text;

namespace Tandem.Coap;

/// <summary>The options of a message, in the order of their numbers; those with the same number in the order in which they were added.</summary>
public sealed class CoapOptionSet : IReadOnlyCollection<CoapOption>
{
    private readonly List<CoapOption> _options = [];

    /// <summary>No options.</summary>
    public CoapOptionSet()
    {
    }

    /// <summary>The same options.</summary>
    /// <param name="options">What to copy.</param>
    public CoapOptionSet(CoapOptionSet options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options.AddRange(options._options);
    }

    /// <inheritdoc/>
    public int Count => _options.Count;

    /// <summary>
    /// Uri-Path, without a slash before it: segments with '/' between them, each percent-encoded as in a URI, so that a segment that holds a
    /// slash is another path than two segments. May be set with a slash before it. Empty: the root.
    /// </summary>
    public string Path
    {
        get => Join(CoapOptionNumber.UriPath);
        set => Split(CoapOptionNumber.UriPath, value);
    }

    /// <summary>Location-Path, written as <see cref="Path"/> is.</summary>
    public string LocationPath
    {
        get => Join(CoapOptionNumber.LocationPath);
        set => Split(CoapOptionNumber.LocationPath, value);
    }

    /// <summary>Uri-Query: the arguments, such as "name=value".</summary>
    public IReadOnlyList<string> Query
    {
        get => [.. All(CoapOptionNumber.UriQuery).Select(option => option.ToString())];
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            Remove(CoapOptionNumber.UriQuery);
            foreach (string argument in value) Add(CoapOptionNumber.UriQuery, Encoding.UTF8.GetBytes(argument));
        }
    }

    /// <summary>Content-Format, see <see cref="CoapContentFormat"/>; null when there is none.</summary>
    public ushort? ContentFormat
    {
        get => (ushort?)GetUInt32(CoapOptionNumber.ContentFormat);
        set => SetUInt32(CoapOptionNumber.ContentFormat, value);
    }

    /// <summary>Accept, see <see cref="CoapContentFormat"/>; null when there is none.</summary>
    public ushort? Accept
    {
        get => (ushort?)GetUInt32(CoapOptionNumber.Accept);
        set => SetUInt32(CoapOptionNumber.Accept, value);
    }

    /// <summary>Max-Age in seconds; null when there is none, which means 60.</summary>
    public uint? MaxAge
    {
        get => GetUInt32(CoapOptionNumber.MaxAge);
        set => SetUInt32(CoapOptionNumber.MaxAge, value);
    }

    /// <summary>Observe (RFC 7641 section 2), 24 bits; null when there is none.</summary>
    public uint? Observe
    {
        get => GetUInt32(CoapOptionNumber.Observe);
        set => SetUInt32(CoapOptionNumber.Observe, value);
    }

    /// <summary>Size1 in bytes; null when there is none.</summary>
    public uint? Size1
    {
        get => GetUInt32(CoapOptionNumber.Size1);
        set => SetUInt32(CoapOptionNumber.Size1, value);
    }

    /// <summary>Size2 in bytes; null when there is none.</summary>
    public uint? Size2
    {
        get => GetUInt32(CoapOptionNumber.Size2);
        set => SetUInt32(CoapOptionNumber.Size2, value);
    }

    /// <summary>The first ETag, 1 to 8 bytes; null when there is none.</summary>
    public ReadOnlyMemory<byte>? ETag
    {
        get => Get(CoapOptionNumber.ETag);
        set => Set(CoapOptionNumber.ETag, value);
    }

    /// <summary>All values of If-Match; an empty one asks that the resource exist.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> IfMatch => [.. All(CoapOptionNumber.IfMatch).Select(option => option.Value)];

    /// <summary>Whether If-None-Match is there.</summary>
    public bool IfNoneMatch => Contains(CoapOptionNumber.IfNoneMatch);

    /// <summary>Echo (RFC 9175 section 2.2), 1 to 40 bytes; null when there is none.</summary>
    public ReadOnlyMemory<byte>? Echo
    {
        get => Get(CoapOptionNumber.Echo);
        set => Set(CoapOptionNumber.Echo, value);
    }

    internal BlockOption? Block1
    {
        get => BlockOption.From(GetUInt32(CoapOptionNumber.Block1));
        set => SetUInt32(CoapOptionNumber.Block1, value?.Value);
    }

    internal BlockOption? Block2
    {
        get => BlockOption.From(GetUInt32(CoapOptionNumber.Block2));
        set => SetUInt32(CoapOptionNumber.Block2, value?.Value);
    }

    /// <summary>Adds an option, behind those with the same number.</summary>
    /// <param name="number">Which option.</param>
    /// <param name="value">Its bytes. They are not copied.</param>
    /// <exception cref="ArgumentException">The value has more bytes than an option can have (65,804).</exception>
    public void Add(CoapOptionNumber number, ReadOnlyMemory<byte> value)
    {
        if (value.Length > CoapMessage.MaxOptionLength) throw new ArgumentException("The value of an option has at most 65,804 bytes.", nameof(value));
        int at = _options.Count;
        while (at > 0 && _options[at - 1].Number > number) at--;
        _options.Insert(at, new CoapOption(number, value));
    }

    /// <summary>Removes all options with a number.</summary>
    /// <param name="number">Which option.</param>
    /// <returns>Whether there were any.</returns>
    public bool Remove(CoapOptionNumber number) => _options.RemoveAll(option => option.Number == number) > 0;

    /// <summary>Whether there is an option with a number.</summary>
    /// <param name="number">Which option.</param>
    /// <returns>Whether there is one.</returns>
    public bool Contains(CoapOptionNumber number) => _options.Exists(option => option.Number == number);

    /// <summary>All options with a number.</summary>
    /// <param name="number">Which option.</param>
    /// <returns>The options, in their order.</returns>
    public IEnumerable<CoapOption> All(CoapOptionNumber number) => _options.Where(option => option.Number == number);

    /// <inheritdoc/>
    public IEnumerator<CoapOption> GetEnumerator() => _options.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal void RemoveAt(int index) => _options.RemoveAt(index);

    internal CoapOption At(int index) => _options[index];

    private ReadOnlyMemory<byte>? Get(CoapOptionNumber number)
    {
        foreach (CoapOption option in _options)
        {
            if (option.Number == number) return option.Value;
        }

        return null;
    }

    private void Set(CoapOptionNumber number, ReadOnlyMemory<byte>? value)
    {
        Remove(number);
        if (value is { } bytes) Add(number, bytes);
    }

    private uint? GetUInt32(CoapOptionNumber number) => Get(number) is { } value ? new CoapOption(number, value).ToUInt32() : null;

    private void SetUInt32(CoapOptionNumber number, uint? value)
    {
        Remove(number);
        if (value is { } some) Add(number, CoapOption.FromUInt32(some));
    }

    private string Join(CoapOptionNumber number) => string.Join('/', All(number).Select(option => Uri.EscapeDataString(option.ToString())));

    private void Split(CoapOptionNumber number, string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        Remove(number);
        if (path.StartsWith('/')) path = path[1..];
        if (path.Length == 0) return;
        foreach (string segment in path.Split('/')) Add(number, Encoding.UTF8.GetBytes(Uri.UnescapeDataString(segment)));
    }
}
