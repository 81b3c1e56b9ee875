"""Runs the real thing: the `heron` command and a whole service, in processes of their own."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

HERON = Path(sys.executable).with_name("heron")
SAMPLES = Path(__file__).parent / "samples"


@dataclass
class Service:
    """`heron serve` in a process of its own, ready."""

    process: subprocess.Popen[str]
    address: str
    log: Path

    def children(self, word: str) -> list[psutil.Process]:
        """Processes below the service whose command line holds `word`."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in found if word in " ".join(_command_line(child))]

    def terminate(self) -> int:
        """SIGTERM; gives the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def environment(**settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HERON_")}
    return {**inherited, "HERON_METRICS_ADDRESS": "127.0.0.1:0", **settings}


def heron(*arguments: str, data: bytes | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    command = [str(HERON), *arguments]
    done = subprocess.run(
        command, input=data, capture_output=True, env=environment(**settings), timeout=100, check=False
    )
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def launch(log: Path, **settings: str) -> Service:
    """Starts a service on a free port and waits until it says it is ready."""
    settings = {"HERON_FRONT_ADDRESS": "127.0.0.1:0", "HERON_READING_CHILDREN": "2", **settings}
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [str(HERON), "serve"], stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment(**settings)
        )
    line = process.stdout.readline()
    match = re.search(r"is ready on (\S+) after", line)
    service = Service(process, match[1] if match else "", log)
    if not match:
        stop(service)
        raise AssertionError(f"not ready: {line!r} {log.read_text()[-2000:]}")
    return service


def stop(service: Service) -> None:
    """Ends a service that may have ended already."""
    if service.process.poll() is None:
        service.terminate()
    service.process.stdout.close()
