"""`cocoon chat`: talk to either side in the terminal, to the simulated user or to the supporter."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cocoon.cli.terminal.options import CloudTracing
from cocoon.cli.terminal.settings import PAPER, settings_of
from cocoon.core.config import StudyConfig
from cocoon.core.records import Language
from cocoon.core.verb_settings import CHAT, Given

if TYPE_CHECKING:
    from cocoon.running.chat import PersonChat
    from cocoon.running.study import Study


@settings_of(CHAT, preset=PAPER)
def chat(
    given: Given[StudyConfig],
    play: Annotated[Literal["supporter", "user"], typer.Option("--as", help="Whom you play.")] = "supporter",
    profile: Annotated[
        str | None,
        typer.Option(metavar="FILE#ID", help="Who the user is; FILE may be shipped:en. Without #ID the first."),
    ] = None,
    language: Annotated[
        Language | None, typer.Option(help="The language where no profile is given (default: en).")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Append the dialogue to this run folder.")] = None,
    allow_cloud_tracing: CloudTracing = False,
) -> None:
    """Talk with a simulated user (as the supporter) or with a supporter (as the user); /help tells more."""
    from cocoon.api.reporter import Reporter
    from cocoon.running.chat import open_person_chat, prepare_chat

    chat = prepare_chat(given, play, profile, language, allow_cloud_tracing=allow_cloud_tracing)
    typer.echo("loading the model ...", err=True)
    partner = chat.open_partner()
    reporter = Reporter()
    reporter.unnamed(chat.study.config, but="supporters" if play == "supporter" else "user")
    reporter.hosts(chat.study.models)
    with open_person_chat(chat.study, partner, chat.profile, out) as talk:
        _talk(talk, chat.study, out)


def _talk(chat: "PersonChat", study: "Study", out: Path | None) -> None:
    import asyncio

    from cocoon.cli.chat.talk import TerminalTalk

    with asyncio.Runner() as runner:
        try:
            unanswered = TerminalTalk(chat, runner).run()
        finally:
            runner.run(study.models.aclose())
    if out is not None:
        both_spoke = chat.close()
        saved = f"saved as {chat.dialogue.id!r} in {out}/dialogues.jsonl" if both_spoke else "nothing was said"
        typer.echo(saved, err=True)
    if unanswered:
        raise typer.Exit(1)
