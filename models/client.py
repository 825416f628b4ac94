"""The journalled client: how an agent asks a model, without knowing where its replies are kept."""

from collections.abc import Callable, Sequence

from cocoon.core.answers import AnswerT, Missing, forced_reason
from cocoon.core.errors import CocoonError
from cocoon.core.prompts import Prompt
from cocoon.core.records import Role
from cocoon.models.by_name import Model
from cocoon.models.calls import Caller, Message, Reply, Settings
from cocoon.models.journal.store import Place
from cocoon.models.structured import ask_json


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
        self._parent: JournaledClient | None = None
        self.place = place
        self.replies: list[Reply] = []

    @property
    def vote(self) -> int:
        """Which independent rating of a dialogue is being made, counted from 0."""
        return self.place.vote

    def at(self, node: str, ordinal: int | None = None) -> "JournaledClient":
        """Return a client that journals its calls under another node. Its `replies` are this client's as well."""
        ordinal = self.place.ordinal if ordinal is None else ordinal
        other = JournaledClient(self._calls, self.place._replace(node=node, ordinal=ordinal), judging=self._judging)
        other._parent = self
        return other

    async def reply(
        self,
        prompt: str | Sequence[Message],
        *,
        model: Model | str,
        settings: Settings = Settings(temperature=0.7),
        accept: Callable[[str], bool] = bool,
        speaker: Role | None = None,
    ) -> str:
        """Return what a model says to a prompt or to chat messages, without its thoughts and white space around it.

        `model` is a spec such as `openai:gpt-5-mini`. `accept` says whether a reply can be used. One that cannot, or
        that is empty, is asked for again. With the role that the model plays as `speaker`, role labels and lines of
        the other side are cut off. The last of `replies` has the thought and how the reply ended. Raises
        CallFailedError after three in vain, and at once when the model refuses.
        """
        text, replies = await self._calls.text(
            self._model(model),
            self._next_place(),
            _messages(prompt),
            settings,
            accept,
            speaker=speaker,
            judging=self._judging,
        )
        self._keep(replies)
        return text

    async def one_reply(
        self, prompt: str | Sequence[Message], *, model: Model | str, settings: Settings, rung: str | None = None
    ) -> Reply:
        """Return one reply as it is, empty or not, and never ask for it again."""
        reply = await self._calls.ask(
            self._model(model), self._next_place(), _messages(prompt), settings, rung=rung, judging=self._judging
        )
        self._keep([reply])
        return reply

    async def answer(
        self,
        prompt: str | Sequence[Message],
        kind: type[AnswerT],
        *,
        model: Model | str,
        settings: Settings,
        name: str,
        repair: Prompt,
        check: Callable[[AnswerT], str | None] | None = None,
        floor: float = 0.0,
        partial: bool = False,
    ) -> AnswerT | Missing:
        """Return a structured answer, or why there is none.

        The model is sent the schema of `kind` under `name`. `check` returns what is wrong with an answer that could be
        read, or None. The model is shown once what is wrong, with the prompt `repair`. With `partial`, an answer of
        which `check` still complains is returned all the same. An answer is missing too where an unmasked local model
        gave its legal answers a probability below `floor`. Raises CallFailedError when the model gives no reply at all.
        """
        answer, replies = await ask_json(
            self._calls,
            self._model(model),
            self._next_place(),
            _messages(prompt),
            settings,
            kind=kind,
            name=name,
            check=check,
            repair=repair,
            partial=partial,
            judging=self._judging,
        )
        self._keep(replies)
        mass = min(replies[-1].entry.legal_mass.values(), default=1.0)
        return answer if isinstance(answer, Missing) or mass >= floor else Missing(forced_reason(mass))

    def _keep(self, replies: Sequence[Reply]) -> None:
        self.replies += replies
        if self._parent is not None:
            self._parent._keep(replies)

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
