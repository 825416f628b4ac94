"""The extras of this package: what each is for, whether it is installed, and the line that installs it here.

No line names the package itself. It is on no index, and whoever takes its name there would run code at our users.
"""

import importlib.util
import shlex
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "cocoon-esc"
CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Extra:
    """What an extra is for, and the modules that reveal whether it is installed."""

    purpose: str
    modules: tuple[str, ...]

    @property
    def installed(self) -> bool:
        """Return whether all of its modules are installed. None of them is imported."""
        return all(map(_is_installed, self.modules))


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        # The package that the module would be in is missing.
        return False


EXTRAS = {
    "local": Extra(
        "models in this process, plain, adapted or steered",
        ("torch", "transformers", "llguidance", "gguf", "peft", "accelerate"),
    ),
    "steer": Extra("directions from pairs, and calibration", ("sklearn", "scipy")),
    "train": Extra("training of adapters", ("accelerate", "datasets", "peft", "trl")),
    "corpora": Extra("Parquet, to read and to write", ("pyarrow",)),
    "screen": Extra("word vectors of the semantic screen", ("safetensors", "tokenizers", "wordllama")),
    "otel": Extra("traces sent to an OpenTelemetry receiver", ("opentelemetry.exporter.otlp", "opentelemetry.sdk")),
    "repeng": Extra("repeng's own code beside ours", ("repeng",)),
    "ray": Extra("parts of a run as tasks of Ray, on one machine or several", ("ray",)),
    "dev": Extra("the tests", ("pytest", "hypothesis", "playwright")),
    "docs": Extra("building the documentation", ("mkdocs", "material", "mkdocstrings")),
    "bench": Extra("benchmarks against other tools", ("httpx", "inspect_ai", "openai", "openevals")),
}


def install_line(*extras: str) -> str:
    """Return the command that installs these extras where this program runs.

    From a checkout it is that of the Makefile, or pip with its constraints in an environment of one's own. From a wheel
    it names the packages that the extras consist of.
    """
    if not (CHECKOUT / "Makefile").is_file():
        return f"pip install {' '.join(shlex.quote(package) for package in _packages(extras))}"
    names = ",".join(extras)
    if Path(sys.prefix).resolve() != CHECKOUT / ".venv":
        constraints = shlex.quote(str(CHECKOUT / "constraints.txt"))
        return f"pip install -c {constraints} -e {shlex.quote(f'{CHECKOUT}[{names}]')}"
    folder = "" if Path.cwd() == CHECKOUT else f"-C {shlex.quote(str(CHECKOUT))} "
    return f"make {folder}extras EXTRAS={names}"


def _packages(extras: tuple[str, ...]) -> list[str]:
    """Return the packages of extras with their versions, from the metadata of the installed wheel."""
    wanted = {f'extra == "{name}"' for name in extras}
    lines = [line.partition(";") for line in metadata.requires(DISTRIBUTION) or []]
    return sorted({package.strip() for package, _, marker in lines if marker.strip() in wanted})
