"""The only reader of the environment: frozen groups of settings, each with its own HERON_ prefix."""

import hashlib
import os
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, TypeVar, get_origin

from pydantic import Field, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from heron_grpc.domain.errors import ConfigurationError

Group = TypeVar("Group", bound=BaseSettings)
AliasName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
ModelName = Annotated[
    str, StringConstraints(pattern=r"^models/[a-z0-9][a-z0-9_.-]{0,62}(/versions/[A-Za-z0-9_.-]{1,63})?$")
]

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


def _models_dir() -> Path:
    """The models inside the installed package, beside it in a built bento, or those of the source tree around it."""
    package = Path(__file__).parent
    packaged, bento, source = (directory / "models" for directory in (package, package.parent, package.parents[1]))
    return next((directory for directory in (packaged, bento) if directory.is_dir()), source)


def _spool_dir() -> Path:
    """A directory on disk: the usual temporary one may be memory."""
    on_disk = Path("/var/tmp")  # noqa: S108  spooled files have no name there
    return on_disk if on_disk.is_dir() and os.access(on_disk, os.W_OK) else Path(gettempdir())


class FrontSettings(BaseSettings):
    """The gRPC front: where it listens and what it accepts."""

    model_config = SettingsConfigDict(env_prefix="HERON_FRONT_", frozen=True)

    # host:port; only loopback hosts until the service knows credentials. Port 0 picks a free one.
    address: str = "127.0.0.1:50051"
    max_document_bytes: int = Field(100 * MIB, gt=0)
    max_inline_bytes: int = Field(4 * MIB, gt=0)
    # 256 KiB measured best; flow control holds about four chunks a stream in memory.
    preferred_chunk_bytes: int = Field(256 * KIB, gt=0)
    max_chunk_bytes: int = Field(1 * MIB, gt=0)
    max_text_chars: int = Field(1_000_000, gt=0)
    max_filename_bytes: int = Field(255, gt=0)
    # Of one document; with 100 MiB, chunks of 1 KiB.
    max_chunks: int = Field(100_000, gt=0)
    # What all callers share: nobody gets more of it than is left free, so one alone gets half.
    max_calls: int = Field(1024, gt=0)
    max_uploads: int = Field(256, gt=0)
    max_bulk_streams: int = Field(64, gt=0)
    max_request_bytes: int = Field(512 * MIB, gt=0)
    max_spool_bytes: int = Field(32 * GIB, gt=0)
    # Documents of a bulk stream that may be unanswered: granted when it asks for none, and at most.
    bulk_in_flight: int = Field(32, gt=0)
    max_bulk_in_flight: int = Field(128, gt=0)
    # Longest silence before a request or between two chunks of an upload.
    chunk_idle_s: float = Field(30.0, gt=0)
    # Longest silence of a bulk stream between two documents, and longest time an answer may stay untaken.
    bulk_idle_s: float = Field(300.0, gt=0)
    # Longest any call but a bulk stream may take, and any document of one, whatever deadline its caller set.
    max_call_s: float = Field(600.0, gt=0)
    max_bulk_s: float = Field(21_600.0, gt=0)
    # Connections held open, and how long one without a call is.
    max_connections: int = Field(4096, gt=0)
    connection_idle_s: float = Field(600.0, gt=0)
    # How long a new connection may take to begin HTTP/2, and then to acknowledge the limits it is held to.
    handshake_s: float = Field(10.0, gt=0)
    spool_dir: Path = Field(default_factory=_spool_dir)
    reflection: bool = True
    # gRPC's own view of its servers, sockets and streams (grpc.channelz.v1).
    channelz: bool = False
    # On SIGTERM: how long load balancers get to notice, then how long calls in flight get to end.
    drain_notice_s: float = Field(0.5, ge=0)
    drain_s: float = Field(60.0, ge=0)

    @property
    def max_message_bytes(self) -> int:
        """Largest message received: inline content or text (UTF-8, up to 4 bytes a code point) and its options."""
        return max(self.max_inline_bytes, 4 * self.max_text_chars, self.max_chunk_bytes) + 512 * KIB


class ReadingSettings(BaseSettings):
    """The reading pool and its limits for one document."""

    model_config = SettingsConfigDict(env_prefix="HERON_READING_", frozen=True)

    children: int = Field(default_factory=lambda: os.cpu_count() or 1, gt=0)
    # Documents waiting for a child, a caller's at most half of what others leave; more are refused with
    # RESOURCE_EXHAUSTED.
    max_waiting: int = Field(256, ge=0)
    # When documents wait and every child has been at work on one for so long, one more child is started for them.
    relief_after_s: float = Field(2.0, gt=0)
    # A child at work that uses no processor time for so long is replaced, and its document read by another.
    stall_s: float = Field(20.0, gt=0)
    cpu_s: float = Field(60.0, gt=0)
    wall_s: float = Field(240.0, gt=0)
    # Resident memory the parent kills at, and the hard address-space limit set inside the child.
    memory_mb: int = Field(2048, gt=0)
    address_space_mb: int = Field(3072, gt=0)
    # Landlock and seccomp in the children: "auto" where the kernel has them, "off", or "require": else no start.
    sandbox: str = Field("auto", pattern="^(auto|off|require)$")
    # A document (by its SHA-256) that killed so many children in so many seconds is refused for as long; 0 never.
    refuse_after: int = Field(3, ge=0)
    refuse_s: float = Field(3600.0, gt=0)
    # Largest file a child may write, and largest document inside a document.
    file_size_mb: int = Field(64, gt=0)
    # A child is replaced after so many documents, or when it holds more memory than this afterwards.
    recycle_after: int = Field(200, gt=0)
    recycle_mb: int = Field(700, gt=0)
    # Largest reading a child may send, in the form in which it travels: 90 KB for a full page with its words.
    result_mb: int = Field(256, gt=0)
    max_pages: int = Field(2000, gt=0)
    # Pages whose words get boxes where evidence is wanted, 300 bytes a word: it is quoted from the text the model sees,
    # some 7 full pages.
    max_word_pages: int = Field(10, ge=0)
    # Largest picture, before it is decoded.
    max_image_pixels: int = Field(100_000_000, gt=0)
    # Largest sum of the files inside an Office document, and of the documents inside one.
    max_expanded_mb: int = Field(256, gt=0)
    # Documents inside a document that are read (attachments, archive entries, pictures), and how deep they may nest.
    max_parts: int = Field(100, ge=0)
    max_part_depth: int = Field(5, ge=0)
    # Code points of text kept of one document: a full page has some 3,500.
    max_text_chars: int = Field(8_000_000, gt=0)
    # Processor seconds of OCR one document may take before its remaining pages stay unread, with a warning.
    ocr_budget_s: float = Field(40.0, gt=0)
    # "auto" takes tesserocr and falls back to pytesseract; else one of the two by name.
    ocr_engine: str = Field("auto", pattern="^(auto|tesserocr|pytesseract)$")
    # "auto" takes rapidocr for pages the first engine reads poorly; "none" saves its time.
    ocr_second_engine: str = Field("auto", pattern="^(auto|none)$")
    # Pages of one document recognised at a time.
    ocr_threads: int = Field(default_factory=lambda: min(4, os.cpu_count() or 1), gt=0)
    # Tesseract names joined by "+", e.g. "eng+deu".
    ocr_languages: str = Field("eng", pattern=r"^[A-Za-z_]+(\+[A-Za-z_]+)*$")
    # Where Tesseract's language files lie; empty looks where TESSDATA_PREFIX and the usual packages put them.
    tessdata_dir: str = ""


class ServingSettings(BaseSettings):
    """The model backend and the front's way to it."""

    model_config = SettingsConfigDict(env_prefix="HERON_SERVING_", frozen=True)

    # Address of a `bentoml serve` that runs elsewhere; empty lets `heron serve` start and watch its own.
    backend_url: str = Field("", pattern="^(https?://[^/ ]+/?)?$")
    # Port of the own backend on loopback; 0 picks a free one.
    backend_port: int = Field(0, ge=0, le=65535)
    # Processes of the own backend, each with its own copy of the model.
    backend_workers: int = Field(1, gt=0)
    # Threads a worker's model may use; 0 means its share of the cores. Naive Bayes uses one.
    backend_threads: int = Field(0, ge=0)
    # Set for the own backend: the process its workers must not outlive; 0 in a backend that stands alone.
    backend_parent_pid: int = Field(0, ge=0)
    # An own backend that is not ready for so long, at its start or later, is replaced.
    backend_stuck_s: float = Field(30.0, gt=0)
    models_dir: Path = Field(default_factory=_models_dir)
    # Directory in models_dir the backend hosts, with those it names when it is a cascade; it answers where a request
    # names no model.
    model: str = Field("auto", pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    # Where `heron labels add` keeps the labels it taught; None means nowhere, and that none are served.
    labels_dir: Path | None = None
    # JSON, short names of the deployment's own for models: {"stable": "models/nb/versions/4"}.
    model_aliases: dict[AliasName, ModelName] = Field(default_factory=dict)
    # Code points of a document the model sees: its head.
    max_text_chars: int = Field(20_000, gt=0, le=1_000_000)
    # Texts that wait for the backend or are with it; no caller gets more of them than are left free.
    max_waiting: int = Field(1024, gt=0)
    max_batch: int = Field(32, gt=0, le=1024)
    # 0 means two a worker, measured: of at most 32 texts they keep it busy without a timed wait; see coalescing.py.
    calls_in_flight: int = Field(0, ge=0)
    timeout_s: float = Field(30.0, gt=0)
    # Failures in a row that open the breaker, and how long it stays open.
    breaker_failures: int = Field(5, gt=0)
    breaker_open_s: float = Field(1.0, gt=0)
    # How often health is asked for; health must follow the backend within 2 s.
    health_poll_s: float = Field(0.5, gt=0)
    # How long texts wait for a backend that went away while it worked on them, within their deadlines.
    comeback_s: float = Field(10.0, ge=0)

    @field_validator("model_aliases")
    @classmethod
    def _leave_auto(cls, aliases: dict[str, str]) -> dict[str, str]:
        if "auto" in aliases:
            raise ValueError("auto always means HERON_SERVING_MODEL")
        return aliases

    @property
    def threads_a_worker(self) -> int:
        """Threads of one worker's model."""
        return self.backend_threads or max(1, len(os.sched_getaffinity(0)) // self.backend_workers)


class ClassifySettings(BaseSettings):
    """Labels, decision and result cache."""

    model_config = SettingsConfigDict(env_prefix="HERON_CLASSIFY_", frozen=True)

    # A directory of further taxonomy packs; None means the built-in ones alone.
    packs_dir: Path | None = None
    # A decision file of the deployment's own, as `heron calibrate` writes it; None means that of the models.
    calibration: Path | None = None
    # Least probability for automatic acceptance where a category sets none; None means what the decision file says.
    accept_threshold: float | None = Field(None, gt=0, le=1)
    # Below this the answer is UNKNOWN.
    unknown_below: float = Field(0.35, ge=0, le=1)
    # Share of words the model never saw above which the answer is UNKNOWN, unless a rule is sure. Of 376 real documents
    # the strangest had 0.55; a text in an unknown script or of random syllables has 0.62 and more.
    unknown_above_novelty: float = Field(0.6, ge=0, le=1)
    # Code points surely recognised of a scanned document after which its further pages stay unread, because they change
    # nothing: 113 real texts of 8,000 and more have the same kind by their first 8,000 as by 20,000. 0 reads them all.
    ocr_enough_chars: int = Field(8_000, ge=0)
    # Pages with text, from the first, that are each asked about on their own in documents of two or more; 0 asks none.
    max_opinion_pages: int = Field(10, ge=0)
    # Results kept in memory, by content digest, and how long; 0 entries switch the cache off.
    cache_entries: int = Field(1000, ge=0)
    cache_ttl_s: float = Field(900.0, gt=0)


class MetricsSettings(BaseSettings):
    """Where metrics are served, for Prometheus to fetch."""

    model_config = SettingsConfigDict(env_prefix="HERON_METRICS_", frozen=True)

    # host:port; port 0 picks a free one, empty serves none. They hold no content and ask for no credentials.
    address: str = Field("127.0.0.1:9464", pattern=r"^([^\s/]+:[0-9]{1,5})?$")


class LogSettings(BaseSettings):
    """What is logged."""

    model_config = SettingsConfigDict(env_prefix="HERON_LOG_", frozen=True)

    level: str = Field("info", pattern="^(debug|info|warning|error)$")
    # "json" for machines, "console" for people.
    format: str = Field("json", pattern="^(json|console)$")


@dataclass(frozen=True)
class Settings:
    """All groups."""

    front: FrontSettings
    reading: ReadingSettings
    serving: ServingSettings
    classify: ClassifySettings
    log: LogSettings
    metrics: MetricsSettings

    @cached_property
    def pipeline_version(self) -> str:
        """Release and digest of the settings and files that can change an answer, "0.1.0+c0ffee12"."""
        answers = (
            self.reading.model_dump_json(),
            self.classify.model_dump_json(),
            str(self.serving.max_text_chars),
            _digest(self.classify.calibration or self.serving.models_dir / "decision" / "decision.json"),
            _digest(self.serving.models_dir / "layout" / "manifest.json"),
        )
        return f"{release()}+{hashlib.sha256('|'.join(answers).encode()).hexdigest()[:8]}"


def _digest(path: Path) -> str:
    """Of a file; empty where there is none that can be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def load_settings() -> Settings:
    """Reads the environment. Raises ConfigurationError for values out of range and for unknown HERON_ names."""
    groups = (FrontSettings, ReadingSettings, ServingSettings, ClassifySettings, LogSettings, MetricsSettings)
    known = {f"{group.model_config['env_prefix']}{name}".upper() for group in groups for name in group.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith("HERON_") and name.upper() not in known)
    if unknown:
        raise ConfigurationError(f"unknown settings in the environment: {', '.join(unknown)}")
    return Settings(
        _read(FrontSettings),
        _read(ReadingSettings),
        _read(ServingSettings),
        _read(ClassifySettings),
        _read(LogSettings),
        _read(MetricsSettings),
    )


def require_model(settings: ServingSettings) -> None:
    """Raises ConfigurationError when there is no model of the name set; its files are verified by who loads them."""
    if not (settings.models_dir / settings.model).is_dir():
        raise ConfigurationError(
            f"there is no model {settings.model}: set HERON_SERVING_MODEL to a directory in HERON_SERVING_MODELS_DIR"
        )


def _read(group: type[Group]) -> Group:
    try:
        return group()
    except ValidationError as error:
        prefix = group.model_config["env_prefix"]
        wrong = "; ".join(f"{prefix}{item['loc'][0]}".upper() + f": {item['msg']}" for item in error.errors())
        raise ConfigurationError(f"settings out of range: {wrong}") from error
    except SettingsError as error:
        names = ", ".join(f"{group.model_config['env_prefix']}{name}".upper() for name in _structured(group))
        raise ConfigurationError(f"settings that are no JSON: {names}") from error


def _structured(group: type[BaseSettings]) -> list[str]:
    """The fields that are given as JSON."""
    return [name for name, field in group.model_fields.items() if get_origin(field.annotation) is dict]


def child_environment(**overrides: str) -> dict[str, str]:
    """The environment for a process of ours: the current one with `overrides`."""
    return {**os.environ, **overrides}


def tessdata_prefix() -> str:
    """Tesseract's own setting for where its language files lie; empty when unset."""
    return os.environ.get("TESSDATA_PREFIX", "")


@cache
def release() -> str:
    """The installed release, e.g. "0.1.0"."""
    return version("heron-grpc")
