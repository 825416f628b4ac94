"""`cocoon`: every verb is a file of its own. Nothing heavy is imported before a verb needs it."""

import os
import sys
import warnings
from typing import ClassVar

import typer

from cocoon.cli.terminal.lazy_group import LazyGroup, Verb
from cocoon.core.outside.interrupts import terminate_as_ctrl_c


class Cocoon(LazyGroup):
    """Every verb of `cocoon`."""

    verbs: ClassVar = {
        "demo": Verb("cocoon.cli.demo:demo", "Simulate, judge and report with the embedded model."),
        "new": Verb("cocoon.cli.new:new", "Write a file of your own to start from."),
        "doctor": Verb("cocoon.cli.doctor.doctor:doctor", "Say what works here, and what a model can do."),
        "script": Verb("cocoon.cli.script:script", "Write dialogues as scripts."),
        "simulate": Verb("cocoon.cli.simulate:simulate", "Simulate conversations."),
        "judge": Verb("cocoon.cli.judge:judge", "Judge the dialogues of a run."),
        "report": Verb("cocoon.cli.reports.report:report_command", "Write the tables and figures of a run."),
        "reproduce": Verb("cocoon.cli.studies.reproduce:reproduce", "Make a table of the paper again."),
        "verify": Verb("cocoon.cli.verify:verify_command", "Say whether a run is as it was made."),
        "compare": Verb("cocoon.cli.reports.compare:compare_command", "Compare supporters, with intervals and tests."),
        "ablate": Verb("cocoon.cli.studies.ablate:ablate", "Compare simulated users that know more or less."),
        "fidelity": Verb("cocoon.cli.reports.fidelity:fidelity", "Count what the simulated users gave away."),
        "power": Verb("cocoon.cli.reports.power:power", "Say how many profiles a comparison needs."),
        "questions": Verb("cocoon.cli.reports.questions:questions_command", "Print how often each side asks."),
        "chat": Verb("cocoon.cli.chat.chat:chat", "Talk with a simulated user or with a supporter."),
        "serve": Verb("cocoon.cli.serve:serve_command", "Serve local models at an OpenAI-compatible address."),
        "view": Verb("cocoon.cli.view:view", "Look at the dialogues of a run in a browser."),
        "graph": Verb("cocoon.cli.graph:graph", "Draw a graph as it runs."),
        "export": Verb("cocoon.cli.export:export_command", "Write a run for another program."),
        "profiles": Verb("cocoon.cli.profiles.profiles:app", "Build, translate, import and count profiles."),
        "corpus": Verb("cocoon.cli.corpus:app", "Import corpora of dialogues, count them, export them."),
        "train": Verb("cocoon.cli.train.train:app", "Train a supporter on dialogues (LoRA); merge; hand over."),
        "human": Verb("cocoon.cli.human.human:app", "Study with people: rating, comparison, live chat."),
        "steer": Verb("cocoon.cli.steer.steer:app", "Steer how often a local supporter asks."),
        "config": Verb("cocoon.cli.config:app", "Look at settings."),
    }


app = typer.Typer(
    name="cocoon",
    cls=Cocoon,
    help="Simulate proactive emotional support: a supporter talks with a resistant user, and judges rate it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def version(
    context: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version and stop.")
) -> None:
    if version:
        from cocoon import __version__

        typer.echo(f"cocoon {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run() -> None:
    """Start the command line. An error that the user can fix is one line on stderr, with its exit code."""
    warnings.filterwarnings("ignore", module="langchain|langgraph|pydantic|torch|transformers")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    terminate_as_ctrl_c()
    try:
        app()
    except BrokenPipeError:
        sys.exit(0)
    except Exception as error:
        from cocoon.core.errors import CocoonError

        if not isinstance(error, CocoonError):
            raise
        typer.echo(f"cocoon: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    run()
