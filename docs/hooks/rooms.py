"""A hook of MkDocs: the reference reads the rooms of the package alone.

mkdocstrings walks through every folder below the package and follows links. The package is the root of the repository,
with `.venv` in it and the link `.static/cocoon` to itself, so that it would read everything about forty times.
"""

import tempfile
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority

ROOT = Path(__file__).resolve().parents[2]
NOT_PRODUCT = ("benchmarks", "tests")
_folder = tempfile.TemporaryDirectory(prefix="cocoon-docs-", ignore_cleanup_errors=True)


@event_priority(100)
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give mkdocstrings a folder with the package `cocoon` that holds a link to every room."""
    package = Path(_folder.name) / "cocoon"
    package.mkdir(exist_ok=True)
    rooms = (module.parent for module in ROOT.glob("*/__init__.py") if module.parent.name not in NOT_PRODUCT)
    for path in (ROOT / "__init__.py", *rooms):
        link = package / path.name
        if not link.exists():
            link.symlink_to(path)
    config.plugins["mkdocstrings"].config["handlers"]["python"]["paths"] = [_folder.name]
    return config


def on_shutdown() -> None:
    """Remove the folder."""
    _folder.cleanup()
