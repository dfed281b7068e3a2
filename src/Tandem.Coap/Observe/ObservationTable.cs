using Tandem.Coap.Exchanges;

namespace Tandem.Coap.Observe;

/// <summary>
/// The observers of a server and when each is sent what (RFC 7641 section 4). An observation has one notification under way at a time; what changes meanwhile is sent
/// after it, as one. The gate of the endpoint is held for every call.
/// </summary>
internal sealed class ObservationTable(ExchangeTable exchanges, CoapServerOptions options, Action<Observation> render)
{
    // When the queue to a client is full, its next try.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Dictionary<(Peer, CoapToken), Observation> _observations = [];
    private readonly Dictionary<(CoapResource, string), List<Observation>> _byPath = [];
    private readonly Dictionary<Peer, int> _perPeer = [];

    public int Count => _observations.Count;

    /// <summary>Begins an observation, busy with its first response; null when there are too many.</summary>
    public Observation? Register(Peer peer, CoapResource resource, CoapRequest request, TimeSpan now)
    {
        if (_observations.TryGetValue((peer, request.Token), out Observation? before)) End(before, CoapObservationEnd.Replaced, now);
        int own = _perPeer.GetValueOrDefault(peer);
        if (_observations.Count >= options.MaxObservations || own >= options.MaxObservationsPerPeer) return null;
        var observation = new Observation(peer, resource, request) { IsBusy = true, Confirmed = now };
        _observations.Add((peer, request.Token), observation);
        if (!_byPath.TryGetValue((resource, request.Path), out List<Observation>? samePath)) _byPath.Add((resource, request.Path), samePath = []);
        samePath.Add(observation);
        _perPeer[peer] = own + 1;
        peer.References++;
        resource.Count(1);
        return observation;
    }

    /// <summary>Section 3.6: the client has asked to be forgotten.</summary>
    public void Deregister(Peer peer, CoapToken token, TimeSpan now)
    {
        if (_observations.TryGetValue((peer, token), out Observation? observation)) End(observation, CoapObservationEnd.Cancelled, now);
    }

    /// <summary>The state of a path has changed; null: that of all paths of the resource.</summary>
    public void Notify(CoapResource resource, string? path, TimeSpan now)
    {
        IEnumerable<Observation> concerned = path is null
            ? _observations.Values.Where(observation => observation.Resource == resource)
            : _byPath.GetValueOrDefault((resource, path)) ?? [];
        foreach (Observation observation in concerned)
        {
            observation.IsChanged = true;
            Settle(observation, now);
        }
    }

    /// <summary>The next sequence number.</summary>
    public static uint NextSequence(Observation observation, TimeSpan now) => (observation.Sequence = NotificationOrder.Next(observation.Sequence, now)).Value;

    /// <summary>The first response is out.</summary>
    public void Registered(Observation observation, TimeSpan now)
    {
        observation.IsBusy = false;
        if (!observation.Resource.Options.ConfirmNotifications) observation.HoldUntil = now + observation.Resource.Options.NonConfirmableSpacing;
        Settle(observation, now);
    }

    /// <summary>Sends what was rendered: code, options and payload of the notification.</summary>
    public void Send(Observation observation, CoapMessage content, TimeSpan now)
    {
        if (observation.HasEnded) return;
        CoapResourceOptions how = observation.Resource.Options;
        bool isLast = !content.Code.IsSuccess;
        // Section 4.5: confirmable once in a while; so is the last one, which nothing would make up for.
        bool isConfirmable = how.ConfirmNotifications || isLast || now - observation.Confirmed >= how.ConfirmableInterval;
        if (!isLast) content.Options.Observe = NextSequence(observation, now);
        var message = new CoapMessage(isConfirmable ? CoapType.Confirmable : CoapType.NonConfirmable, content.Code, 0, observation.Request.Token) { Options = content.Options, Payload = content.Payload };
        Sending? sending = exchanges.Send(observation.Peer.Address, message, SendingKind.Response, observation, now);
        if (isLast)
        {
            End(observation, CoapObservationEnd.Failed, now);
            return;
        }

        if (sending is null)
        {
            observation.IsChanged = true;
            observation.HoldUntil = now + Pause;
        }
        else if (isConfirmable)
        {
            observation.InFlight = sending;
            return; // busy until it has arrived
        }
        else
        {
            observation.HoldUntil = now + how.NonConfirmableSpacing;
        }

        observation.IsBusy = false;
        Settle(observation, now);
    }

    /// <summary>What has become of a notification.</summary>
    public void OnEvent(Observation observation, ExchangeEvent happened, TimeSpan now)
    {
        if (observation.HasEnded) return;
        if (happened.Kind == ExchangeEventKind.Acknowledged)
        {
            observation.InFlight = null;
            observation.IsBusy = false;
            observation.Confirmed = now;
            if (observation.Notified is { } notified) observation.Resource.Options.OnAcknowledged?.Invoke(observation.Request, notified);
            Settle(observation, now);
            return;
        }

        observation.InFlight = null;
        // Section 3.6: a reset says that the client does not want it. Section 4.5: who does not acknowledge is gone.
        End(observation, happened.Kind == ExchangeEventKind.TimedOut ? CoapObservationEnd.TimedOut : CoapObservationEnd.Cancelled, now);
    }

    /// <summary>Its deadline has come.</summary>
    public void OnElapsed(Observation observation, TimeSpan now)
    {
        if (now - observation.Confirmed >= observation.Resource.Options.ConfirmableInterval) observation.IsChanged = true;
        Settle(observation, now);
    }

    public void End(Observation observation, CoapObservationEnd why, TimeSpan now)
    {
        if (observation.HasEnded) return;
        observation.HasEnded = true;
        exchanges.Schedule(observation, null);
        _observations.Remove((observation.Peer, observation.Request.Token));
        (CoapResource, string) path = (observation.Resource, observation.Request.Path);
        _byPath[path].Remove(observation);
        if (_byPath[path].Count == 0) _byPath.Remove(path);
        if (--_perPeer[observation.Peer] == 0) _perPeer.Remove(observation.Peer);
        observation.Peer.References--;
        observation.Resource.Count(-1);
        if (observation.InFlight is { } sending) exchanges.Cancel(sending, now);
        observation.Resource.Options.OnObservationEnded?.Invoke(observation.Request, why);
    }

    public void EndAll(TimeSpan now)
    {
        foreach (Observation observation in _observations.Values.ToArray()) End(observation, CoapObservationEnd.Stopped, now);
    }

    private void Settle(Observation observation, TimeSpan now)
    {
        if (observation.IsBusy || observation.HasEnded) return;
        if (observation.IsChanged && now >= observation.HoldUntil)
        {
            observation.IsChanged = false;
            observation.IsBusy = true;
            exchanges.Schedule(observation, null);
            render(observation);
            return;
        }

        exchanges.Schedule(observation, observation.IsChanged ? observation.HoldUntil : observation.Confirmed + observation.Resource.Options.ConfirmableInterval);
    }
}
