"""What this machine offers a run: versions, extras, the embedded model, the cache, settings of the environment."""

import os
import platform
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

from cocoon import __version__
from cocoon.core.extras import EXTRAS, install_line
from cocoon.core.model_spec import without_secrets
from cocoon.core.records import Record
from cocoon.models.local.embedded import EMBEDDED_HUB_ID, EMBEDDED_PACKAGE, cache_folder, embedded_file
from cocoon.models.probe import Finding

PACKAGES = (
    "aiohttp", "jinja2", "langchain-core", "langchain-openai", "langgraph", "numpy", "orjson", "pydantic", "pyyaml",
    "rich", "typer", "torch", "transformers", "llguidance", "gguf",
)  # fmt: skip
TRACING = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")


class Environment(Record):
    """What is installed here. `packages` are versions (None: not installed), and free disk is in bytes. It has no
    secret.
    """

    cocoon: str
    python: str
    system: str
    packages: dict[str, str | None]
    extras: dict[str, bool]
    embedded_model: str
    cache: str
    cache_writable: bool
    free_bytes: int
    tracing_ignored: list[str]
    openai_key_set: bool
    openai_base_url: str | None


def look_round() -> Environment:
    """Return the environment as it is now. Nothing is changed, and nothing heavy is imported."""
    cache = cache_folder()
    base_url = os.environ.get("OPENAI_BASE_URL")
    return Environment(
        cocoon=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        packages={name: _version(name) for name in PACKAGES},
        extras={name: extra.installed for name, extra in EXTRAS.items()},
        embedded_model=_embedded(),
        cache=str(cache),
        cache_writable=_writable(_nearest(cache)),
        free_bytes=shutil.disk_usage(_nearest(cache)).free,
        tracing_ignored=[name for name in TRACING if os.environ.get(name, "").lower() in ("1", "true")],
        openai_key_set=bool(os.environ.get("OPENAI_API_KEY")),
        openai_base_url=without_secrets(base_url) if base_url else None,
    )


def findings_of(environment: Environment) -> list[Finding]:
    """Return what an environment has, as yes or no with a detail."""
    missing = [name for name, version in environment.packages.items() if version is None]
    packages = ", ".join(f"{name} {version}" for name, version in environment.packages.items() if version)
    lacking = f"; not installed: {', '.join(missing)}" if missing else ""
    key = f"requests go to {environment.openai_base_url}" if environment.openai_base_url else ""
    system = f"{environment.cocoon}, Python {environment.python}, {environment.system}"
    ignored = ", ".join(environment.tracing_ignored)
    tracing = f"{ignored}: set, and ignored" if ignored else "not asked for"
    return [
        Finding(name="cocoon", found=True, detail=system),
        Finding(name="packages", found=not missing, detail=packages + lacking),
        *(_extra_finding(name, installed) for name, installed in environment.extras.items()),
        Finding(
            name="embedded model",
            found="not installed" not in environment.embedded_model,
            detail=environment.embedded_model,
        ),
        Finding(name="cache writable", found=environment.cache_writable, detail=environment.cache),
        Finding(name="free disk", found=environment.free_bytes > 2e9, detail=f"{environment.free_bytes / 1e9:.0f} GB"),
        Finding(name="OPENAI_API_KEY set", found=environment.openai_key_set, detail=key),
        Finding(name="cloud tracing", found=False, detail=tracing),
    ]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _extra_finding(name: str, installed: bool) -> Finding:
    remedy = "" if installed else f"; install with `{install_line(name)}`"
    return Finding(name=f"extra {name!r}", found=installed, detail=f"{EXTRAS[name].purpose}{remedy}")


def _embedded() -> str:
    file = embedded_file()
    if file is None:
        return (
            f"package {EMBEDDED_PACKAGE!r} is not installed; would come from the Hugging Face hub ({EMBEDDED_HUB_ID})"
        )
    converted = any((cache_folder() / "models").glob(f"{file.stem}-*/source.json"))
    return f"{file} ({'converted in the cache' if converted else 'will be converted at first use'})"


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest above it that is there."""
    return next(candidate for candidate in (folder, *folder.absolute().parents) if candidate.is_dir())


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
