"""What a reading child may still do: read what readers need, and nothing to files, network or other processes."""

import ctypes
import mimetypes
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.reading import landlock, seccomp
from heron_grpc.reading.ocr import engine_name
from heron_grpc.reading.ocr.languages import tessdata_dir
from heron_grpc.settings import ReadingSettings
from heron_grpc.telemetry.logging import get_logger

# Libraries and fonts; what they look up about the machine; what Python opens by itself.
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/fonts")
_MACHINE = ("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu", "/etc/localtime")
_DEVICES = ("/dev/zero", "/dev/random", "/dev/urandom")
_LOADERS = ("lib64/ld-linux-*", "lib/ld-linux-*", "lib/ld-musl-*")
# linux/prctl.h and linux/capability.h
_PR_SET_DUMPABLE = 4
_CAPABILITY_VERSION = 0x20080522

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """What holds reading children."""

    # Version of the kernel's interface; 0 without Landlock.
    landlock_abi: int
    seccomp: bool


def sandbox_status(settings: ReadingSettings) -> SandboxStatus:
    """What will hold children here. Raises ConfigurationError when it is required and lacking."""
    if settings.sandbox == "off":
        return SandboxStatus(0, seccomp=False)
    status = SandboxStatus(landlock.landlock_abi(), seccomp.has_seccomp())
    if settings.sandbox == "require" and not (status.landlock_abi and status.seccomp):
        raise ConfigurationError(
            f"HERON_READING_SANDBOX requires what this machine lacks: Landlock ABI {status.landlock_abi}, "
            f"seccomp {'yes' if status.seccomp else 'no'}"
        )
    return status


def log_sandbox(settings: ReadingSettings) -> None:
    """Says once what will hold children. Raises as `sandbox_status`."""
    status = sandbox_status(settings)
    is_whole = status.landlock_abi and status.seccomp
    log = _log.info if is_whole or settings.sandbox == "off" else _log.warning
    log("reading_sandbox", setting=settings.sandbox, landlock_abi=status.landlock_abi, seccomp=status.seccomp)


class Sandbox:
    """Made once, entered by each child; each is then a stranger to the others."""

    def __init__(self, settings: ReadingSettings, documents: str = "") -> None:
        """`documents` is the directory of the documents children are given. Raises ConfigurationError and OSError."""
        status = sandbox_status(settings)
        self._is_on = settings.sandbox != "off"
        self._programs = _programs(settings)
        self._seccomp = status.seccomp
        self._ruleset = (
            landlock.make_ruleset(status.landlock_abi, _rules(settings, documents, self._programs))
            if status.landlock_abi
            else None
        )

    def enter(self) -> None:
        """Confines this process, which has one thread, and all it starts; cannot be undone. Raises OSError."""
        if self._is_on:
            _give_up_privileges()
        if self._ruleset is not None:
            landlock.restrict(self._ruleset)
        if self._seccomp:
            seccomp.refuse_calls(programs=bool(self._programs))


def _programs(settings: ReadingSettings) -> list[str]:
    """What children run: Tesseract, where it is not a library."""
    found = shutil.which("tesseract") if engine_name(settings) == "pytesseract" else None
    return [str(Path(found).resolve())] if found else []


def _rules(settings: ReadingSettings, documents: str, programs: list[str]) -> Iterator[tuple[str, landlock.Access]]:
    tessdata = tessdata_dir(settings)
    python = (sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path)
    mime_types = map(str, mimetypes.knownfiles)
    for path in {*python, *_SYSTEM, *_MACHINE, *_DEVICES, *mime_types, str(tessdata or "")} - {"", "/"}:
        yield path, landlock.READ
    # Tesseract opens it to write its own log.
    yield "/dev/null", landlock.READ | landlock.Access.WRITE_FILE | landlock.Access.TRUNCATE
    if documents:
        yield documents, landlock.Access.READ_FILE
    if programs:
        for path in (*programs, *(str(loader) for pattern in _LOADERS for loader in Path("/").glob(pattern))):
            yield path, landlock.Access.EXECUTE | landlock.Access.READ_FILE
        yield tempfile.gettempdir(), landlock.WRITE


def _give_up_privileges() -> None:
    """A privileged user's capabilities, and whatever lets others of the same user look into this process."""
    libc = landlock.libc()
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    with suppress(AttributeError):
        libc.capset(header, (ctypes.c_uint32 * 6)())
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
