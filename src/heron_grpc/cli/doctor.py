"""`heron doctor`: what is missing on this machine and how to fix it."""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from heron_grpc.cli import exit_codes
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.settings import MIB, Settings, load_settings

# As people call them, and as Tesseract does.
_SCRIPTS = {
    "Cyrillic": "Cyrillic",
    "Greek": "Greek",
    "Arabic": "Arabic",
    "Chinese": "Han",
    "Japanese": "Japanese",
    "Korean": "Hangul",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `fix` says what to do when it is not well, or wanted."""

    subject: str
    well: bool
    found: str
    fix: str = ""
    # Whether all is well without it, as long as nobody misses it.
    is_optional: bool = False


def run() -> int:
    """Prints every finding; 0 when all is well, else 1. Raises ConfigurationError when the settings are wrong."""
    settings = load_settings()
    findings = [finding for check in CHECKS for finding in check(settings)]
    table = Table("", "what", "found", "how to fix it", box=None, header_style="bold", pad_edge=False)
    for finding in findings:
        lack = "[yellow]optional[/]" if finding.is_optional else "[red]missing[/]"
        mark = "[green]ok[/]" if finding.well else lack
        table.add_row(mark, finding.subject, finding.found, "" if finding.well else finding.fix)
    Console().print(table)
    is_well = all(finding.well or finding.is_optional for finding in findings)
    return exit_codes.OK if is_well else exit_codes.SOME_FAILED


def _python(_settings: Settings) -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python 3.11 or newer", sys.version_info >= (3, 11), found, "install python3.11")


def _ocr(settings: Settings) -> Iterator[Finding]:
    from heron_grpc.reading.ocr import engine_name, has_script_detection, languages, package_of, second_engine_name

    program = shutil.which("tesseract")
    yield Finding("Tesseract", program is not None, program or "not on the PATH", "apt-get install tesseract-ocr")
    engine = engine_name(settings.reading)
    fix = "install a language as below, or pip install 'heron-grpc[server]'"
    yield Finding("OCR engine", bool(engine), engine or "none that can be used", fix)
    second = second_engine_name(settings.reading)
    is_wanted = settings.reading.ocr_second_engine != "none"
    found = second or ("none: photos and receipts are read less well" if is_wanted else "switched off")
    yield Finding("second OCR engine", bool(second) or not is_wanted, found, "pip install 'heron-grpc[server]'")
    installed = languages(settings.reading)
    for wanted in settings.reading.ocr_languages.split("+"):
        found = "installed" if wanted in installed else "no language file"
        yield Finding(f"OCR language {wanted}", wanted in installed, found, f"apt-get install {package_of(wanted)}")
    yield from _scripts(installed, can_tell=has_script_detection(settings.reading))


def _scripts(installed: Collection[str], *, can_tell: bool) -> Iterator[Finding]:
    """What pages in other scripts need, which are found by themselves where that is there."""
    from heron_grpc.reading.ocr import languages_of, package_of

    found = "installed" if can_tell else "no language file: only the languages expected are recognised"
    yield Finding("OCR script detection", can_tell, found, f"apt-get install {package_of('osd')}", is_optional=True)
    for name, script in _SCRIPTS.items():
        possible = languages_of(script)
        there = [language for language in possible if language in installed]
        found = ", ".join(there) or "no language file"
        fix = f"apt-get install {package_of(possible[0])}"
        yield Finding(f"OCR of {name} script", bool(there), found, fix, is_optional=True)


def _model(settings: Settings) -> Iterator[Finding]:
    from heron_grpc.classify import load_classifier
    from heron_grpc.classify.cascade import Cascade

    subject = f"model {settings.serving.model}"
    try:
        classifier = load_classifier(settings.serving.models_dir / settings.serving.model)
    except ConfigurationError as error:
        fix = "restore the model files, or set HERON_SERVING_MODELS_DIR and HERON_SERVING_MODEL"
        yield Finding(subject, well=False, found=error.message, fix=fix)
    else:
        found = f"{classifier.model_version}, {len(classifier.labels)} labels"
        if isinstance(classifier, Cascade):
            found += f", asks {classifier.first.model_version} and {classifier.second.model_version}"
        yield Finding(subject, well=True, found=found)


def _decision(settings: Settings) -> Iterator[Finding]:
    from heron_grpc.classify.decision_rule import load_decision_rules

    own = settings.classify.calibration
    try:
        rules = load_decision_rules(own, settings.serving.models_dir)
    except ConfigurationError as error:
        fix = "mend or unset HERON_CLASSIFY_CALIBRATION" if own else "restore models/decision"
        yield Finding("decision file", well=False, found=error.message, fix=fix)
    else:
        found = f"rules for {', '.join(filter(None, rules.by_model)) or 'no model: all weights are neutral'}"
        yield Finding("decision file", well=True, found=found)


def _layout(settings: Settings) -> Iterator[Finding]:
    from heron_grpc.classify.layout import load_layout_model

    try:
        model = load_layout_model(settings.serving.models_dir)
    except ConfigurationError as error:
        fix = "restore models/layout, or remove it to do without"
        yield Finding("layout specialist", well=False, found=error.message, fix=fix)
    else:
        yield Finding("layout specialist", well=True, found=model.model_version if model else "none: the stage is off")


def _taxonomies(settings: Settings) -> Iterator[Finding]:
    from heron_grpc.taxonomy import load_taxonomies

    try:
        names = sorted(load_taxonomies(settings.classify.packs_dir))
    except ConfigurationError as error:
        yield Finding("taxonomies", well=False, found=error.message, fix="mend the pack named")
    else:
        yield Finding("taxonomies", well=True, found=", ".join(names))


def _spool(settings: Settings) -> Iterator[Finding]:
    directory = settings.front.spool_dir
    if not directory.is_dir() or not os.access(directory, os.W_OK):
        yield Finding("spool directory", well=False, found="not writable", fix="set HERON_FRONT_SPOOL_DIR")
        return
    free_mb = shutil.disk_usage(directory).free // MIB
    needed_mb = 2 * settings.front.max_document_bytes // MIB
    fix = "free disk space or set HERON_FRONT_SPOOL_DIR"
    yield Finding("spool directory", free_mb >= needed_mb, f"{free_mb} MiB free, {needed_mb} wanted", fix)


def _isolation(settings: Settings) -> Iterator[Finding]:
    from heron_grpc.reading.landlock import landlock_abi
    from heron_grpc.reading.seccomp import has_seccomp

    well = Path("/proc/self/stat").exists()
    found = "/proc is there" if well else "no /proc"
    yield Finding("isolation of reading", well, found, "run on Linux with /proc mounted")
    if settings.reading.sandbox == "off":
        fix = "unset HERON_READING_SANDBOX"
        yield Finding("sandbox of reading", well=False, found="switched off", fix=fix)
        return
    abi = landlock_abi()
    fix = "run on Linux 5.13 or newer with landlock among its security modules, and a container that lets it through"
    yield Finding("Landlock", abi > 0, f"ABI {abi}" if abi else "the kernel has none", fix)
    fix = "run on x86_64 or aarch64 with seccomp filters in the kernel"
    yield Finding("seccomp", has_seccomp(), "filters are there" if has_seccomp() else "no filters", fix)


def _address(settings: Settings) -> Iterator[Finding]:
    address = settings.front.address
    if address.startswith("unix"):
        return
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            fix = "stop what listens there (it may be a running heron) or set HERON_FRONT_ADDRESS"
            yield Finding(f"address {address}", well=False, found=error.strerror or "in use", fix=fix)
        else:
            yield Finding(f"address {address}", well=True, found="free")


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _python,
    _ocr,
    _model,
    _decision,
    _layout,
    _taxonomies,
    _spool,
    _isolation,
    _address,
)
