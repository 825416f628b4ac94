"""The journalled client: how an agent asks a model, without knowing where its replies are kept."""

from collections.abc import Callable, Sequence
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.prompts import Prompt
from cocoon.models.by_name import Model
from cocoon.models.calls import Caller, Message, Reply, Settings
from cocoon.models.journal.store import Place
from cocoon.models.structured import Answer, Reader, ask_json


class JournaledClient:
    """Asks models on behalf of one agent at one moment of a run.

    A reply that the journal already holds comes from there, so that a resumed run pays for nothing twice. `replies`
    lists what was answered so far, in order. `place` is where the first call is journalled. A second call of the same
    moment gets a place of its own, so an agent may ask as often as it likes, as long as it asks in a fixed order.
    """

    def __init__(self, calls: Caller, place: Place, *, judging: bool = False) -> None:
        self._calls = calls
        self._judging = judging
        self._asked = 0
        self.place = place
        self.replies: list[Reply] = []

    @property
    def vote(self) -> int:
        """Which independent rating of a dialogue is being made, counted from 0."""
        return self.place.vote

    def at(self, node: str, ordinal: int | None = None) -> "JournaledClient":
        """Return a client that journals its calls under another node and adds to the same `replies`."""
        ordinal = self.place.ordinal if ordinal is None else ordinal
        other = JournaledClient(self._calls, self.place._replace(node=node, ordinal=ordinal), judging=self._judging)
        other.replies = self.replies
        return other

    async def reply(
        self,
        prompt: str | Sequence[Message],
        *,
        model: Model | str,
        settings: Settings = Settings(temperature=0.7),
        accept: Callable[[str], bool] = bool,
    ) -> str:
        """Return a model's reply to a prompt or to chat messages, without white space around it.

        `model` is a spec such as `openai:gpt-5-mini`. `accept` says whether a reply can be used. One that cannot, or
        that is empty, is asked for again. Raises CallFailedError after three in vain.
        """
        text, replies = await self._calls.text(
            self._model(model), self._next_place(), _messages(prompt), settings, accept, judging=self._judging
        )
        self.replies += replies
        return text

    async def one_reply(
        self, prompt: str | Sequence[Message], *, model: Model | str, settings: Settings, rung: str | None = None
    ) -> Reply:
        """Return one reply as it is, empty or not, and never ask for it again."""
        reply = await self._calls.ask(
            self._model(model), self._next_place(), _messages(prompt), settings, rung=rung, judging=self._judging
        )
        self.replies.append(reply)
        return reply

    async def json(
        self,
        prompt: str,
        *,
        model: Model | str,
        settings: Settings,
        schema: dict[str, Any],
        name: str,
        check: Reader,
        repair: Prompt,
    ) -> Answer:
        """Return a JSON object as answered, or why there is none; see `cocoon.models.structured.ask_json`."""
        answer = await ask_json(
            self._calls,
            self._model(model),
            self._next_place(),
            _messages(prompt),
            settings,
            schema=schema,
            name=name,
            check=check,
            repair=repair,
            judging=self._judging,
        )
        self.replies += answer.replies
        return answer

    def _next_place(self) -> Place:
        number, self._asked = self._asked, self._asked + 1
        return self.place if number == 0 else self.place._replace(node=f"{self.place.node}.{number}")

    def _model(self, model: Model | str) -> Model:
        if isinstance(model, Model):
            return model
        if self._calls.models is None:
            raise CocoonError(f"model {model!r} cannot be opened here; give an opened model")
        return self._calls.models.open(model)


def _messages(prompt: str | Sequence[Message]) -> Sequence[Message]:
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
