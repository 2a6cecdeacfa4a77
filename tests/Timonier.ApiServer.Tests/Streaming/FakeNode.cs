using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Timonier.Client.Node;

namespace Timonier.ApiServer.Tests.Streaming;

/// <summary>A node whose every process echoes its stdin in capitals, and whose every port echoes what it gets.</summary>
internal sealed class FakeNode : INodeConnection, INodeConnections
{
    public INodeConnection? Find(string nodeName) => nodeName == "n" ? this : null;

    public async Task GetLogsAsync(ContainerLogRequest request, Stream output, CancellationToken cancellationToken)
    {
        if (request.Previous)
            throw new NodeRequestException(400, "previous terminated container not found");
        await output.WriteAsync(Encoding.UTF8.GetBytes($"log of {request.Container} tail {request.TailLines}\n"), cancellationToken);
    }

    public Task<RemoteCommandStreams> ExecAsync(ContainerExecRequest request, CancellationToken cancellationToken) =>
        request.Command[0] == "none" ? throw new NodeRequestException(404, "container not found (\"c\")") : Task.FromResult<RemoteCommandStreams>(new Process(request.Stdin, reads: request.Command[0] != "deaf"));

    public Task<RemoteCommandStreams> AttachAsync(ContainerAttachRequest request, CancellationToken cancellationToken) => Task.FromResult<RemoteCommandStreams>(new Process(request.Stdin));

    public Task<PortForwardStreams> PortForwardAsync(string podNamespace, string podName, int port, CancellationToken cancellationToken) =>
        Task.FromResult<PortForwardStreams>(new Port(says: port == 81 ? "bye" : null));

    public Task<NodeStats> GetStatsAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<NodeResponse> GetAsync(string pathAndQuery, CancellationToken cancellationToken) => Task.FromResult(new NodeResponse(200, "text/plain", Encoding.UTF8.GetBytes(pathAndQuery)));

    private sealed class Process : RemoteCommandStreams
    {
        private readonly Pipe _in = new();
        private readonly Pipe _out = new();
        private readonly Pipe _error = new();

        public Process(bool stdin, bool reads = true)
        {
            Stdin = stdin ? _in.Writer.AsStream() : null;
            _ = RunAsync(stdin && reads);
        }

        public override Stream? Stdin { get; }
        public override Stream? Stdout => _out.Reader.AsStream();
        public override Stream? Stderr => null;
        public override Stream Error => _error.Reader.AsStream();

        public override Task ResizeAsync(ushort width, ushort height, CancellationToken cancellationToken) => Task.CompletedTask;

        public override ValueTask DisposeAsync() => default;

        private async Task RunAsync(bool stdin)
        {
            var text = stdin ? await new StreamReader(_in.Reader.AsStream()).ReadToEndAsync() : "hello";
            await _out.Writer.WriteAsync(Encoding.UTF8.GetBytes(text.ToUpperInvariant()));
            await _out.Writer.CompleteAsync();
            await _error.Writer.WriteAsync(Encoding.UTF8.GetBytes("""{"metadata":{},"status":"Success"}"""));
            await _error.Writer.CompleteAsync();
        }
    }

    private sealed class Port : PortForwardStreams
    {
        private readonly Pipe _pipe = new();

        /// <param name="says">What it sends before it closes, whatever the client does; null: it echoes.</param>
        public Port(string? says)
        {
            Data = new Echo(_pipe);
            if (says is null)
                return;
            _pipe.Writer.Write(Encoding.UTF8.GetBytes(says));
            _pipe.Writer.Complete();
        }

        public override Stream Data { get; }
        public override Stream Error => Stream.Null;

        public override async ValueTask CompleteDataAsync(CancellationToken cancellationToken) => await _pipe.Writer.CompleteAsync();

        public override ValueTask DisposeAsync() => default;
    }

    private sealed class Echo(Pipe pipe) : Stream
    {
        private readonly Stream _in = pipe.Writer.AsStream(leaveOpen: true);
        private readonly Stream _out = pipe.Reader.AsStream();

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override int Read(byte[] buffer, int offset, int count) => _out.Read(buffer, offset, count);
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _out.ReadAsync(buffer, cancellationToken);
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => _in.Write(buffer, offset, count);
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _in.WriteAsync(buffer, cancellationToken);
        public override Task FlushAsync(CancellationToken cancellationToken) => _in.FlushAsync(cancellationToken);
    }
}
