using System.Security.Cryptography;
using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <summary>The files of a conversation, in both directions.</summary>
internal sealed class LinkFiles
{
    /// <summary>How many files that have come are remembered, for a sender that did not hear of it.</summary>
    private const int MaxFinished = 64;

    /// <summary>Most short answers that wait to be sent; what asked for one that is dropped asks again after the next HELLO.</summary>
    private const int MaxAnswers = 64;

    private readonly LinkEvents _events;
    private readonly List<OutgoingFile> _outgoing = [];
    private readonly List<IncomingFile> _incoming = [];
    private readonly Queue<long> _finished = [];
    private readonly Queue<byte[]> _answers = [];
    private int _turn;

    public LinkFiles(LinkEvents events) => _events = events;

    public IReadOnlyList<OutgoingFile> Outgoing => _outgoing;

    public IReadOnlyList<IncomingFile> Incoming => _incoming;

    public OutgoingFile? Offer(ILinkFileSource source, long size, string name, string mediaType, long? id)
    {
        if (_outgoing.Count == LinkLimits.MaxFiles) return null;
        var file = new OutgoingFile(id ?? DrawId(), size, name, mediaType, source);
        _outgoing.Add(file);
        return file;
    }

    public void Cancel(LinkFile file, FileCancelCode code)
    {
        if (file.IsOver) return;
        Answer(new FileCancelMessage { Id = file.Id, Code = code }.ToArray());
        Remove(file);
        _events.OnFileCancelled(file, code);
    }

    public void Resync()
    {
        foreach (OutgoingFile file in _outgoing) file.Resync();
    }

    public void Receive(FileOfferMessage offer)
    {
        long id = offer.Id;
        if (_finished.Contains(id))
        {
            Answer(new FileDoneMessage { Id = id }.ToArray());
        }
        else if (_incoming.Find(file => file.Id == id) is { } known)
        {
            known.OfferedAgain();
        }
        else if (_incoming.Count == LinkLimits.MaxFiles)
        {
            Answer(new FileCancelMessage { Id = id, Code = FileCancelCode.Refused }.ToArray());
        }
        else
        {
            var file = new IncomingFile(id, offer.Size, WireText.Decode(offer.Name), WireText.Decode(offer.MediaType));
            _incoming.Add(file);
            _events.OnFileOffered(file);
        }
    }

    public void Receive(FileAcceptMessage accept)
    {
        if (FindOutgoing(accept.Id) is { } file) file.Accept(accept.Offset);
        else Answer(new FileCancelMessage { Id = accept.Id, Code = FileCancelCode.Unreadable }.ToArray());
    }

    public void Receive(FileChunkMessage chunk)
    {
        long id = chunk.Id;
        if (_incoming.Find(file => file.Id == id) is not { } incoming) return;
        long before = incoming.Transferred;
        FileCancelCode? failure = incoming.Receive(chunk.Offset, chunk.Payload);
        if (failure is { } code) Cancel(incoming, code);
        else if (incoming.Transferred != before) _events.OnFileProgress(incoming);
    }

    public void Receive(FileTakenMessage taken)
    {
        if (FindOutgoing(taken.Id) is { } file && file.Taken(taken.Offset)) _events.OnFileProgress(file);
    }

    public void Receive(FileEndMessage end)
    {
        long id = end.Id;
        if (_incoming.Find(file => file.Id == id) is not { } incoming || !incoming.End(end.Hash, out FileCancelCode? failure)) return;
        if (failure is { } code)
        {
            Cancel(incoming, code);
            return;
        }

        Answer(new FileDoneMessage { Id = id }.ToArray());
        if (_finished.Count == MaxFinished) _finished.Dequeue();
        _finished.Enqueue(id);
        Remove(incoming);
        _events.OnFileDone(incoming);
    }

    public void Receive(FileDoneMessage done)
    {
        if (FindOutgoing(done.Id) is not { } file) return;
        Remove(file);
        _events.OnFileDone(file);
    }

    public void Receive(FileCancelMessage cancel)
    {
        long id = cancel.Id;
        LinkFile? file = FindOutgoing(id);
        file ??= _incoming.Find(incoming => incoming.Id == id);
        if (file == null) return;
        Remove(file);
        _events.OnFileCancelled(file, cancel.Code);
    }

    public byte[]? Take(int largestChunk)
    {
        if (_answers.TryDequeue(out byte[]? answer)) return answer;
        foreach (IncomingFile file in _incoming)
        {
            if (file.Take() is { } message) return message;
        }

        // In turn, so that a small file does not wait for a large one.
        for (int count = _outgoing.Count; count > 0; count--)
        {
            _turn = (_turn + 1) % _outgoing.Count;
            OutgoingFile file = _outgoing[_turn];
            byte[]? message = file.Take(largestChunk, out bool unreadable);
            if (message != null) return message;
            if (!unreadable) continue;
            Cancel(file, FileCancelCode.Unreadable);
            return _answers.Dequeue();
        }

        return null;
    }

    private OutgoingFile? FindOutgoing(long id) => _outgoing.Find(file => file.Id == id);

    private void Answer(byte[] message)
    {
        if (_answers.Count < MaxAnswers) _answers.Enqueue(message);
    }

    private void Remove(LinkFile file)
    {
        file.IsOver = true;
        if (file is OutgoingFile outgoing) _outgoing.Remove(outgoing);
        else _incoming.Remove((IncomingFile)file);
        file.Dispose();
    }

    private static long DrawId()
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToInt64(bytes) & LinkLimits.MaxInteger;
    }
}
