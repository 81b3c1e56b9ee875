"""Landlock: files a process may open, whatever its user may. Linux 5.13 and later, without privileges.

Source: https://docs.kernel.org/userspace-api/landlock.html and linux/landlock.h.
"""

import ctypes
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from enum import IntFlag
from functools import cache

# The same numbers on every architecture this runs on (asm-generic/unistd.h).
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
# linux/prctl.h
_PR_SET_NO_NEW_PRIVS = 38


class Access(IntFlag):
    """LANDLOCK_ACCESS_FS_*."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


READ = Access.READ_FILE | Access.READ_DIR
WRITE = READ | Access.WRITE_FILE | Access.MAKE_REG | Access.REMOVE_FILE | Access.TRUNCATE
_OF_FILES = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
# The ABI that brought them.
_NEWER = {Access.REFER: 2, Access.TRUNCATE: 3, Access.IOCTL_DEV: 5}
_NETWORK_ABI, _SCOPE_ABI = 4, 6
# LANDLOCK_ACCESS_NET_BIND_TCP and _CONNECT_TCP; LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and _SIGNAL.
_NETWORK, _SCOPES = 0b11, 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock_abi() -> int:
    """The version the kernel has; 0 when it has none, or it is switched off."""
    try:
        return _call(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:
        return 0


def make_ruleset(abi: int, rules: Iterable[tuple[str, Access]]) -> int:
    """A descriptor of the accesses that processes shall be left beneath the paths; those that do not exist are skipped.

    Raises OSError.
    """
    handled = Access(sum(right for right in Access if _NEWER.get(right, 1) <= abi))
    ruleset = _Ruleset(handled, _NETWORK * (abi >= _NETWORK_ABI), _SCOPES * (abi >= _SCOPE_ABI))
    # Older kernels take a longer structure whose rest is zero.
    descriptor = _call(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.sizeof(ruleset), 0)
    for path, access in rules:
        with suppress(FileNotFoundError, PermissionError, NotADirectoryError):
            _allow(descriptor, path, access & handled)
    return descriptor


def restrict(ruleset: int) -> None:
    """Leaves this process, and all it starts, what the ruleset allows, and no look into processes outside.

    With an ABI of 6 it cannot send them signals either. Raises OSError.
    """
    promise_no_privileges()
    _call(_RESTRICT_SELF, ruleset, 0)


def promise_no_privileges() -> None:
    """Programs it starts get no privileges it has not; asked of those without privileges first. Raises OSError."""
    _checked(libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


@cache
def libc() -> ctypes.CDLL:
    """The C library this process runs on."""
    return ctypes.CDLL(None, use_errno=True)


def _allow(ruleset: int, path: str, access: Access) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        is_directory = stat.S_ISDIR(os.fstat(parent).st_mode)
        rule = _Rule(access if is_directory else access & _OF_FILES, parent)
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)


def _call(number: int, *arguments: object) -> int:
    return _checked(libc().syscall(ctypes.c_long(number), *arguments))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
