"""Put a model or its endpoint to the test: where its text goes, how long it loads, and what it can do."""

import time
from collections.abc import Callable
from typing import Any

from cocoon.core.records import Record
from cocoon.models.by_name import open_chat
from cocoon.models.probe import Finding, Prober
from cocoon.running.frame import forbid_cloud_tracing
from cocoon.running.local_parts import local_parts


class ModelTest(Record):
    """What a model can do. `hosts` are the hosts that were asked, and the list is empty for a model of this machine."""

    spec: str
    hosts: list[str]
    answers: bool
    findings: list[Finding]


async def examine_model(spec: str, timeout: float, say: Callable[[str], None]) -> ModelTest:
    """Ask a model a few tiny questions and return what it can do.

    `timeout` is in seconds for each call. `say` gets a line about where text goes, and one before each question. Raises
    CocoonError for a spec that is not understood or a model that cannot be opened.
    """
    forbid_cloud_tracing()
    started = time.monotonic()
    chat, host = open_chat(spec, local_parts())
    loaded = time.monotonic() - started
    say(f"text goes to: {getattr(chat, 'route', host)}" if host else "text stays on this machine")
    prober = Prober(chat, timeout, lambda what: say(f"asking for {what} ..."))
    local = spec.startswith("local:")
    if local:
        detail = f"{loaded:.1f}; {_weights(chat)}"
        prober.findings.append(Finding(name="loaded, seconds", found=True, detail=detail, value=round(loaded, 2)))
    try:
        await prober.probe(local=local)
    finally:
        close = getattr(chat, "aclose", None)
        if close is not None:
            await close()
    findings = prober.findings
    answers = any(finding.name == "answers" and finding.found for finding in findings)
    return ModelTest(spec=spec, hosts=[host] if host else [], answers=answers, findings=findings)


def _weights(chat: Any) -> str:
    from cocoon.models.local.model import describe

    facts = describe(chat)
    return f"{facts['parameters'] / 1e6:.0f} million parameters, {facts['dtype']} on {facts['device']}"
