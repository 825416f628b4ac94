"""`cocoon chat`: talk to either side in the terminal, to the simulated user or to the supporter."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cocoon.cli.terminal.options import CloudTracing
from cocoon.cli.terminal.settings import PAPER, settings_of
from cocoon.core.config import Resolved, StudyConfig, refuse_gate_of_prompted
from cocoon.core.verb_settings import CHAT, Given

if TYPE_CHECKING:
    from cocoon.core.records import Role
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
        Literal["zh", "en"] | None, typer.Option(help="The language where no profile is given (default: en).")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Append the dialogue to this run folder.")] = None,
    allow_cloud_tracing: CloudTracing = False,
) -> None:
    """Talk with a simulated user (as the supporter) or with a supporter (as the user); /help tells more."""
    from cocoon.api.reporter import Reporter
    from cocoon.core.errors import CocoonError
    from cocoon.running.chat import chat_profile, open_partner, open_person_chat
    from cocoon.running.local_parts import local_parts
    from cocoon.running.session import forbid_cloud_tracing
    from cocoon.running.study import Study, open_models

    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    resolved = given.resolve()
    _refuse_idle(resolved, play)
    if profile is not None and language is not None:
        raise CocoonError(f"--language {language}: the language is that of profile {profile!r}. Leave one of them out.")
    user_profile = chat_profile(profile, play, language or "en")
    config = resolved.config
    study = Study(config, open_models(config, local_parts(), live=True), languages=(user_profile.language,))
    typer.echo("loading the model ...", err=True)
    partner = open_partner(study, play)
    Reporter().hosts(study.models)
    with open_person_chat(study, partner, user_profile, out) as talk:
        _talk(talk, study, out)


def _refuse_idle(resolved: Resolved[StudyConfig], play: "Role") -> None:
    """Raise CocoonError for settings of the side that a person plays, and of an agent that lacks them."""
    side = {"supporter": "supporters", "user": "user"}[play]
    resolved.refuse([side], f"you play the {play} yourself. Leave it out, or take the other side with --as.")
    refuse_gate_of_prompted(resolved)
    if len(resolved.config.supporters) > 1 and play == "user":
        resolved.refuse(["supporters"], "a chat has one supporter. Name one.")


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
