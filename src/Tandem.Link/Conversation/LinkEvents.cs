using Tandem.Link.Pairing;
using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <summary>What a program hears of a conversation. Calls come from within the conversation's own methods; nothing is done unless it is overridden.</summary>
public abstract class LinkEvents
{
    /// <summary>The other end has started, or says again that it is there.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="platform">What it runs on.</param>
    public virtual void OnHello(string name, string platform)
    {
    }

    /// <summary>The other end has not answered for 10 s: what is sent waits for it.</summary>
    public virtual void OnAsleep()
    {
    }

    /// <summary>It has said something again.</summary>
    public virtual void OnAwake()
    {
    }

    /// <summary>The link is over. The keys are to be erased when what <see cref="LinkConversation.TryTake"/> still gives has been sent.</summary>
    /// <param name="code">Why.</param>
    /// <param name="reason">Why, for logs.</param>
    public virtual void OnEnded(EndCode code, string reason)
    {
    }

    /// <summary>The other end's text is another one.</summary>
    /// <param name="content">All of it.</param>
    /// <param name="compositionStart">Where what is still being composed begins, in UTF-16 code units.</param>
    /// <param name="compositionEnd">Where that ends; equal: nothing is.</param>
    public virtual void OnText(string content, int compositionStart, int compositionEnd)
    {
    }

    /// <summary>A chat message has come; each does once, in order.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="time">When it was written, in milliseconds since 1970, by the other end's clock.</param>
    /// <param name="isClipboard">The text is what was copied.</param>
    /// <param name="text">What it says.</param>
    public virtual void OnChat(long id, long time, bool isClipboard, string text)
    {
    }

    /// <summary>The other end has a chat message.</summary>
    /// <param name="id">Its number.</param>
    public virtual void OnChatSeen(long id)
    {
    }

    /// <summary>The other end offers a file: accept it or refuse it, now or later.</summary>
    /// <param name="file">The file.</param>
    public virtual void OnFileOffered(IncomingFile file)
    {
    }

    /// <summary>A file has come further, in either direction.</summary>
    /// <param name="file">The file.</param>
    public virtual void OnFileProgress(LinkFile file)
    {
    }

    /// <summary>A file has come whole, and its hash is right, in either direction.</summary>
    /// <param name="file">The file.</param>
    public virtual void OnFileDone(LinkFile file)
    {
    }

    /// <summary>A file is not sent on, by whichever end.</summary>
    /// <param name="file">The file.</param>
    /// <param name="code">Why.</param>
    public virtual void OnFileCancelled(LinkFile file, FileCancelCode code)
    {
    }

    /// <summary>The other end's owner asks whether the ends shall link again without a code: <see cref="LinkConversation.Trust"/> agrees.</summary>
    public virtual void OnTrustAsked()
    {
    }

    /// <summary>Both owners have agreed.</summary>
    /// <param name="trusted">The other end; to be stored, and from now on the program's.</param>
    public virtual void OnTrusted(TrustedEnd trusted)
    {
    }

    /// <summary>The other end has erased its keys: erase those of this end.</summary>
    public virtual void OnTrustRevoked()
    {
    }

    /// <summary>The phone says that the application knows of the login.</summary>
    public virtual void OnLoginApproved()
    {
    }
}
