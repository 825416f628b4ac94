"""`cocoon config`: the settings that a command would run with, and where each of them came from."""

from collections.abc import Iterator

import typer

from cocoon.cli.terminal.options import Json
from cocoon.cli.terminal.settings import PAPER, settings_of
from cocoon.core.config import Resolved, StudyConfig
from cocoon.core.verb_settings import SIMULATE, Given

app = typer.Typer(no_args_is_help=True, help="Look at settings.")
DEFAULT = "default"


@app.callback()
def _group() -> None:
    """Look at settings."""


@app.command()
@settings_of(SIMULATE, preset=PAPER)
def show(given: Given[StudyConfig], as_json: Json = False) -> None:
    """Print every setting of a run with its value and its origin: default, preset, file, environment, -o or flag."""
    import json

    resolved = given.resolve()
    if as_json:
        values = resolved.config.model_dump(mode="json")
        shown = {"config": values, "origins": {key: origin for key, _, origin in rows(resolved)}}
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    _print_table(rows(resolved))


def rows(resolved: Resolved[StudyConfig]) -> list[tuple[str, object, str]]:
    """Return (dotted key, value, origin) of every setting."""
    values = _flat(resolved.config.model_dump(mode="json"), "")
    return [(key, value, _origin(key, resolved.origins)) for key, value in values]


def _flat(value: object, key: str) -> Iterator[tuple[str, object]]:
    """Yield every value below a key with its own key, the elements of a list by their number."""
    # Prices are named by model, and a model's name holds dots of its own.
    if isinstance(value, dict) and key != "prices":
        children = [(str(name), child) for name, child in value.items()]
    elif isinstance(value, list) and any(isinstance(child, dict) for child in value):
        children = [(str(number), child) for number, child in enumerate(value)]
    else:
        yield key, value
        return
    for name, child in children:
        yield from _flat(child, f"{key}.{name}" if key else name)


def _origin(key: str, origins: dict[str, str]) -> str:
    """Where a key was set: itself, a key above it that was given whole, or its elements one by one."""
    given = next((origins[name] for name in (key, *_above(key)) if name in origins), None)
    elements = [origin for name, origin in origins.items() if name.startswith(f"{key}.")]
    return given or ", ".join(dict.fromkeys(elements)) or DEFAULT


def _above(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]


def _print_table(found: list[tuple[str, object, str]]) -> None:
    import json

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cocoon.cli.terminal.terminal_text import printable

    table = Table(show_edge=False)
    for head in ("setting", "value", "from"):
        table.add_column(head, overflow="fold")
    for key, value, origin in found:
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        table.add_row(key, Text(printable(shown)), Text(printable(origin)), style=None if origin == DEFAULT else "bold")
    Console().print(table)
