using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Timonier.Kubelet.Containerd;

/// <summary>
/// The program of the sandbox container, as a static ELF file made here: a user's machine need not have a C compiler, and nothing is
/// pulled to bring a cluster up. It blocks SIGTERM, SIGINT and SIGCHLD, waits for them, reaps children (it is pid 1 when the pod shares
/// its process namespace), and exits with 0 on the other two. In C:
/// <code>
///   sigset_t set = {SIGTERM, SIGINT, SIGCHLD};
///   sigprocmask(SIG_BLOCK, &amp;set, NULL);
///   for (;;) switch (sigwaitinfo(&amp;set, NULL)) {
///     case SIGCHLD: while (waitpid(-1, NULL, WNOHANG) > 0) {} break;
///     case SIGTERM: case SIGINT: exit(0);
///   }
/// </code>
/// A blocked signal is kept also for pid 1, which would ignore one without a handler.
/// </summary>
internal static class PauseProgram
{
    private const ulong LoadAddress = 0x400000;
    private const int ElfHeaderSize = 64;
    private const int ProgramHeaderSize = 56;

    // Bit n-1 stands for signal n: SIGINT 2, SIGTERM 15, SIGCHLD 17 (signal(7)).
    private const ulong SignalSet = (1 << 1) | (1 << 14) | (1 << 16);

    /// <returns>The file's bytes; null for a processor that has no listing here.</returns>
    public static byte[]? Build(Architecture architecture) => architecture switch
    {
        Architecture.X64 => Elf(machine: 62, X64()),
        Architecture.Arm64 => Elf(machine: 183, Arm64()),
        _ => null,
    };

    private static byte[] Elf(ushort machine, byte[] code)
    {
        var start = ElfHeaderSize + ProgramHeaderSize;
        var file = new byte[start + code.Length];
        var header = file.AsSpan();
        // elf(5): class 64, little endian, version 1.
        new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1 }.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header[16..], 2); // e_type: ET_EXEC
        BinaryPrimitives.WriteUInt16LittleEndian(header[18..], machine);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], 1); // e_version
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], LoadAddress + (ulong)start); // e_entry
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], ElfHeaderSize); // e_phoff
        BinaryPrimitives.WriteUInt16LittleEndian(header[52..], ElfHeaderSize); // e_ehsize
        BinaryPrimitives.WriteUInt16LittleEndian(header[54..], ProgramHeaderSize); // e_phentsize
        BinaryPrimitives.WriteUInt16LittleEndian(header[56..], 1); // e_phnum
        var segment = header[ElfHeaderSize..];
        BinaryPrimitives.WriteUInt32LittleEndian(segment, 1); // p_type: PT_LOAD
        BinaryPrimitives.WriteUInt32LittleEndian(segment[4..], 4 | 1); // p_flags: PF_R | PF_X
        BinaryPrimitives.WriteUInt64LittleEndian(segment[16..], LoadAddress); // p_vaddr
        BinaryPrimitives.WriteUInt64LittleEndian(segment[24..], LoadAddress); // p_paddr
        BinaryPrimitives.WriteUInt64LittleEndian(segment[32..], (ulong)file.Length); // p_filesz
        BinaryPrimitives.WriteUInt64LittleEndian(segment[40..], (ulong)file.Length); // p_memsz
        BinaryPrimitives.WriteUInt64LittleEndian(segment[48..], 0x1000); // p_align
        code.CopyTo(header[start..]);
        return file;
    }

    private static byte[] X64() =>
    [
        /* 00 */ 0xb8, 0x0e, 0x00, 0x00, 0x00,             // mov eax, 14 (rt_sigprocmask)
        /* 05 */ 0x31, 0xff,                               // xor edi, edi (SIG_BLOCK)
        /* 07 */ 0x48, 0x8d, 0x35, 0x5a, 0x00, 0x00, 0x00, // lea rsi, [rip + set - 0e]
        /* 0e */ 0x31, 0xd2,                               // xor edx, edx
        /* 10 */ 0x41, 0xba, 0x08, 0x00, 0x00, 0x00,       // mov r10d, 8 (size of the set)
        /* 16 */ 0x0f, 0x05,                               // syscall
        // wait:
        /* 18 */ 0xb8, 0x80, 0x00, 0x00, 0x00,             // mov eax, 128 (rt_sigtimedwait)
        /* 1d */ 0x48, 0x8d, 0x3d, 0x44, 0x00, 0x00, 0x00, // lea rdi, [rip + set - 24]
        /* 24 */ 0x31, 0xf6,                               // xor esi, esi
        /* 26 */ 0x31, 0xd2,                               // xor edx, edx
        /* 28 */ 0x41, 0xba, 0x08, 0x00, 0x00, 0x00,       // mov r10d, 8
        /* 2e */ 0x0f, 0x05,                               // syscall
        /* 30 */ 0x83, 0xf8, 0x11,                         // cmp eax, 17 (SIGCHLD)
        /* 33 */ 0x74, 0x13,                               // je reap
        /* 35 */ 0x83, 0xf8, 0x0f,                         // cmp eax, 15 (SIGTERM)
        /* 38 */ 0x74, 0x05,                               // je exit
        /* 3a */ 0x83, 0xf8, 0x02,                         // cmp eax, 2 (SIGINT)
        /* 3d */ 0x75, 0xd9,                               // jne wait
        // exit:
        /* 3f */ 0xb8, 0xe7, 0x00, 0x00, 0x00,             // mov eax, 231 (exit_group)
        /* 44 */ 0x31, 0xff,                               // xor edi, edi
        /* 46 */ 0x0f, 0x05,                               // syscall
        // reap:
        /* 48 */ 0xb8, 0x3d, 0x00, 0x00, 0x00,             // mov eax, 61 (wait4)
        /* 4d */ 0xbf, 0xff, 0xff, 0xff, 0xff,             // mov edi, -1
        /* 52 */ 0x31, 0xf6,                               // xor esi, esi
        /* 54 */ 0xba, 0x01, 0x00, 0x00, 0x00,             // mov edx, 1 (WNOHANG)
        /* 59 */ 0x45, 0x31, 0xd2,                         // xor r10d, r10d
        /* 5c */ 0x0f, 0x05,                               // syscall
        /* 5e */ 0x85, 0xc0,                               // test eax, eax
        /* 60 */ 0x7f, 0xe6,                               // jg reap
        /* 62 */ 0xeb, 0xb4,                               // jmp wait
        /* 64 */ 0x90, 0x90, 0x90, 0x90,                   // (padding)
        /* 68 */ .. SetBytes(),                            // set
    ];

    private static byte[] Arm64()
    {
        uint[] words =
        [
            /* 00 */ MoveImmediate(8, 135),  // mov x8, #135 (rt_sigprocmask)
            /* 04 */ MoveImmediate(0, 0),    // mov x0, #0 (SIG_BLOCK)
            /* 08 */ Address(1, 0x70 - 0x08), // adr x1, set
            /* 0c */ MoveImmediate(2, 0),
            /* 10 */ MoveImmediate(3, 8),    // size of the set
            /* 14 */ 0xd4000001,             // svc #0
            // wait:
            /* 18 */ MoveImmediate(8, 137),  // mov x8, #137 (rt_sigtimedwait)
            /* 1c */ Address(0, 0x70 - 0x1c), // adr x0, set
            /* 20 */ MoveImmediate(1, 0),
            /* 24 */ MoveImmediate(2, 0),
            /* 28 */ MoveImmediate(3, 8),
            /* 2c */ 0xd4000001,             // svc #0
            /* 30 */ Compare(17),            // cmp w0, #17 (SIGCHLD)
            /* 34 */ Branch(0x0, 0x50 - 0x34), // b.eq reap
            /* 38 */ Compare(15),            // cmp w0, #15 (SIGTERM)
            /* 3c */ Branch(0x0, 0x48 - 0x3c), // b.eq exit
            /* 40 */ Compare(2),             // cmp w0, #2 (SIGINT)
            /* 44 */ Branch(0x1, 0x18 - 0x44), // b.ne wait
            // exit:
            /* 48 */ MoveImmediate(8, 94),   // mov x8, #94 (exit_group); x0 is set below
            /* 4c */ Branch(0xe, 0x68 - 0x4c), // b.al leave
            // reap:
            /* 50 */ MoveImmediate(8, 260),  // mov x8, #260 (wait4)
            /* 54 */ 0x92800000,             // mov x0, #-1
            /* 58 */ MoveImmediate(1, 0),
            /* 5c */ MoveImmediate(2, 1),    // WNOHANG
            /* 60 */ MoveImmediate(3, 0),
            /* 64 */ Branch(0xe, 0x78 - 0x64), // b.al call
            // leave:
            /* 68 */ MoveImmediate(0, 0),
            /* 6c */ 0xd4000001,             // svc #0
            /* 70 */ (uint)SignalSet,        // set
            /* 74 */ 0,
            // call:
            /* 78 */ 0xd4000001,             // svc #0
            /* 7c */ Compare(0),             // cmp w0, #0
            /* 80 */ Branch(0xc, 0x50 - 0x80), // b.gt reap
            /* 84 */ Branch(0xe, 0x18 - 0x84), // b.al wait
        ];
        var code = new byte[words.Length * 4];
        for (var i = 0; i < words.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(code.AsSpan(i * 4), words[i]);
        return code;
    }

    // Arm Architecture Reference Manual, C6.2: MOVZ (64 bit), ADR, SUBS (immediate, 32 bit, into WZR), B.cond.
    private static uint MoveImmediate(uint register, uint value) => 0xd2800000 | (value << 5) | register;

    private static uint Address(uint register, int offset) =>
        0x10000000 | (((uint)offset & 3) << 29) | ((((uint)offset >> 2) & 0x7ffff) << 5) | register;

    private static uint Compare(uint value) => 0x7100001f | (value << 10);

    private static uint Branch(uint condition, int offset) => 0x54000000 | ((((uint)(offset >> 2)) & 0x7ffff) << 5) | condition;

    private static byte[] SetBytes()
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, SignalSet);
        return bytes;
    }
}
