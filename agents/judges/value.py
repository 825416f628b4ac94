"""A judge that asks each item in a call of its own and reads a bare number, as fine-tuned scorers answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cocoon.agents.judges.settings import JudgeSettings
from cocoon.agents.protocols import transcript
from cocoon.core.errors import SubmittedError
from cocoon.core.prompts import Prompt, load_prompt
from cocoon.core.records import AgentFacts, Dialogue, Rating
from cocoon.evaluation.scales.scoring import Scale, ScaleItem, prompt_inputs, read_value, score
from cocoon.models.by_name import Model
from cocoon.models.calls import Reply
from cocoon.models.client import JournaledClient

PROMPT = "judge/value"
SLOT = "{dimension}"
"""Stands in a model's spec for the id of the dimension that is asked for: one scorer (or adapter) a dimension."""

RUNG = "value"
_MOST_TOKENS = 8


@dataclass(frozen=True)
class ValueJudge:
    """Rates one scale item by item. `models` has a model for each dimension id, and without one the shared model is
    asked.

    A reply that is not one of the scale's values is missing. It is not asked again: a scorer that was trained to answer
    a number has no better answer at temperature 0.
    """

    shared: JudgeSettings
    scale: Scale
    models: Mapping[str, Model] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.scale.id

    def is_current(self, rating: Rating) -> bool:
        """Return whether a rating was made with this judge's model, prompt and scale."""
        shas = {f"{prompt.sha}.{self.scale.sha}" for prompt in self.shared.prompts([PROMPT])}
        return rating.judge == self.shared.model.label and rating.prompt_sha in shas

    def facts(self) -> AgentFacts:
        """Return its models and prompt."""
        facts = self.shared.facts(self.name, [PROMPT])
        labels = {f"judge.{dimension}": model.label for dimension, model in self.models.items()}
        return facts.model_copy(update={"models": facts.models | labels})

    async def rate(self, client: JournaledClient, dialogue: Dialogue) -> Rating:
        """Return the rating, with every reply that is no value of the scale missing."""
        prompt = load_prompt(PROMPT, dialogue.language, self.shared.folder)
        rating = self.shared.blank(self.name, prompt, dialogue, client.vote)
        rating.prompt_sha += f".{self.scale.sha}"
        return self._read(rating, await self._ask_all(client, prompt, dialogue))

    async def _ask_all(self, client: JournaledClient, prompt: Prompt, dialogue: Dialogue) -> list[Reply]:
        """Return the replies to all items. One that waits for a batch does not keep the others from going out with it.

        Raises SubmittedError where one waits.
        """
        replies: list[Reply] = []
        waits: SubmittedError | None = None
        for item in self.scale.items:
            try:
                replies.append(await self._ask(client, prompt, dialogue, item))
            except SubmittedError as error:
                waits = error
        if waits is not None:
            raise waits
        return replies

    async def _ask(self, client: JournaledClient, prompt: Prompt, dialogue: Dialogue, item: ScaleItem) -> Reply:
        inputs = prompt_inputs(self.scale, dialogue.language)
        text = prompt.render(
            instruction=inputs["instruction"],
            item=getattr(item, dialogue.language),
            anchors=inputs["anchors"],
            transcript=transcript(dialogue.turns, dialogue.language),
            values=", ".join(map(str, range(inputs["low"], inputs["high"] + 1))),
        )
        client = client.at(self.shared.node(f"{self.name}.{self.scale.sha}.{item.id}", prompt))
        shared = self.shared.settings
        settings = replace(shared, max_tokens=min(_MOST_TOKENS, shared.max_tokens))
        return await client.one_reply(text, model=self._model(item), settings=settings, rung=RUNG)

    def _model(self, item: ScaleItem) -> Model:
        if not self.models:
            return self.shared.model
        return next(self.models[dimension.id] for dimension in self.scale.dimensions if item.id in dimension.items)

    def _value(self, reply: Reply) -> tuple[int | None, str]:
        if reply.parts.finish in ("refused", "filtered", "error"):
            return None, reply.parts.obstacle or ""
        value, reason = read_value(self.scale, reply.speech)
        return value, reason and (reply.parts.obstacle or reason)

    def _read(self, rating: Rating, replies: list[Reply]) -> Rating:
        read = {item: self._value(reply) for item, reply in zip(self.scale.item_ids, replies, strict=True)}
        items = {item: value for item, (value, _) in read.items()}
        return rating.model_copy(
            update={
                "items": items,
                "missing": {item: reason for item, (_, reason) in read.items() if reason},
                "dimensions": score(self.scale, items),
                "rung": RUNG,
                "calls": [reply.key for reply in replies],
            }
        )
