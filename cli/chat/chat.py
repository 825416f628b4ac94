"""`cocoon chat`: talk to either side in the terminal, to the simulated user or to the supporter."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cocoon.cli.terminal.options import CloudTracing
from cocoon.cli.terminal.settings import PAPER, settings_of
from cocoon.core.config import Resolved, StudyConfig, refuse_gate_of_prompted
from cocoon.core.verb_settings import CHAT, Given

if TYPE_CHECKING:
    from cocoon.cli.chat.talk import Other
    from cocoon.core.records import Language, Profile, Role
    from cocoon.running.folder import RunFolder
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
    from cocoon.running.local_parts import local_parts
    from cocoon.running.session import forbid_cloud_tracing
    from cocoon.running.study import Study, open_models

    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    resolved = given.resolve()
    _refuse_idle(resolved, play)
    settings = resolved.config
    chosen = _profile(profile, play, language)
    study = Study(settings, open_models(settings, local_parts()), languages=(chosen.language,))
    typer.echo("loading the model ...", err=True)
    other = _other(study, play)
    hosts = study.models.hosts
    typer.echo(f"text goes to: {', '.join(hosts)}" if hosts else "text stays on this machine", err=True)
    with _folder(out) as folder:
        _talk(folder, other, study, chosen, out)


def _refuse_idle(resolved: Resolved[StudyConfig], play: "Role") -> None:
    """Raise CocoonError for settings of the side that a person plays, and of an agent that lacks them."""
    side = {"supporter": "supporters", "user": "user"}[play]
    resolved.refuse([side], f"you play the {play} yourself. Leave it out, or take the other side with --as.")
    refuse_gate_of_prompted(resolved)
    if len(resolved.config.supporters) > 1 and play == "user":
        resolved.refuse(["supporters"], "a chat has one supporter. Name one.")


def _profile(wanted: str | None, play: "Role", language: "Language | None") -> "Profile":
    from cocoon.core.errors import CocoonError
    from cocoon.core.jsonl import read_records
    from cocoon.core.profile_files import profile_path
    from cocoon.core.records import Profile

    if wanted is not None and language is not None:
        raise CocoonError(f"--language {language}: the language is that of profile {wanted!r}. Leave one of them out.")
    language = language or "en"
    if wanted is None and play == "user":
        return Profile(id="person", language=language, feeling="(not stated: a person at the terminal)", source="chat")
    file, _, name = (wanted or f"shipped:{language}").partition("#")
    for path in profile_path(file):
        for profile in read_records(path, Profile):
            if name in ("", profile.id):
                return profile
    raise CocoonError(f"{file}: no profile {name!r} in it; see `cocoon profiles show {file}`")


def _other(study: "Study", play: "Role") -> "Other":
    from cocoon.cli.chat.talk import OtherSupporter, OtherUser

    if play == "supporter":
        return OtherUser(study.user(), study.folder)
    return OtherSupporter(study.supporters()[0])


@contextmanager
def _folder(out: Path | None) -> "Iterator[RunFolder]":
    """The run folder, or one that is gone afterwards."""
    import tempfile

    from cocoon.running.folder import RunFolder

    with tempfile.TemporaryDirectory(prefix="cocoon-chat-") as beside:
        folder = RunFolder(out or Path(beside))
        try:
            yield folder
        finally:
            folder.trace.close()
            folder.close()


def _talk(folder: "RunFolder", other: "Other", study: "Study", profile: "Profile", out: Path | None) -> None:
    import asyncio

    from cocoon.cli.chat.talk import Kept, Talk
    from cocoon.models.calls import Caller

    caller = Caller(folder.journal, seed=study.config.seed, models=study.models)
    kept = Kept(folder)
    with asyncio.Runner() as runner:
        talk = Talk(caller, other, kept.fresh(profile, other), runner, kept)
        try:
            failed = talk.run()
        finally:
            runner.run(study.models.aclose())
    if out is not None:
        said = kept.close(talk.dialogue)
        typer.echo(f"saved as {talk.dialogue.id!r} in {out}/dialogues.jsonl" if said else "nothing was said", err=True)
    if failed:
        raise typer.Exit(1)
