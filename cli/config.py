"""`cocoon config`: the settings that a command would run with, and where each of them came from."""

from typing import TYPE_CHECKING, Any

import typer

from cocoon.cli.terminal.options import Config, Json, Options, Preset

if TYPE_CHECKING:
    from cocoon.core.config import Resolved

app = typer.Typer(no_args_is_help=True, help="Look at settings.")
DEFAULT = "default"


@app.callback()
def _group() -> None:
    """Look at settings."""


@app.command()
def show(config: Config = None, preset: Preset = None, options: Options = None, as_json: Json = False) -> None:
    """Print every setting with its value and its origin: default, preset, file, environment or -o."""
    import json

    from cocoon.core.config import resolve

    resolved = resolve(config, options or [], preset=preset)
    if as_json:
        values = resolved.config.model_dump(mode="json")
        told = {"config": values, "origins": {key: origin for key, _, origin in rows(resolved)}}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    _print_table(rows(resolved))


def rows(resolved: "Resolved") -> list[tuple[str, Any, str]]:
    """(dotted key, value, origin) of every setting."""
    values = _flat(resolved.config.model_dump(mode="json"))
    return [(key, value, _origin(key, resolved.origins)) for key, value in values]


def _flat(tree: dict[str, Any], above: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in tree.items():
        name = f"{above}{key}"
        # Prices are named by model, and a model's name holds dots of its own.
        if isinstance(value, dict) and name != "prices":
            found += _flat(value, f"{name}.")
        else:
            found.append((name, value))
    return found


def _origin(key: str, origins: dict[str, str]) -> str:
    """Where a key was set: itself, or a key above it that was given whole."""
    return next((origins[name] for name in (key, *_above(key)) if name in origins), DEFAULT)


def _above(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]


def _print_table(found: list[tuple[str, Any, str]]) -> None:
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
