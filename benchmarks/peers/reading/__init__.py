"""Other libraries that read documents, in an environment of their own, on the same files as the service's reader."""

from pathlib import Path

PYTHON = Path(__file__).parents[3] / ".venv-peers-reading" / "bin" / "python"
