"""What `cocoon` says of itself: the ways to begin, every verb in its group, nothing cut off, completion."""

from typing import Any

import pytest
import typer

from cocoon.cli.main import Cocoon, app
from cocoon.tests.commands import cocoon

GROUPS = ["Set up", "Make", "Judge", "Look", "Steer", "Train", "People"]


def words(text: str) -> str:
    """A text without the frames and line breaks of help."""
    return " ".join(text.replace("│", " ").split())


def test_cocoon_alone_shows_three_ways_to_begin() -> None:
    done = cocoon()
    assert done.code == 0
    assert "cocoon demo --recorded" in done.out
    assert "cocoon simulate --profiles shipped" in done.out
    assert "cocoon --help" in done.out


def test_help_lists_every_verb_in_its_group_with_its_whole_summary() -> None:
    shown = cocoon("--help").out
    places = [shown.index(f"─ {group} ") for group in GROUPS]
    assert places == sorted(places)
    for name, verb in Cocoon.verbs.items():
        assert f"{name} {verb.help}" in words(shown)
    assert "…" not in shown and "..." not in shown.replace("[ARGUMENTS] ...", "")


@pytest.mark.parametrize("group", ["corpus", "human", "profiles", "steer", "train"])
def test_the_commands_of_a_group_are_listed_with_their_whole_summaries(group: str) -> None:
    shown = words(cocoon(group, "--help").out)
    command: Any = typer.main.get_command(app)
    command = command.get_command(typer.Context(command), group)
    for name, part in command.commands.items():
        summary = words((part.help or "").split("\n\n")[0])
        assert f"{name} {summary}" in shown


def test_the_help_of_a_verb_says_all_of_every_option() -> None:
    shown = cocoon("simulate", "--help", environment={"COLUMNS": "200"}).out
    command: Any = typer.main.get_command(app)
    command = command.get_command(typer.Context(command), "simulate")
    for option in command.params:
        if option.help and not option.hidden:
            assert words(option.help) in words(shown)


def test_completion_offers_the_verbs_and_imports_none() -> None:
    command: Any = typer.main.get_command(app)
    offered = command.shell_complete(typer.Context(command), "co")
    assert [item.value for item in offered] == ["config", "corpus", "compare"]
    assert command.commands == {}


def test_completion_can_be_installed() -> None:
    assert "--install-completion" in cocoon("--help").out
