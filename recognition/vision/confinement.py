"""Taking away from this process what decoding a file does not need. Linux only.

Limits of memory, file sizes and descriptors, and a list of the system calls that are left: those
on memory and on descriptors that are open already, and threads. Nothing in it opens a file or a
socket, starts a program or a process, or touches another process. Everything else answers "not
permitted".
"""

import ctypes
import platform
import resource
import struct
from dataclasses import dataclass

_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_ALLOW = 0x7FFF_0000
_NOT_PERMITTED = 0x0005_0001  # fail with EPERM
_NOT_KNOWN = 0x0005_0026  # fail with ENOSYS
_LOAD_WORD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_IF_BITS = 0x45
_RETURN = 0x06
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE, _OFFSET_FIRST_ARGUMENT = 0, 4, 16
_CLONE_THREAD = 0x1_0000

_ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
# name: number on x86_64, number on aarch64
_CALLS = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "setitimer": (38, 103),
    "getpid": (39, 172),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "exit": (60, 93),
    "ftruncate": (77, 46),
    "gettimeofday": (96, 169),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
}
_CLONE, _CLONE3 = (56, 220), (435, 435)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of address space, bytes of the largest file, open descriptors."""

    memory: int = 2 * 1024**3
    file_size: int = 256 * 1024**2
    descriptors: int = 64


def limit_resources(limits: Limits) -> None:
    """Set limits that this process cannot raise again, and never leave a core file."""
    for which, value in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_NOFILE, limits.descriptors),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(which)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (most, most))


def forbid_system_calls() -> bool:
    """Leave only the calls of the list, for good; False where the kernel or processor has none.

    Every module that is needed later must be loaded by now. See seccomp(2), filter mode; the
    program is classic BPF, one comparison per allowed call.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return False
    program = _program(machine)
    buffer = ctypes.create_string_buffer(program, len(program))
    description = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    done: int = libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, description, 0, 0)
    return done == 0


def _program(machine: str) -> bytes:
    """Return the filter. A jump counts the lines it leaves out, if true and if false.

    clone may make threads, which some decoders want, but no processes. What clone3 makes stands in
    memory where a filter cannot look: it is said not to exist, and the C library takes clone.
    """
    column = 0 if machine == "x86_64" else 1
    allowed = [numbers[column] for numbers in _CALLS.values()]
    count = len(allowed)
    lines = [
        (_LOAD_WORD, 0, 0, _OFFSET_ARCHITECTURE),
        (_JUMP_EQUAL, 0, count + 5, _ARCHITECTURES[machine]),
        (_LOAD_WORD, 0, 0, _OFFSET_NUMBER),
        *((_JUMP_EQUAL, count + 5 - place, 0, number) for place, number in enumerate(allowed)),
        (_JUMP_EQUAL, 4, 0, _CLONE3[column]),
        (_JUMP_EQUAL, 0, 2, _CLONE[column]),
        (_LOAD_WORD, 0, 0, _OFFSET_FIRST_ARGUMENT),
        (_JUMP_IF_BITS, 2, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _NOT_PERMITTED),
        (_RETURN, 0, 0, _NOT_KNOWN),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *line) for line in lines)
