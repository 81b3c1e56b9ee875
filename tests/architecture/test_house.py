"""The house rules that no linter knows."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [path for path in sorted((ROOT / "src").rglob("*.py")) if "heron/v1" not in path.as_posix()]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
MOST_LINES = 400
MOST_FUNCTION_LINES = 60
MOST_PARAMETERS = 6


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_stays_within_its_budget(path):
    text = path.read_text()
    assert text.count("\n") <= MOST_LINES
    assert ast.get_docstring(ast.parse(text)), "a module says its one reason to exist"
    # The commands' parameters are the command line's options, named by the user.
    commands = path.as_posix().endswith("cli/main.py")
    for function in functions(path):
        assert function.end_lineno - function.lineno + 1 <= MOST_FUNCTION_LINES, function.name
        parameters = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        named = [parameter for parameter in parameters if parameter.arg not in {"self", "cls"}]
        assert commands or len(named) <= MOST_PARAMETERS, function.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_catches_everything_says_why(path):
    lines = path.read_text().splitlines()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            name = getattr(node.type, "id", None)
            if name in {None, "Exception", "BaseException"} and not isinstance(node.type, ast.Tuple | ast.Attribute):
                assert "#" in lines[node.lineno - 1], f"line {node.lineno}"


def test_only_settings_reads_the_environment():
    reads = re.compile(r"\bos\.(environ|getenv)|\benviron\[")
    found = [path.name for path in SOURCES if path.name != "settings.py" and reads.search(path.read_text())]
    assert not found


def text_files() -> list[str]:
    return [name for name in TRACKED if Path(name).suffix in {".py", ".md", ".toml", ".yaml", ".proto", ".lock", ""}]


def test_nothing_is_left_to_do_and_no_machine_is_named():
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b|/(home|root|work)/\w")
    found = {}
    for name in text_files():
        path = ROOT / name
        if path.is_file() and path.stat().st_size < 2_000_000:
            matches = marks.findall(path.read_text(errors="ignore"))
            if matches:
                found[name] = matches[:3]
    assert not found


def test_links_in_the_documents_lead_somewhere():
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*/README.md"))]
    broken = [
        (path.name, target)
        for path in documents
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text())
        if not target.startswith(("http:", "https:")) and not (path.parent / target).exists()
    ]
    assert not broken


def test_every_warning_code_is_documented_and_every_documented_one_exists():
    documented = set(re.findall(r"^\| `([A-Z][A-Z_]+)`", (ROOT / "docs/warnings.md").read_text(), re.MULTILINE))
    sources = "\n".join(path.read_text() for path in SOURCES)
    used = set(re.findall(r"DocumentWarning\(\s*(?:code=)?\"([A-Z_]+)\"", sources))
    assert used
    assert used <= documented
    assert all(f'"{code}"' in sources for code in documented)


def test_every_setting_is_documented():
    from heron_grpc import settings

    groups = [getattr(settings, name) for name in dir(settings) if name.endswith("Settings") and name != "BaseSettings"]
    text = (ROOT / "docs/settings.md").read_text()
    names = {
        f"{group.model_config['env_prefix']}{name}".upper()
        for group in groups
        if hasattr(group, "model_config")
        for name in group.model_fields
    }
    assert {name for name in names if f"`{name}`" not in text} == set()
    assert set(re.findall(r"`(HERON_[A-Z_]+)`", text)) <= names
