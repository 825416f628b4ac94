"""A group of commands that imports a command when it is run, so that `cocoon --help` imports none of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_group

if TYPE_CHECKING:
    from rich.panel import Panel
    from typer._click import Command, Context, HelpFormatter
    from typer._click.shell_completion import CompletionItem

_NAME = 10


@dataclass(frozen=True)
class Verb:
    """Where a command is, and what the list of commands says of it.

    `home` is `module:name` of a function, or of a `typer.Typer` with commands of its own. `group` heads the part of the
    list that it stands in.
    """

    home: str
    group: str
    help: str

    def load(self, name: str) -> "Command":
        """Return the command, imported now."""
        module, _, attribute = self.home.partition(":")
        target = getattr(import_module(module), attribute)
        holder = typer.Typer(add_completion=False, rich_markup_mode="rich")
        if isinstance(target, typer.Typer):
            holder.add_typer(target, name=name)
        else:
            holder.command(name)(target)
        # With this, typer makes a group of the holder even where it holds one command.
        holder.callback()(_nothing)
        return get_group(holder).commands[name]


def _nothing() -> None:
    """Do nothing."""


class LazyGroup(TyperGroup):
    """The commands of `verbs`, in their order.

    An empty argument is refused. It comes from a variable of the shell that is not set, and as a path it would mean the
    folder that one stands in.
    """

    verbs: ClassVar[Mapping[str, Verb]] = {}

    def list_commands(self, ctx: "Context") -> list[str]:
        """Return the names of all commands."""
        del ctx
        return list(self.verbs)

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":
        """Return a command, imported at its first use."""
        del ctx
        if cmd_name in self.verbs and cmd_name not in self.commands:
            self.commands[cmd_name] = self.verbs[cmd_name].load(cmd_name)
        return self.commands.get(cmd_name)

    def format_help(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Print the commands by group, none of which is imported for it."""
        del formatter
        from rich.console import Console
        from rich.padding import Padding

        console = Console(highlight=False)
        console.print(f"\nUsage: {ctx.command_path} COMMAND [ARGUMENTS] ...", markup=False)
        console.print(Padding(self.help or "", (1, 0)), markup=False)
        for group in dict.fromkeys(verb.group for verb in self.verbs.values()):
            rows = [(name, verb.help) for name, verb in self.verbs.items() if verb.group == group]
            console.print(_panel(group, rows))
        records = [record for option in self.get_params(ctx) if (record := option.get_help_record(ctx)) is not None]
        console.print(_panel("Options", records))
        console.print(f"{ctx.command_path} COMMAND --help says more of a command.", style="dim")

    def shell_complete(self, ctx: "Context", incomplete: str) -> "list[CompletionItem]":
        """Return the commands that begin so, none of which is imported for it."""
        from typer._click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=verb.help) for name, verb in self.verbs.items() if name.startswith(incomplete)
        ]
        return found if not incomplete.startswith("-") else super().shell_complete(ctx, incomplete)

    def invoke(self, ctx: "Context") -> object:
        """Run the command that was given. Raises StoppedError where Ctrl-C or another signal stopped it.

        What the system refuses (a name that is too long, a file without permission, a full disk) is CocoonError.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except OSError as error:
            from cocoon.core.errors import CocoonError

            raise CocoonError(f"{str(error.filename or '')[:200]}: {error.strerror or error}") from error
        except KeyboardInterrupt as interrupt:
            from cocoon.core.errors import StoppedError
            from cocoon.core.outside.interrupts import number_of

            raise StoppedError("stopped; give the same command to go on", number_of(interrupt)) from None

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Parse what follows the group's name. Raises CocoonError for an argument that is empty."""
        _refuse_empty(args)
        return super().parse_args(ctx, args)


def _panel(title: str, rows: "Sequence[tuple[str, str]]") -> "Panel":
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(min_width=_NAME, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    for name, words in rows:
        grid.add_row(Text(name, style="bold cyan"), Text(words))
    return Panel(grid, title=title, title_align="left", border_style="dim")


def _refuse_empty(arguments: Sequence[str]) -> None:
    from cocoon.core.errors import CocoonError

    for place, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        before = arguments[place - 1] if place else ""
        if not argument.strip():
            name = before if before.startswith("-") else f"argument {place + 1}"
        elif argument.startswith("--") and equals and not value.strip():
            name = option
        else:
            continue
        raise CocoonError(f"{name} is empty. Give it a value, or leave it out (is a variable of your shell not set?).")
