"""`cocoon`: every verb is a file of its own. Nothing heavy is imported before a verb needs it."""

import os
import sys
import warnings

import typer

from cocoon.cli.chat.chat import chat
from cocoon.cli.config import app as config_app
from cocoon.cli.corpus import app as corpus_app
from cocoon.cli.demo import demo
from cocoon.cli.doctor.doctor import doctor
from cocoon.cli.export import export_command
from cocoon.cli.graph import graph
from cocoon.cli.human.human import app as human_app
from cocoon.cli.judge import judge
from cocoon.cli.new import new
from cocoon.cli.profiles.profiles import app as profiles_app
from cocoon.cli.reports.compare import compare_command
from cocoon.cli.reports.fidelity import fidelity
from cocoon.cli.reports.power import power
from cocoon.cli.reports.questions import questions_command
from cocoon.cli.reports.report import report_command
from cocoon.cli.script import script
from cocoon.cli.serve import serve_command
from cocoon.cli.simulate import simulate
from cocoon.cli.steer.steer import app as steer_app
from cocoon.cli.studies.ablate import ablate
from cocoon.cli.studies.reproduce import reproduce
from cocoon.cli.train.train import app as train_app
from cocoon.cli.view import view

app = typer.Typer(
    name="cocoon",
    help="Simulate proactive emotional support: a supporter talks with a resistant user, and judges rate it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    demo,
    new,
    doctor,
    script,
    simulate,
    judge,
    report_command,
    reproduce,
    compare_command,
    ablate,
    fidelity,
    power,
    questions_command,
    chat,
    serve_command,
    view,
    graph,
    export_command,
):
    app.command(command.__name__.removesuffix("_command"))(command)
app.add_typer(profiles_app, name="profiles")
app.add_typer(corpus_app, name="corpus")
app.add_typer(train_app, name="train")
app.add_typer(human_app, name="human")
app.add_typer(steer_app, name="steer")
app.add_typer(config_app, name="config")


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
    try:
        app()
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        sys.exit(130)
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
