"""How agents that write or rate for a data set ask: a prompt in, a checked JSON object out, or why there is none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.core.prompts import load_prompt
from cocoon.core.records import Language
from cocoon.models.by_name import Model
from cocoon.models.calls import Caller, Reply, Settings
from cocoon.models.journal.store import Place
from cocoon.models.structured import ask_json

Check = Callable[[dict[str, Any]], str | None]


@dataclass(frozen=True)
class Asked:
    """A checked answer (none: it could not be had, and `problem` says why), with the replies it took."""

    value: dict[str, Any] | None
    problem: str | None
    replies: Sequence[Reply]


@dataclass(frozen=True)
class Asker:
    """A model that answers prompts with JSON. `floor`: see JudgeSettings; 0 takes every answer."""

    model: Model
    settings: Settings
    folder: Path | None = None
    floor: float = 0.0

    async def ask(
        self,
        caller: Caller,
        place: Place,
        prompt: str,
        language: Language,
        schema: dict[str, Any],
        check: Check,
        **inputs: Any,
    ) -> Asked:
        """One answer, repaired once; raises CallFailedError when the model gives no reply at all."""
        text = load_prompt(prompt, language, self.folder).render(**inputs)
        answer = await ask_json(
            caller,
            self.model,
            place,
            [{"role": "user", "content": text}],
            self.settings,
            schema=schema,
            name=prompt.replace("/", "_"),
            check=lambda value: "not a JSON object" if not isinstance(value, dict) else check(value),
            repair=load_prompt("judge/repair", language, self.folder),
        )
        if answer.problem is not None:
            return Asked(None, answer.problem, answer.replies)
        mass = min(answer.legal_mass.values(), default=1.0)
        if mass < self.floor:
            return Asked(None, f"forced: legal answers had probability {mass:.3f}", answer.replies)
        return Asked(answer.value, None, answer.replies)


def text_schema(key: str, longest: int) -> dict[str, Any]:
    """JSON schema of an object with one text."""
    return object_schema({key: {"type": "string", "maxLength": longest}})


def object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    """JSON schema of an object with exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def text_of(value: dict[str, Any], key: str) -> str:
    """The text under a key, on one line; empty where there is none."""
    found = value.get(key)
    return " ".join(found.split()) if isinstance(found, str) else ""
