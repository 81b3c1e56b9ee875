"""Seccomp: a filter in the kernel that refuses system calls. Linux 3.17 and later, without privileges.

The filter is a program of classic BPF. Source: seccomp(2), linux/seccomp.h, linux/filter.h and linux/audit.h.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator

from heron_grpc.reading import system_calls as calls
from heron_grpc.reading.landlock import libc, promise_no_privileges

# AUDIT_ARCH_X86_64 and _AARCH64; as in system_calls, in this order.
_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# x86_64's second set of numbers, for 32-bit pointers.
_X32_BIT = 0x40000000
_SET_MODE_FILTER, _GET_ACTION_AVAILABLE = 1, 2
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
# struct seccomp_data: number, architecture, instruction pointer, six arguments of 64 bits, little-endian on both.
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
# BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ, |BPF_JGE, |BPF_JSET with a constant, BPF_RET|BPF_K.
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# linux/sched.h: a thread of the same process; CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
_CLONE_THREAD, _NAMESPACES = 0x00010000, 0x7E020000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def has_seccomp() -> bool:
    """Whether the kernel takes filters, and this architecture's calls are known."""
    if platform.machine() not in _MACHINES:
        return False
    action = ctypes.c_uint32(_ERRNO)
    return _seccomp(_GET_ACTION_AVAILABLE, ctypes.byref(action)) == 0


def refuse_calls(*, programs: bool) -> None:
    """Refuses this process, and all it starts, what reading does not need; `programs` leaves it what running one takes.

    To be called while it has one thread. Raises OSError.
    """
    instructions = b"".join(_instructions(programs=programs))
    program = _Program(len(instructions) // 8, instructions)
    promise_no_privileges()
    if _seccomp(_SET_MODE_FILTER, ctypes.byref(program)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _instructions(*, programs: bool) -> Iterator[bytes]:
    """The filter; each call has a block that is skipped for others and ends by returning."""
    machine = platform.machine()
    own = list(_MACHINES).index(machine)
    yield _step(_LOAD, _ARCHITECTURE)
    yield from _unless_equal(_MACHINES[machine], _KILL_PROCESS)
    yield _step(_LOAD, _NUMBER)
    if machine == "x86_64":
        yield _step(_IF_AT_LEAST, _X32_BIT, otherwise=1) + _refuse(errno.ENOSYS)
    refused = calls.NEVER if programs else calls.NEVER | calls.FOR_PROGRAMS
    for numbers in refused.values():
        yield from _block(numbers[own], _refuse(errno.EPERM))
    yield from _block(calls.CLONE3[own], _refuse(errno.ENOSYS))
    # Limits of its own, signals to its own threads.
    yield from _block(calls.PRLIMIT[own], _argument(0), *_unless_equal(0), _step(_RETURN, _ALLOW))
    if programs:
        yield from _block(calls.CLONE[own], _argument(0), *_if_any_bit(_NAMESPACES), _step(_RETURN, _ALLOW))
    else:
        yield from _block(calls.TGKILL[own], _argument(0), *_unless_equal(os.getpid()), _step(_RETURN, _ALLOW))
        yield from _block(calls.CLONE[own], _argument(0), *_unless_bit(_CLONE_THREAD), _step(_RETURN, _ALLOW))
    yield _step(_RETURN, _ALLOW)


def _block(number: int | None, *steps: bytes) -> Iterator[bytes]:
    """Steps for one system call."""
    if number is not None:
        yield _step(_IF_EQUAL, number, otherwise=len(b"".join(steps)) // 8)
        yield from steps


def _unless_equal(value: int, verdict: int = _ERRNO | errno.EPERM) -> tuple[bytes, ...]:
    return _step(_IF_EQUAL, value, then=1), _step(_RETURN, verdict)


def _unless_bit(bit: int) -> tuple[bytes, ...]:
    return _step(_IF_ANY_BIT, bit, then=1), _refuse(errno.EPERM)


def _if_any_bit(bits: int) -> tuple[bytes, ...]:
    return _step(_IF_ANY_BIT, bits, otherwise=1), _refuse(errno.EPERM)


def _argument(index: int) -> bytes:
    """Loads the lower half: descriptors, flags and process ids have no other."""
    return _step(_LOAD, _ARGUMENTS + 8 * index)


def _refuse(number: int) -> bytes:
    return _step(_RETURN, _ERRNO | number)


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """A struct sock_filter; jumps count the instructions to skip."""
    return struct.pack("<HBBI", code, then, otherwise, value)


def _seccomp(operation: int, argument: object) -> int:
    number = calls.SECCOMP[list(_MACHINES).index(platform.machine())]
    return int(libc().syscall(ctypes.c_long(number), ctypes.c_ulong(operation), ctypes.c_ulong(0), argument))
