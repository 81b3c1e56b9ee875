"""The layouts: templates by label, language and name, one YAML file a family."""

from dataclasses import dataclass
from importlib import resources

import yaml


@dataclass(frozen=True, slots=True)
class Layout:
    """One way a kind of document is laid out and worded."""

    label: str
    language: str
    name: str
    template: str

    @property
    def id(self) -> str:
        """Unique among all layouts."""
        return f"{self.label}/{self.language}/{self.name}"


def load_layouts() -> tuple[Layout, ...]:
    """All layouts, in the order of files and entries."""
    folder = resources.files("heron_grpc.lab.generator") / "layouts"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return tuple(
        Layout(label, language, name, template)
        for file in files
        for label, languages in yaml.safe_load(file.read_text(encoding="utf-8")).items()
        for language, templates in languages.items()
        for name, template in templates.items()
    )
