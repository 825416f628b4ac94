"""`cocoon config`: the settings that a command would run with, and where each of them came from."""

import typer

from cocoon.cli.terminal.options import Json
from cocoon.cli.terminal.results import print_json
from cocoon.cli.terminal.settings import PAPER, settings_of
from cocoon.core.config import DEFAULT, StudyConfig
from cocoon.core.verb_settings import SIMULATE, Given

app = typer.Typer(no_args_is_help=True, help="Look at settings.")


@app.callback()
def _group() -> None:
    """Look at settings."""


@app.command("show")
@settings_of(SIMULATE, preset=PAPER)
def show_settings(given: Given[StudyConfig], as_json: Json = False) -> None:
    """Print every setting of a run with its value and its origin: default, preset, file, environment, -o or flag."""

    resolved = given.resolve()
    if as_json:
        values = resolved.config.model_dump(mode="json")
        plain = {"config": values, "origins": {key: origin for key, _, origin in resolved.rows()}}
        print_json(plain, indent=2)
        return
    _print_table(resolved.rows())


def _print_table(settings: list[tuple[str, object, str]]) -> None:
    import json

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cocoon.cli.terminal.terminal_text import printable

    table = Table(show_edge=False)
    for head in ("setting", "value", "from"):
        table.add_column(head, overflow="fold")
    for key, value, origin in settings:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        table.add_row(key, Text(printable(text)), Text(printable(origin)), style=None if origin == DEFAULT else "bold")
    Console().print(table)
