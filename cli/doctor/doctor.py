"""`cocoon doctor`: what works here, and what a model or its endpoint can do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cocoon.cli.terminal.options import Json
from cocoon.cli.terminal.unused import refuse_unused

if TYPE_CHECKING:
    from cocoon.models.probe import Finding, Prober
    from cocoon.running.environment import Environment

MARKS = {True: "yes", False: "no", None: "?"}


def doctor(
    model: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Try a model: openai:NAME, http://HOST/v1#NAME, local:NAME.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Test a model as a judge of success, on labelled transcripts.")
    ] = None,
    language: Annotated[Literal["zh", "en"] | None, typer.Option(help="With --judge: one language only.")] = None,
    number: Annotated[int | None, typer.Option("-n", min=1, help="With --judge: so many transcripts.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --judge: keep the replies here, to go on or look at.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="With --judge: list the transcripts judged wrong.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, help="With --model or --judge: seconds for each call (default: 60).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look round: versions, extras, the embedded model, the cache; with --model or --judge, what that model can do."""
    import json

    if judge is None:
        given = {"--language": language, "-n": number, "--out": out, "--verbose": verbose}
        refuse_unused(given, (), "without --judge SPEC")
        refuse_unused({"--timeout": model is None and timeout}, (), "without --model or --judge")
    refuse_unused({"--verbose": as_json and verbose}, (), "with --json, which holds every transcript")
    seconds = 60.0 if timeout is None else timeout
    from cocoon.running.environment import look_round

    environment = look_round()
    told: dict[str, Any] = {"environment": environment.model_dump()}
    if not as_json:
        _print_rows("environment", environment_rows(environment))
    answers = True
    if model is not None:
        hosts, findings = _examine(model, seconds)
        answers = any(one.name == "answers" and one.found for one in findings)
        told["model"] = {"spec": model, "hosts": hosts, "answers": answers, "findings": [vars(one) for one in findings]}
        if not as_json:
            _print_rows(model, [(one.name, MARKS[one.found], one.detail) for one in findings])
    if judge is not None:
        from cocoon.cli.doctor.judge import examine, print_test

        test = examine(judge, language, number, out, seconds)
        answers = answers and any(result.success is not None for result in test.results)
        told["judge"] = test.model_dump(mode="json")
        if not as_json:
            print_test(test, verbose=verbose)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    if not answers:
        raise typer.Exit(1)


def _examine(spec: str, timeout: float) -> "tuple[list[str], list[Finding]]":
    """The hosts that were talked to, and what was found out."""
    import asyncio
    import time

    from cocoon.models.by_name import open_chat
    from cocoon.models.probe import Finding, Prober
    from cocoon.running.local_parts import local_parts
    from cocoon.running.session import forbid_cloud_tracing

    forbid_cloud_tracing()
    began = time.monotonic()
    chat, host = open_chat(spec, local_parts())
    loaded = time.monotonic() - began
    typer.echo(f"text goes to: {host}" if host else "text stays on this machine", err=True)
    prober = Prober(chat, timeout, lambda what: typer.echo(f"asking for {what} ...", err=True))
    local = spec.startswith("local:")
    if local:
        detail = f"{loaded:.1f}; {_weights(chat)}"
        prober.findings.append(Finding(name="loaded, seconds", found=True, detail=detail, value=round(loaded, 2)))
    asyncio.run(_probe(prober, local))
    return ([host] if host else []), prober.findings


async def _probe(prober: "Prober", local: bool) -> None:
    try:
        await prober.probe(local=local)
    finally:
        close = getattr(prober.chat, "aclose", None)
        if close is not None:
            await close()


def _weights(chat: Any) -> str:
    from cocoon.models.local.model import describe

    facts = describe(chat)
    return f"{facts['parameters'] / 1e6:.0f} million parameters, {facts['dtype']} on {facts['device']}"


def environment_rows(environment: "Environment") -> list[tuple[str, str, str]]:
    """(what, yes or no, detail) of the environment, as they are printed."""
    missing = [name for name, version in environment.packages.items() if version is None]
    packages = ", ".join(f"{name} {version}" for name, version in environment.packages.items() if version)
    key = f"requests go to {environment.openai_base_url}" if environment.openai_base_url else ""
    extras = [(f"extra {name!r}", MARKS[there], "") for name, there in environment.extras.items()]
    ignored = ", ".join(environment.tracing_ignored)
    return [
        ("cocoon", "yes", f"{environment.cocoon}, Python {environment.python}, {environment.system}"),
        ("packages", MARKS[not missing], packages + (f"; not installed: {', '.join(missing)}" if missing else "")),
        *extras,
        ("embedded model", MARKS["not installed" not in environment.embedded_model], environment.embedded_model),
        ("cache writable", MARKS[environment.cache_writable], environment.cache),
        ("free disk", MARKS[environment.free_bytes > 2e9], f"{environment.free_bytes / 1e9:.0f} GB"),
        ("OPENAI_API_KEY set", MARKS[environment.openai_key_set], key),
        ("cloud tracing", "no", f"{ignored}: set, and ignored" if ignored else "not asked for"),
    ]


def _print_rows(title: str, rows: list[tuple[str, str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cocoon.cli.terminal.terminal_text import printable

    table = Table(title=Text(printable(title)), title_justify="left", show_header=False, show_edge=False, box=None)
    for _ in range(3):
        table.add_column(overflow="fold")
    for name, mark, detail in rows:
        style = {"no": "yellow", "?": "magenta"}.get(mark, "green")
        table.add_row(Text(name), Text(mark, style=style), Text(printable(detail)))
    Console().print(table)
