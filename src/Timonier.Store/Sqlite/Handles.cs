using System.Runtime.InteropServices;

namespace Timonier.Store.Sqlite;

internal sealed class DatabaseHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => NativeMethods.Close(handle) == NativeMethods.Ok;
}

internal sealed class StatementHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        // Its result repeats the last step's error, which was reported then.
        _ = NativeMethods.Finalize(handle);
        return true;
    }
}
