using Tandem.Link.Conversation;
using Tandem.Link.Pairing;
using Tandem.Link.Protocol;

namespace Tandem.Link.Tests.Support;

/// <summary>What one end has heard, in order.</summary>
internal sealed class EndRecord : LinkEvents
{
    public List<string> Log { get; } = [];

    public List<(long Id, string Text)> Chats { get; } = [];

    public List<IncomingFile> Offered { get; } = [];

    public List<TrustedEnd> Trusted { get; } = [];

    public string Text { get; private set; } = "";

    public (int Start, int End) Composition { get; private set; }

    /// <summary>What is done with a file that is offered; nothing by default.</summary>
    public Action<IncomingFile>? OnOffer { get; set; }

    public override void OnHello(string name, string platform) => Log.Add($"hello {name} {platform}");

    public override void OnAsleep() => Log.Add("asleep");

    public override void OnAwake() => Log.Add("awake");

    public override void OnEnded(EndCode code, string reason) => Log.Add($"ended {code} {reason}".TrimEnd());

    public override void OnText(string content, int compositionStart, int compositionEnd) => (Text, Composition) = (content, (compositionStart, compositionEnd));

    public override void OnChat(long id, long time, bool isClipboard, string text)
    {
        Chats.Add((id, text));
        if (isClipboard) Log.Add("clipboard " + text);
    }

    public override void OnChatSeen(long id) => Log.Add($"seen {id}");

    public override void OnFileOffered(IncomingFile file)
    {
        Offered.Add(file);
        OnOffer?.Invoke(file);
    }

    public override void OnFileDone(LinkFile file) => Log.Add($"done {file.Name}");

    public override void OnFileCancelled(LinkFile file, FileCancelCode code) => Log.Add($"cancelled {file.Name} {code}");

    public override void OnTrustAsked() => Log.Add("trust asked");

    public override void OnTrusted(TrustedEnd trusted) => Trusted.Add(trusted);

    public override void OnTrustRevoked() => Log.Add("trust revoked");

    public override void OnLoginApproved() => Log.Add("login approved");
}
