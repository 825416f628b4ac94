"""`cocoon`: every verb is a file of its own. Nothing heavy is imported before a verb needs it."""

import os
import sys
import warnings
from typing import ClassVar

import typer

from cocoon.cli.terminal.lazy_group import LazyGroup, Verb
from cocoon.core.outside.interrupts import EXIT_STATUS, number_of, terminate_as_ctrl_c


class Cocoon(LazyGroup):
    """Every verb of `cocoon`."""

    verbs: ClassVar = {
        "demo": Verb(
            "cocoon.cli.demo.demo:demo", "Set up", "Watch a small study: recorded, or made now by the embedded model."
        ),
        "new": Verb("cocoon.cli.new:new", "Set up", "Write a file of your own to start from."),
        "doctor": Verb("cocoon.cli.doctor.doctor:doctor", "Set up", "Say what works here, and what a model can do."),
        "config": Verb("cocoon.cli.config:app", "Set up", "Look at settings."),
        "simulate": Verb(
            "cocoon.cli.simulate:simulate", "Make", "Simulate conversations between supporters and the resistant user."
        ),
        "branch": Verb("cocoon.cli.studies.branch:branch", "Make", "Let talks go on anew from one of their turns."),
        "asking": Verb(
            "cocoon.cli.studies.asking:asking", "Judge", "Ask or say the same within talks, and compare what comes."
        ),
        "script": Verb("cocoon.cli.building:script", "Make", "Write dialogues as scripts."),
        "profiles": Verb("cocoon.cli.profiles.profiles:app", "Make", "Build, translate, import and count profiles."),
        "corpus": Verb("cocoon.cli.corpus:app", "Make", "Import corpora of dialogues, count them, export them."),
        "merge": Verb("cocoon.cli.merge:merge_command", "Make", "Put the shards of a run together."),
        "judge": Verb("cocoon.cli.judge:judge", "Judge", "Judge the dialogues of a run."),
        "compare": Verb(
            "cocoon.cli.reports.compare:compare_command", "Judge", "Compare supporters, with intervals and tests."
        ),
        "ablate": Verb("cocoon.cli.studies.ablate:ablate", "Judge", "Compare simulated users that know more or less."),
        "panel": Verb(
            "cocoon.cli.studies.panel:panel", "Judge", "Say whether the choice of the simulated user moves the scores."
        ),
        "reproduce": Verb("cocoon.cli.studies.reproduce:reproduce", "Judge", "Make a table of the paper again."),
        "power": Verb("cocoon.cli.reports.power:power", "Judge", "Say how many profiles a comparison needs."),
        "plan": Verb("cocoon.cli.plan:plan_command", "Look", "Say what a study takes on several machines."),
        "verify": Verb("cocoon.cli.verify:verify_command", "Look", "Say whether a run is as it was made."),
        "report": Verb("cocoon.cli.reports.report:report_command", "Look", "Write the tables and figures of a run."),
        "view": Verb("cocoon.cli.view:view", "Look", "Look at the dialogues of a run in a browser."),
        "questions": Verb("cocoon.cli.reports.questions:questions_command", "Look", "Print how often each side asks."),
        "fidelity": Verb("cocoon.cli.reports.fidelity:fidelity", "Look", "Count what the simulated users gave away."),
        "graph": Verb("cocoon.cli.graph:graph", "Look", "Draw a graph as it runs."),
        "export": Verb("cocoon.cli.export:export_command", "Look", "Write a run for another program."),
        "steer": Verb(
            "cocoon.cli.steer.steer:app",
            "Steer",
            "Steer how often a local supporter asks: pairs, direction, coefficient, sweep.",
        ),
        "train": Verb(
            "cocoon.cli.train.train:app",
            "Train",
            "Train an agent on dialogues (LoRA), pack it, merge it, hand it over.",
        ),
        "serve": Verb("cocoon.cli.serve:serve_command", "Train", "Serve local models at an OpenAI-compatible address."),
        "serve-plan": Verb(
            "cocoon.cli.served.serve_plan:serve_plan_command", "Train", "Print the line that starts vLLM for a study."
        ),
        "wait-for": Verb("cocoon.cli.served.wait_for:wait_for_server", "Train", "Wait until a model server is up."),
        "human": Verb(
            "cocoon.cli.human.human:app", "People", "Run a study with people: rating, comparison, live chat."
        ),
        "chat": Verb("cocoon.cli.chat.chat:chat", "People", "Talk with a simulated user or with a supporter."),
    }


app = typer.Typer(
    name="cocoon",
    cls=Cocoon,
    help="Simulate proactive emotional support: a supporter talks with a resistant user, and judges rate it.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


THREE_WAYS = """Three ways to begin:

  cocoon demo --recorded     look at a small study: two seconds, no model
  cocoon demo                watch the embedded model talk and be judged: minutes, nothing leaves this machine
  cocoon doctor --model SPEC, then
  cocoon simulate --profiles shipped -n 2 --supporter SPEC --user SPEC --judge SPEC --out runs/first
                             a study with a model of your own, such as openai:gpt-5-mini

All commands: cocoon --help"""


@app.callback(invoke_without_command=True)
def version(
    context: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version and stop.")
) -> None:
    if version:
        from cocoon import __version__

        typer.echo(f"cocoon {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(THREE_WAYS)
        return
    from cocoon.api.progress import WorkLine
    from cocoon.core.progress import displayed_on

    context.with_resource(displayed_on(WorkLine()))


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
    except SystemExit as ended:
        # Before and after a command runs, typer takes any signal for Ctrl-C, ends with its status and says nothing.
        interrupt = ended.__context__.__cause__ if ended.__context__ else None
        if not isinstance(interrupt, KeyboardInterrupt):
            raise
        typer.echo("cocoon: stopped; give the same command to go on", err=True)
        sys.exit(EXIT_STATUS + number_of(interrupt))


if __name__ == "__main__":
    run()
