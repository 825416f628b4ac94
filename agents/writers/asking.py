"""How agents that write or rate for a data set ask: a prompt in, a typed answer out, or why there is none."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.core.answers import AnswerT, Missing
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Language
from cocoon.models.by_name import Model
from cocoon.models.calls import Settings
from cocoon.models.client import JournaledClient


@dataclass(frozen=True)
class Asker:
    """A model that answers prompts. `floor`: see JournaledClient.answer. 0 takes every answer."""

    model: Model
    settings: Settings
    folder: Path | None = None
    floor: float = 0.0

    async def ask(
        self,
        client: JournaledClient,
        prompt: str,
        language: Language,
        kind: type[AnswerT],
        check: Callable[[AnswerT], str | None] | None = None,
        **inputs: Any,
    ) -> AnswerT | Missing:
        """Return the answer to a prompt, which takes those of the inputs that it declares. It is repaired once.

        Raises CallFailedError when the model gives no reply at all.
        """
        return await client.answer(
            load_prompt(prompt, language, self.folder).fill(**inputs),
            kind,
            model=self.model,
            settings=self.settings,
            name=prompt.replace("/", "_"),
            repair=load_prompt("judge/repair", language, self.folder),
            check=check,
            floor=self.floor,
        )
