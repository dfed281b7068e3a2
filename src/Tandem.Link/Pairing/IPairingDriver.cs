namespace Tandem.Link.Pairing;

/// <summary>What a program does for a pairing. The calls come from within the pairing's own methods, in the order in which they are to be done.</summary>
public interface IPairingDriver
{
    /// <summary>Consume this mailbox from now on.</summary>
    /// <param name="mailbox">Its name.</param>
    public void OpenMailbox(string mailbox);

    /// <summary>No longer.</summary>
    /// <param name="mailbox">Its name.</param>
    public void CloseMailbox(string mailbox);

    /// <summary>Put this into a mailbox.</summary>
    /// <param name="mailbox">Its name.</param>
    /// <param name="mail">The bytes, which are the driver's from now on.</param>
    public void Send(string mailbox, byte[] mail);

    /// <summary>The state, or what is to be shown, is another one.</summary>
    public void Changed();
}
