using System.Buffers;
using System.Globalization;
using System.Text;
using Timonier.Client.Node;

namespace Timonier.Kubelet.Logs;

/// <summary>Writes a container's log as a person asked for it. Upstream: kuberuntime/logs/logs.go.</summary>
internal sealed class LogReader(TimeProvider time)
{
    // How often a followed file is looked at: fast enough to feel immediate, and only while somebody follows.
    private static readonly TimeSpan FollowPause = TimeSpan.FromMilliseconds(100);

    // containerd cuts lines at 16 KiB by default; a much longer line is no log line.
    private const int LineLengthMax = 1024 * 1024;

    /// <param name="isRunning">Does the container still run? Asked before the end of the file counts as the end of the log.</param>
    public async Task CopyAsync(string path, ContainerLogRequest request, Func<bool> isRunning, Stream output, CancellationToken cancellationToken)
    {
        var filter = new LogFilter(request, time.GetUtcNow());
        var file = Open(path);
        try
        {
            file.Position = request.TailLines is { } lines ? ContainerLog.TailPosition(file, lines) : 0;
            while (true)
            {
                var mayGrow = request.Follow && isRunning();
                if (!await CopyLinesAsync(file, filter, output, cancellationToken))
                    return;
                await output.FlushAsync(cancellationToken);
                if (IsRotated(path, file))
                {
                    // What was written between the last look and the renaming.
                    await CopyLinesAsync(file, filter, output, cancellationToken);
                    await file.DisposeAsync();
                    file = Open(path);
                    continue;
                }
                if (!mayGrow)
                    return;
                await Task.Delay(FollowPause, time, cancellationToken);
            }
        }
        finally
        {
            await file.DisposeAsync();
        }
    }

    /// <returns>False when the limit of bytes is reached. The file is left at the end of its last whole line.</returns>
    private static async Task<bool> CopyLinesAsync(FileStream file, LogFilter filter, Stream output, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        using var lines = new MemoryStream();
        try
        {
            var length = 0;
            while (true)
            {
                var read = await file.ReadAsync(buffer.AsMemory(length), cancellationToken);
                if (read == 0)
                {
                    // An incomplete line is read again when the rest of it is there.
                    file.Position -= length;
                    return true;
                }
                length += read;
                var used = filter.Write(buffer.AsSpan(0, length), lines);
                // The output may be a socket: it is never written to in a blocking way.
                await output.WriteAsync(lines.GetBuffer().AsMemory(0, (int)lines.Length), cancellationToken);
                lines.SetLength(0);
                if (filter.IsFull)
                    return false;
                buffer.AsSpan(used, length - used).CopyTo(buffer);
                length -= used;
                if (length == buffer.Length)
                    buffer = Grow(buffer);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] Grow(byte[] buffer)
    {
        if (buffer.Length >= LineLengthMax)
            throw new InvalidDataException("a line of the log is too long");
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }

    private static bool IsRotated(string path, FileStream file) => Native.FileNumber(path) is var number && number != 0 && number != Number(file);

    private static ulong Number(FileStream file) => Native.FileNumber($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}");

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Chooses lines and cuts them to what was asked for.</summary>
    private sealed class LogFilter
    {
        private readonly ContainerLogRequest _request;
        private readonly DateTimeOffset? _since;
        private long _left;

        public LogFilter(ContainerLogRequest request, DateTimeOffset now)
        {
            _request = request;
            _since = request.SinceTime ?? (request.SinceSeconds is { } seconds ? now - TimeSpan.FromSeconds(seconds) : null);
            _left = request.LimitBytes ?? long.MaxValue;
        }

        public bool IsFull => _left <= 0;

        /// <returns>How many bytes were whole lines.</returns>
        public int Write(ReadOnlySpan<byte> bytes, Stream output)
        {
            var used = 0;
            while (!IsFull && bytes[used..].IndexOf((byte)'\n') is >= 0 and var end)
            {
                if (LogLine.TryParse(bytes.Slice(used, end + 1), out var line) && IsWanted(line))
                    Emit(line, output);
                used += end + 1;
            }
            return used;
        }

        private bool IsWanted(LogLine line)
        {
            if (_request.Stream is "Stdout" && !line.Stream.SequenceEqual("stdout"u8))
                return false;
            if (_request.Stream is "Stderr" && !line.Stream.SequenceEqual("stderr"u8))
                return false;
            return _since is null || !DateTimeOffset.TryParse(Encoding.ASCII.GetString(line.Time), CultureInfo.InvariantCulture, DateTimeStyles.None, out var written) || written >= _since;
        }

        private void Emit(LogLine line, Stream output)
        {
            if (_request.Timestamps)
            {
                Put(line.Time, output);
                Put(" "u8, output);
            }
            Put(line.Text, output);
        }

        private void Put(ReadOnlySpan<byte> bytes, Stream output)
        {
            var length = (int)Math.Min(bytes.Length, Math.Max(0, _left));
            output.Write(bytes[..length]);
            _left -= length;
        }
    }
}
