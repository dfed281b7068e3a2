using System.Globalization;
using Tandem.Cli.Connect;
using Tandem.Link.Conversation;
using Tandem.Link.Protocol;

namespace Tandem.Cli.Phone;

/// <content>What the computer says, and files in both directions.</content>
internal sealed partial class PhoneSession
{
    private bool _isGreeted;

    public override void OnHello(string name, string platform)
    {
        if (!_isGreeted) _screen.Line("hello:", $"{name} ({platform})");
        _isGreeted = true;
    }

    public override void OnAsleep() => _screen.Status("the computer does not answer: what is said waits for it");

    public override void OnAwake() => _screen.Status("the computer is there again");

    public override void OnText(string content, int compositionStart, int compositionEnd) => _screen.Text(content);

    public override void OnChat(long id, long time, bool isClipboard, string text) => _screen.Line(isClipboard ? "clipboard:" : "<", text);

    public override void OnEnded(EndCode code, string reason)
    {
        if (code == EndCode.Unlinked) _screen.Line("unlinked", _isUnlinking ? "by this phone" : "by the computer");
        else _screen.Error(DescribeEnd(code, reason));
        _ended.TrySetResult(code == EndCode.Unlinked ? ExitCodes.Closed : ExitCodes.Broken);
    }

    // Of a link that there was; what keeps one from being is told by Describe.
    private static string DescribeEnd(EndCode code, string reason) => code switch
    {
        EndCode.Replaced => "the link has ended: this phone has linked with the computer again, and the link goes on there",
        EndCode.ProtocolError => $"the link has ended: a message broke a rule of the protocol: {reason}",
        _ => $"the link has ended: {code} {reason}".TrimEnd(),
    };

    public override void OnFileOffered(IncomingFile file)
    {
        _screen.Line("offered:", $"{file.Name} {file.Size.ToString(CultureInfo.InvariantCulture)} bytes");
        if (file.Size <= _options.AcceptBelow) Accept(file);
        else _offered.Add(file);
    }

    public override void OnFileProgress(LinkFile file) => _screen.Progress(file.Name, file.Transferred, file.Size);

    public override void OnFileDone(LinkFile file)
    {
        _screen.NoProgress();
        if (!_files.Remove(file, out IDisposable? own)) return;
        using (own)
        {
            if (own is not ReceivedFile received)
            {
                _screen.Line("sent:", file.Name);
                return;
            }

            try
            {
                _screen.Line("received:", received.Keep());
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _screen.Error($"{file.Name} could not be kept: {exception.Message}");
            }
        }
    }

    public override void OnFileCancelled(LinkFile file, FileCancelCode code)
    {
        _screen.NoProgress();
        _screen.Line("cancelled:", $"{file.Name} {code}");
        _offered.RemoveAll(other => other == file);
        if (_files.Remove(file, out IDisposable? own)) own.Dispose();
    }

    private void Accept(IncomingFile file)
    {
        try
        {
            var target = new ReceivedFile(_options.Directory, file.Name);
            _files.Add(file, target);
            file.Accept(target);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _screen.Error($"{file.Name} cannot be taken: {exception.Message}");
        }
    }

    private bool Answer(Action<IncomingFile> answer) => _client.Converse(_ =>
    {
        if (_offered.Count == 0)
        {
            _screen.Error("no file waits for an answer");
            return;
        }

        IncomingFile file = _offered[^1];
        _offered.Remove(file);
        answer(file);
    });

    private bool Send(string path)
    {
        SentFile source;
        try
        {
            source = new SentFile(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Wrong(exception.Message);
        }

        return _client.Converse(conversation =>
        {
            OutgoingFile? file = conversation.OfferFile(source, source.Length, Path.GetFileName(path));
            if (file is not null) _files.Add(file, source);
            else _screen.Error("16 files are under way; try again when one is done");
        });
    }
}
