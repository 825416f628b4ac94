"""Scripted models and what a generated run left behind, for the tests of the building graphs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from cocoon.core.records import Dropped
from cocoon.models.scripted import ScriptedChat
from cocoon.running.folder import read_run

Says = Callable[[str], Any]


def chat(says: Says) -> ScriptedChat:
    def script(messages: list[BaseMessage], _: dict[str, Any]) -> str:
        found = says("\n".join(str(message.content) for message in messages))
        return found if isinstance(found, str) else json.dumps(found)

    return ScriptedChat(script=script)


def walked(out: Path) -> list[str]:
    events = map(json.loads, (out / "trace.jsonl").read_text("utf-8").splitlines())
    return [event["node"] for event in events if event["event"] == "node"]


def only(out: Path) -> Dropped:
    (one,) = read_run(out, "dropped.jsonl", Dropped)
    return one
