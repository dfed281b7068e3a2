namespace Tandem.Coap;

/// <summary>Option numbers (RFC 7252 section 5.10, RFC 7641, RFC 7959, RFC 9175). An odd number is critical (RFC 7252 section 5.4.6).</summary>
public enum CoapOptionNumber : ushort
{
    /// <summary>Not an option: number 0 is reserved.</summary>
    None = 0,

    /// <summary>The ETag that the resource must have for the request to be carried out; repeatable; empty: that it exists.</summary>
    IfMatch = 1,

    /// <summary>The host of the URI.</summary>
    UriHost = 3,

    /// <summary>Names a representation; in a request, one that the client has.</summary>
    ETag = 4,

    /// <summary>The request is to be carried out only when the resource does not exist.</summary>
    IfNoneMatch = 5,

    /// <summary>RFC 7641: 0 registers, 1 deregisters; in a notification, its sequence number.</summary>
    Observe = 6,

    /// <summary>The port of the URI.</summary>
    UriPort = 7,

    /// <summary>A segment of the path of what a request has created.</summary>
    LocationPath = 8,

    /// <summary>A segment of the path.</summary>
    UriPath = 11,

    /// <summary>The format of the payload.</summary>
    ContentFormat = 12,

    /// <summary>Seconds for which a response is fresh.</summary>
    MaxAge = 14,

    /// <summary>One argument of the query.</summary>
    UriQuery = 15,

    /// <summary>The format that the client wants.</summary>
    Accept = 17,

    /// <summary>An argument of the query of what a request has created.</summary>
    LocationQuery = 20,

    /// <summary>RFC 7959: which block of the response.</summary>
    Block2 = 23,

    /// <summary>RFC 7959: which block of the request.</summary>
    Block1 = 27,

    /// <summary>RFC 7959: the size of the whole response in bytes.</summary>
    Size2 = 28,

    /// <summary>What a forward-proxy is to fetch. Not served here.</summary>
    ProxyUri = 35,

    /// <summary>The scheme by which a forward-proxy is to fetch. Not served here.</summary>
    ProxyScheme = 39,

    /// <summary>The size of the whole request in bytes; in a 4.13, the most that is taken.</summary>
    Size1 = 60,

    /// <summary>RFC 9175 section 2: what the client must send back to prove its address.</summary>
    Echo = 252,

    /// <summary>RFC 9175 section 3: which request body a block is of.</summary>
    RequestTag = 292,
}
