"""The commands and their arguments; each command's work stands in a module of its own, imported when it is called."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from heron import Options, ReadOptions
from heron.client import DEFAULT_ADDRESS
from heron_grpc.cli import exit_codes

app = typer.Typer(
    name="heron",
    help="Heron says what documents are, with confidence and evidence, and what they say: text, words, tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
train_app = typer.Typer(no_args_is_help=True, help="Make models (needs the server and lab extras).")
app.add_typer(train_app, name="train")
labels_app = typer.Typer(no_args_is_help=True, help="Teach labels by examples (needs the server and lab extras).")
app.add_typer(labels_app, name="labels")

Server = Annotated[str, typer.Option("--server", metavar="ADDRESS", help="host:port of the service.")]


def main() -> None:
    """Entry point of the `heron` script."""
    try:
        app()
    except OSError as error:
        # Nobody reads what is printed any more, or the disk is full.
        print(f"heron: {error.strerror}", file=sys.stderr)
        raise SystemExit(exit_codes.SOME_FAILED) from error


@app.command()
def serve(
    classify: Annotated[
        list[Path] | None,
        typer.Option(help="Once ready, classify these files or folders through gRPC, print the table, and stay up."),
    ] = None,
) -> None:
    """Run the whole service: gRPC front, reading children and model backend. Settings come from HERON_ variables."""
    with _set_up():
        from heron_grpc.cli import serve as command

        raise typer.Exit(command.run(classify or []))


@app.command()
def classify(
    paths: Annotated[list[str], typer.Argument(help='Files, folders, globs; "-" reads one document from stdin.')],
    server: Server = DEFAULT_ADDRESS,
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of the table.")] = False,
    evidence: Annotated[bool, typer.Option(help="Also the words and places that spoke for the label.")] = False,
    exhaustive: Annotated[bool, typer.Option(help="Run every stage even when an early one is sure.")] = False,
    model: Annotated[
        str, typer.Option(help='Which model answers: "auto", "nb", an alias, models/{m}/versions/{v}.')
    ] = "",
    ocr: Annotated[str, typer.Option(help="auto, never or always.")] = "auto",
    language: Annotated[list[str] | None, typer.Option(help='Languages to expect in OCR, e.g. "de".')] = None,
    pages: Annotated[str, typer.Option(help='Pages to read, e.g. "1-3,7".')] = "",
    filename: Annotated[str, typer.Option(help="Name to send for stdin.")] = "",
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Documents in flight at once.")] = 16,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds one document may take.")] = 300.0,
) -> None:
    """Say what documents are. Exit status: 0 ok, 1 some failed, 2 usage, 3 auth, 4 unavailable, 5 some need review."""
    from heron_grpc.cli import classify as command

    if ocr not in command.OCR_MODES:
        raise typer.BadParameter("auto, never or always", param_hint="--ocr")
    options = Options(
        model=model,
        include_evidence=evidence,
        exhaustive=exhaustive,
        ocr=command.OCR_MODES[ocr],
        languages=language or [],
        pages=pages,
    )
    request = command.Request(server, options, filename, jobs, timeout)
    raise typer.Exit(command.run(paths, request, json_lines))


@app.command()
def read(
    paths: Annotated[list[str], typer.Argument(help='Files, folders, globs; "-" reads one document from stdin.')],
    server: Server = DEFAULT_ADDRESS,
    text: Annotated[bool, typer.Option("--text", help="Text, a form feed between pages: what is done anyhow.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line: pages, words, tables ...")] = False,
    pdf: Annotated[
        str, typer.Option(metavar="OUT", help='A searchable PDF: a file, a folder for several, or "-" for stdout.')
    ] = "",
    pages: Annotated[str, typer.Option(help='Pages to read, e.g. "1-3,7".')] = "",
    ocr: Annotated[str, typer.Option(help="auto, never or always.")] = "auto",
    language: Annotated[list[str] | None, typer.Option(help='Languages to expect in OCR, e.g. "de".')] = None,
    words: Annotated[bool, typer.Option(help="Words with their places, in JSON.")] = True,
    tables: Annotated[bool, typer.Option(help="Tables as tables, in JSON.")] = True,
    password_file: Annotated[
        Path | None, typer.Option(help="A file whose first line opens encrypted documents.")
    ] = None,
    password_prompt: Annotated[bool, typer.Option("--password-prompt", help="Ask for that password.")] = False,
    filename: Annotated[str, typer.Option(help="Name to send for stdin.")] = "",
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds one document may take.")] = 300.0,
) -> None:
    """Say what documents say. Exit status: 0 ok, 1 some failed, 2 usage, 3 auth, 4 unavailable."""
    from heron_grpc.cli import read as command
    from heron_grpc.cli.classify import OCR_MODES

    if ocr not in OCR_MODES:
        raise typer.BadParameter("auto, never or always", param_hint="--ocr")
    if text + as_json + bool(pdf) > 1:
        raise typer.BadParameter("one of --text, --json and --pdf")
    options = ReadOptions(
        ocr=OCR_MODES[ocr],
        languages=language or [],
        pages=pages,
        omit_words=not words or not as_json,
        omit_tables=not tables or not as_json,
    )
    password = _password(password_file, prompt=password_prompt)
    request = command.Request(server, options, password, filename, timeout)
    if pdf:
        raise typer.Exit(command.run_pdf(paths, request, pdf))
    raise typer.Exit((command.run_json if as_json else command.run_text)(paths, request))


@app.command()
def doctor(
    ready: Annotated[bool, typer.Option("--ready", help="Only ask whether a service answers SERVING.")] = False,
    server: Server = DEFAULT_ADDRESS,
) -> None:
    """Say what is missing on this machine and how to fix it."""
    from heron_grpc.cli import ready as readiness

    if ready:
        raise typer.Exit(readiness.run(server))
    with _set_up():
        from heron_grpc.cli import doctor as command

        raise typer.Exit(command.run())


@labels_app.command("add")
def labels_add(
    pack: Annotated[
        Path, typer.Option(help="A YAML pack with the new labels; it is copied to HERON_CLASSIFY_PACKS_DIR.")
    ],
    examples: Annotated[Path, typer.Option(help="A folder with manifest.csv, or with a folder of files a label.")],
) -> None:
    """Teach labels by 5 to 10 examples each, without training; kept in HERON_SERVING_LABELS_DIR."""
    with _set_up():
        from heron_grpc.cli import labels as command

        raise typer.Exit(command.add(pack, examples))


@labels_app.command("list")
def labels_list() -> None:
    """List the labels that were taught, with their numbers of examples."""
    with _set_up():
        from heron_grpc.cli import labels as command

        raise typer.Exit(command.show())


@train_app.command("nb")
def train_nb(
    corpus: Annotated[Path, typer.Option(help="Real texts: a text.jsonl.gz with labels, groups and splits.")],
    models_dir: Annotated[
        Path | None, typer.Option(help="Where models lie; HERON_SERVING_MODELS_DIR by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the generated documents.")] = 1,
    per_label: Annotated[int, typer.Option(min=0, help="Generated documents of every label.")] = 200,
    method: Annotated[str, typer.Option(help="nbsvm, complement, multinomial or logistic.")] = "nbsvm",
    force: Annotated[bool, typer.Option("--force", help="Keep the new model even when it is not better.")] = False,
) -> None:
    """Train the Naive Bayes model; it replaces the one there only when it beats it on the dev split."""
    with _set_up():
        from heron_grpc.cli import train as command
        from heron_grpc.lab.fitting import FitParameters
        from heron_grpc.lab.train_naive_bayes import TrainOptions

        options = TrainOptions(seed=seed, per_label=per_label, fit=FitParameters(method=method))
        raise typer.Exit(command.run_naive_bayes(corpus, models_dir, options, force))


@train_app.command("distilbert")
def train_distilbert(
    corpus: Annotated[Path, typer.Option(help="Real texts: a text.jsonl.gz with labels, groups and splits.")],
    work: Annotated[Path, typer.Option(help="Keeps what each step made: a run that was stopped goes on from there.")],
    encoder: Annotated[
        Path | None, typer.Option(help="A BERT or DistilBERT as transformers saves it; all-MiniLM-L6-v2 by default.")
    ] = None,
    models_dir: Annotated[
        Path | None, typer.Option(help="Where models lie; HERON_SERVING_MODELS_DIR by default.")
    ] = None,
    steps: Annotated[int, typer.Option(min=16, help="Of each fine-tuning, 64 documents a step.")] = 2480,
    seed: Annotated[int, typer.Option(help="Draws the generated documents and the order of all.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Keep the new model even when it is not better.")] = False,
) -> None:
    """Train the transformer (after `make train-env`); it replaces the one there only when it is better on dev."""
    with _set_up():
        from heron_grpc.cli import train_distilbert as command
        from heron_grpc.lab.distilbert.fine_tuning import FineTuning
        from heron_grpc.lab.distilbert.gathering import Sources
        from heron_grpc.lab.train_distilbert import DistilBertOptions

        options = DistilBertOptions(sources=Sources(seed=seed), fine_tuning=FineTuning(steps=steps, seed=seed), folds=3)
        raise typer.Exit(command.run(corpus, encoder, work, models_dir, options, force=force))


@train_app.command("cascade")
def train_cascade(
    corpus: Annotated[Path, typer.Option(help="Real texts: a text.jsonl.gz with labels, groups and splits.")],
    work: Annotated[Path, typer.Option(help="Where `heron train distilbert` kept what its steps made.")],
    models_dir: Annotated[
        Path | None, typer.Option(help="Where models lie; HERON_SERVING_MODELS_DIR by default.")
    ] = None,
) -> None:
    """Fit how Naive Bayes and the transformer answer together: models/auto."""
    with _set_up():
        from heron_grpc.cli import train_cascade as command

        raise typer.Exit(command.run(corpus, work, models_dir))


@train_app.command("decision")
def train_decision(
    corpus: Annotated[Path, typer.Option(help="Real texts: a text.jsonl.gz with labels, groups and splits.")],
    models_dir: Annotated[
        Path | None, typer.Option(help="Where models lie; HERON_SERVING_MODELS_DIR by default.")
    ] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL=FILE.npz", help="What another model says of training documents it did not see."),
    ] = None,
    default: Annotated[str, typer.Option(help="Model whose rule all others get; the last one given.")] = "",
) -> None:
    """Fit the decision file: what each source counts, when an answer is sure, and which labels are plausible."""
    with _set_up():
        from heron_grpc.cli import train as command

        raise typer.Exit(command.run_decision(corpus, models_dir, predictions or (), default))


@train_app.command("layout")
def train_layout(
    models_dir: Annotated[
        Path | None, typer.Option(help="Where models lie; HERON_SERVING_MODELS_DIR by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the pages.")] = 1,
    per_family: Annotated[int, typer.Option(min=50, help="Pages of each family of documents that look alike.")] = 700,
) -> None:
    """Train the specialist that looks at pages, on generated ones; it replaces the one there."""
    with _set_up():
        from heron_grpc.cli import train_layout as command
        from heron_grpc.lab.train_layout import LayoutOptions

        raise typer.Exit(command.run(models_dir, LayoutOptions(seed=seed, per_family=per_family)))


@app.command()
def generate(
    directory: Annotated[Path, typer.Argument(help="Where the documents and what is known of them are written.")],
    labels: Annotated[
        list[str] | None, typer.Option("--label", help='Labels, or parents such as "financial"; all by default.')
    ] = None,
    per_label: Annotated[int, typer.Option(min=1, help="Documents of each label.")] = 2,
    seed: Annotated[int, typer.Option(help="Draws the documents.")] = 1,
    wanted: Annotated[str | None, typer.Option("--format", help="One for all; by default what is usual.")] = None,
) -> None:
    """Draw documents of all kinds as files, with their labels, fields and places: for tests and for training."""
    with _set_up():
        from heron_grpc.cli import generate as command

        raise typer.Exit(command.run(directory, command.Wish(tuple(labels or ()), per_label, seed, wanted)))


@app.command()
def evaluate(
    path: Annotated[
        Path | None, typer.Argument(help="A corpus (.jsonl.gz), or a folder with a manifest.csv (file,label).")
    ] = None,
    split: Annotated[str, typer.Option(help="Split of a corpus.")] = "dev",
    generated: Annotated[
        int, typer.Option(min=0, metavar="N", help="Instead of a path: N generated documents of every label.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Draws the generated documents.")] = 1,
    overrides: Annotated[
        Path | None, typer.Option(help="Labels of a corpus that are doubtful (YAML); the project's own by default.")
    ] = None,
    server: Server = DEFAULT_ADDRESS,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    html: Annotated[Path | None, typer.Option(help="Also a page with plots.")] = None,
) -> None:
    """Measure the model and all stages on labelled texts, or the running service on a folder of labelled files."""
    if (path is None) == (generated == 0):
        raise typer.BadParameter("either a path or --generated")
    with _set_up():
        from heron_grpc.cli import evaluate as command

        subject = command.Subject(path, split, generated, seed, overrides, server)
        raise typer.Exit(command.run(subject, html, as_json=as_json))


@app.command()
def calibrate(
    folder: Annotated[Path, typer.Argument(help="Labelled files, some 50 or more, with a manifest.csv (file,label).")],
    out: Annotated[Path, typer.Option(help="The decision file to write.")] = Path("calibration.json"),
    server: Server = DEFAULT_ADDRESS,
) -> None:
    """Fit confidence and thresholds to your own files; HERON_CLASSIFY_CALIBRATION names what is written."""
    with _set_up():
        from heron_grpc.cli import calibrate as command

        raise typer.Exit(command.run(folder, server, out))


def _password(file: Path | None, *, prompt: bool) -> str:
    """Never an argument: those can be seen by everybody on the machine."""
    if prompt:
        entered: str = typer.prompt("Password", hide_input=True, err=True)
        return entered
    try:
        return file.read_text().partition("\n")[0].rstrip("\r") if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter("cannot be read", param_hint="--password-file") from error


@contextmanager
def _set_up() -> Iterator[None]:
    """A part that is not installed or wrongly set up is a message, not a traceback."""
    from heron_grpc.domain.errors import ConfigurationError

    try:
        yield
    except ConfigurationError as error:
        message = error.message
    except ModuleNotFoundError as error:
        message = f"{error.name} is missing: pip install 'heron-grpc[server,lab]' installs all"
    else:
        return
    print(f"heron: {message}", file=sys.stderr)
    raise typer.Exit(exit_codes.USAGE)
