"""`cocoon chat`: talk to either side in the terminal, to the simulated user or to the supporter."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cocoon.cli.terminal.options import CloudTracing, Config, Options, Preset, Timeout

if TYPE_CHECKING:
    from cocoon.core.config import StudyConfig, SupporterConfig
    from cocoon.running.chat import PersonChat
    from cocoon.running.study import Study


def chat(
    play: Annotated[Literal["supporter", "user"], typer.Option("--as", help="Whom you play.")] = "supporter",
    profile: Annotated[
        str | None,
        typer.Option(metavar="FILE#ID", help="Who the user is; FILE may be shipped:en. Without #ID the first."),
    ] = None,
    language: Annotated[Literal["zh", "en"], typer.Option(help="The language where no profile is given.")] = "en",
    supporter: Annotated[str | None, typer.Option(metavar="SPEC", help="The supporter's model.")] = None,
    supporter_prompt: Annotated[str | None, typer.Option(help="Its prompt: listen, plain, brief, or your own.")] = None,
    user: Annotated[str | None, typer.Option(metavar="SPEC", help="The simulated user's model.")] = None,
    user_kind: Annotated[str | None, typer.Option(help="guarded (trust gate) or prompted (the paper's).")] = None,
    difficulty: Annotated[str | None, typer.Option(help="easy, normal or hard (guarded user).")] = None,
    rules: Annotated[str | None, typer.Option(help="Trust rules: neutral or listening.")] = None,
    appraiser: Annotated[str | None, typer.Option(metavar="SPEC", help="Appraising model, or rule.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Append the dialogue to this run folder.")] = None,
    timeout: Timeout = None,
    config: Config = None,
    preset: Preset = None,
    options: Options = None,
    allow_cloud_tracing: CloudTracing = False,
) -> None:
    """Talk with a simulated user (as the supporter) or with a supporter (as the user); /help tells more."""
    from cocoon.api.reporter import Reporter
    from cocoon.core.config import resolve
    from cocoon.running.chat import chat_profile, open_partner, open_person_chat
    from cocoon.running.local_parts import local_parts
    from cocoon.running.session import forbid_cloud_tracing
    from cocoon.running.study import Study, open_models

    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    flags: dict[str, Any] = {
        "user.model": user,
        "user.kind": user_kind,
        "user.difficulty": difficulty,
        "user.rules": rules,
        "user.appraiser": appraiser,
        "timeout": timeout,
    }
    settings = resolve(config, options or [], flags, preset=preset).config
    settings.supporters[:] = [_supporter_config(settings, supporter, supporter_prompt)]
    user_profile = chat_profile(profile, play, language)
    study = Study(settings, open_models(settings, local_parts()), languages=(user_profile.language,))
    typer.echo("loading the model ...", err=True)
    partner = open_partner(study, play)
    Reporter().hosts(study.models)
    with open_person_chat(study, partner, user_profile, out) as talk:
        _talk(talk, study, out)


def _supporter_config(config: "StudyConfig", spec: str | None, prompt: str | None) -> "SupporterConfig":
    options = {"model": spec, "name": "" if spec else None, "prompt": prompt}
    return config.supporters[0].model_copy(update={key: value for key, value in options.items() if value is not None})


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
