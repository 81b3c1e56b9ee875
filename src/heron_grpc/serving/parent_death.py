"""Makes a process die with its parent, even when that is killed with SIGKILL (Linux, prctl(2))."""

import ctypes
import os
import signal
import sys

from heron_grpc.domain.errors import ConfigurationError

_PR_SET_PDEATHSIG = 1
_PARENT_VARIABLE = "HERON_SERVING_BACKEND_PARENT_PID"


def die_with_parent(parent_pid: int) -> None:
    """SIGKILL for this process once its parent is gone, at once if that is gone already.

    The kernel watches the thread that started this process: start it from the main thread.
    """
    if sys.platform != "linux":
        return
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise ConfigurationError("the kernel refuses to tie the process to its parent")
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """`python -m heron_grpc.serving.parent_death PARENT_PID PROGRAM ARGUMENT...` becomes that program, tied.

    The program's own children find its pid, which exec keeps, under _PARENT_VARIABLE.
    """
    parent_pid, *command = sys.argv[1:]
    die_with_parent(int(parent_pid))
    os.putenv(_PARENT_VARIABLE, str(os.getpid()))
    os.execv(command[0], command)  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main()
