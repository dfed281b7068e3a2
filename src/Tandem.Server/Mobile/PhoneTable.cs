using System.Net;
using Tandem.Server.Sessions;

namespace Tandem.Server.Mobile;

/// <summary>The phones that have a session: by inbox, bounded in all and for each address.</summary>
internal sealed class PhoneTable(MobileServerOptions options, Action<string> notify) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, MobilePhone> _phones = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _perAddress = new(StringComparer.Ordinal);
    private bool _isDisposed;

    public int Count
    {
        get
        {
            lock (_gate) return _phones.Count;
        }
    }

    public MobilePhone? Find(string inbox)
    {
        lock (_gate) return _phones.GetValueOrDefault(inbox);
    }

    /// <summary>The phone with an inbox, made when there is none; null when there are too many.</summary>
    public MobilePhone? GetOrAdd(string inbox, IPAddress address)
    {
        if (Find(inbox) is { HasEnded: true } ended) Remove(ended);
        string counted = ClientAddress.Counted(address);
        lock (_gate)
        {
            if (_phones.TryGetValue(inbox, out MobilePhone? known)) return known;
            int own = _perAddress.GetValueOrDefault(counted);
            if (_isDisposed || _phones.Count >= options.MaxPhones || own >= options.MaxPhonesPerAddress) return null;
            _perAddress[counted] = own + 1;
            var phone = new MobilePhone(inbox, counted, ClientAddress.Plain(address), options, notify);
            _phones.Add(inbox, phone);
            return phone;
        }
    }

    public void Remove(string inbox)
    {
        if (Find(inbox) is { } phone) Remove(phone);
    }

    public void Remove(MobilePhone phone)
    {
        lock (_gate)
        {
            if (_phones.GetValueOrDefault(phone.Inbox) != phone) return;
            _phones.Remove(phone.Inbox);
            int left = _perAddress[phone.Address] - 1;
            if (left == 0) _perAddress.Remove(phone.Address);
            else _perAddress[phone.Address] = left;
        }

        _ = phone.DisposeAsync().AsTask();
    }

    /// <summary>Ends the sessions of those that were not heard of for long, or that the hub has ended.</summary>
    public void Sweep()
    {
        MobilePhone[] over;
        lock (_gate) over = [.. _phones.Values.Where(phone => phone.IsOver)];
        foreach (MobilePhone phone in over) Remove(phone);
    }

    public async ValueTask DisposeAsync()
    {
        MobilePhone[] all;
        lock (_gate)
        {
            _isDisposed = true;
            all = [.. _phones.Values];
            _phones.Clear();
        }

        await Task.WhenAll(all.Select(phone => phone.DisposeAsync().AsTask())).ConfigureAwait(false);
    }
}
