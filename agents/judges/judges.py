"""The judges: one per scale and one per success mode; each turns a dialogue into a Rating and invents nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cocoon.agents.judges.settings import JudgeSettings
from cocoon.agents.judges.value import ValueJudge
from cocoon.agents.protocols import Judge, transcript
from cocoon.core.prompts import load_prompt
from cocoon.core.records import AgentFacts, Dialogue, Rating, Verdict
from cocoon.evaluation.scales.scoring import CANNOT_TELL, Scale, permuted, prompt_inputs, read_items, schema, score
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER, check_named, check_verdict
from cocoon.models.by_name import Model
from cocoon.models.client import JournaledClient
from cocoon.models.structured import Answer

NAMED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": 400},
        "named": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    },
    "required": ["reason", "named"],
    "additionalProperties": False,
}
SCALE_PROMPTS = ("judge/scale", "judge/scale_no_need")
HOWS = ["after_reflection", "after_question", "volunteered", "leaked"]
VERDICT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "named_by": {"anyOf": [{"type": "string", "enum": ["supporter", "user", "nobody"]}, {"type": "null"}]},
        "how": {"anyOf": [{"type": "string", "enum": HOWS}, {"type": "null"}]},
        "turn": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 999}, {"type": "null"}]},
        "quote": {"type": "string", "maxLength": 400},
    },
    "required": ["named_by", "how", "turn", "quote"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class ScaleJudge:
    """Rates one scale. A profile without a need is rated with the prompt that names none, under its own id.

    An item to whose legal answers the unmasked local model gave less than `shared.floor` is missing.
    """

    shared: JudgeSettings
    scale: Scale

    @property
    def name(self) -> str:
        return self.scale.id

    def is_current(self, rating: Rating) -> bool:
        """Return whether a rating was made with this judge's model, prompts and scale."""
        shas = {f"{prompt.sha}.{self.scale.sha}" for prompt in self.shared.prompts(SCALE_PROMPTS)}
        return rating.judge == self.shared.model.label and rating.prompt_sha in shas

    def facts(self) -> AgentFacts:
        """Return its model and prompts."""
        return self.shared.facts(self.name, SCALE_PROMPTS)

    async def rate(self, client: JournaledClient, dialogue: Dialogue) -> Rating:
        """Return the rating, with every item that could not be read missing."""
        profile, language, vote = dialogue.profile, dialogue.language, client.vote
        need = {"need": profile.need} if profile.need is not None else {}
        prompt = load_prompt("judge/scale" if need else "judge/scale_no_need", language, self.shared.folder)
        rating = self.shared.blank(self.name, prompt, dialogue, vote)
        rating.prompt_sha += f".{self.scale.sha}"
        asked = permuted(self.scale, vote) if self.shared.permute else self.scale
        text = prompt.render(
            **prompt_inputs(asked, language),
            **need,
            emotion=profile.emotion,
            feeling=profile.feeling,
            transcript=transcript(dialogue.turns, language),
        )
        client = client.at(self.shared.node(f"{self.name}.{self.scale.sha}", prompt))
        answer = await self.shared.ask(client, text, schema(asked), self.name, language, self._problem)
        return self._read(rating, answer)

    def _problem(self, value: Any) -> str | None:
        _, missing = read_items(self.scale, value)
        wrong = {item: reason for item, reason in missing.items() if reason != CANNOT_TELL}
        if not wrong:
            return None
        return "; ".join(f"item {item!r}: {reason}" if item != "*" else reason for item, reason in wrong.items())

    def _read(self, rating: Rating, answer: Answer) -> Rating:
        items, missing = read_items(self.scale, answer.value)
        if answer.value is None:
            missing = {"*": answer.problem or "no answer"}
        for item in items:
            mass = answer.legal_mass.get(f"items.{item}")
            if items[item] is not None and mass is not None and mass < self.shared.floor:
                items[item], missing[item] = None, forced(mass)
        return rating.model_copy(
            update={
                "items": items,
                "missing": missing,
                "dimensions": score(self.scale, items),
                "rung": answer.rung,
                "legal_mass": min(answer.legal_mass.values(), default=None),
                "calls": answer.keys,
            }
        )


@dataclass(frozen=True)
class SuccessJudge:
    """Was the need named: `success_paper` asks the paper's question, `success_attributed` who named it and how."""

    shared: JudgeSettings
    mode: str

    @property
    def name(self) -> str:
        return self.mode

    def is_current(self, rating: Rating) -> bool:
        """Return whether a rating was made with this judge's model and prompt."""
        shas = {prompt.sha for prompt in self.shared.prompts([f"judge/{self.mode}"])}
        return rating.judge == self.shared.model.label and rating.prompt_sha in shas

    def facts(self) -> AgentFacts:
        """Return its model and prompts."""
        return self.shared.facts(self.name, [f"judge/{self.mode}"])

    async def rate(self, client: JournaledClient, dialogue: Dialogue) -> Rating:
        """Return the verdict as a rating. It does not apply to a profile without a need."""
        profile, language = dialogue.profile, dialogue.language
        prompt = load_prompt(f"judge/{self.mode}", language, self.shared.folder)
        rating = self.shared.blank(self.mode, prompt, dialogue, client.vote)
        if profile.need is None:
            return rating.model_copy(update={"not_applicable": True})
        numbered = self.mode == ATTRIBUTED
        text = prompt.render(
            feeling=profile.feeling,
            need=profile.need,
            transcript=transcript(dialogue.turns, language, numbered=numbered),
        )
        form = VERDICT_SCHEMA if numbered else NAMED_SCHEMA
        client = client.at(self.shared.node(self.mode, prompt))
        answer = await self.shared.ask(
            client, text, form, self.mode, language, lambda value: self._problem(value, dialogue)
        )
        return self._read(rating, answer, dialogue)

    def _problem(self, value: Any, dialogue: Dialogue) -> str | None:
        missing = self._verdict(value, dialogue).missing
        return None if missing == CANNOT_TELL else missing

    def _verdict(self, value: Any, dialogue: Dialogue) -> Verdict:
        return check_verdict(value, dialogue) if self.mode == ATTRIBUTED else check_named(value)

    def _read(self, rating: Rating, answer: Answer, dialogue: Dialogue) -> Rating:
        mass = answer.legal_mass.get("named_by" if self.mode == ATTRIBUTED else "named", 1.0)
        if answer.value is None:
            verdict = Verdict(success=None, missing=answer.problem or "no answer")
        elif mass < self.shared.floor:
            verdict = Verdict(success=None, missing=forced(mass))
        else:
            verdict = self._verdict(answer.value, dialogue)
        missing = {"*": verdict.missing} if verdict.missing else {}
        return rating.model_copy(
            update={
                "verdict": verdict,
                "missing": missing,
                "rung": answer.rung,
                "legal_mass": min(answer.legal_mass.values(), default=None),
                "calls": answer.keys,
            }
        )


def forced(mass: float) -> str:
    """Why an answer is missing that only the constraint brought about."""
    return f"forced: legal answers had probability {mass:.3f}"


def open_judges(
    shared: JudgeSettings, names: list[str], scales: dict[str, Scale], models: Mapping[str, Model] | None = None
) -> list[Judge]:
    """The judges a run asked for by name; `success` stands for both of its modes.

    `models`: a model per dimension, for scales whose items are asked one by one.
    """
    judges: list[Judge] = []
    for name in names:
        if name == "success":
            judges += [SuccessJudge(shared, PAPER), SuccessJudge(shared, ATTRIBUTED)]
        elif name in (PAPER, ATTRIBUTED):
            judges.append(SuccessJudge(shared, name))
        elif scales[name].ask == "each":
            judges.append(ValueJudge(shared, scales[name], models or {}))
        else:
            judges.append(ScaleJudge(shared, scales[name]))
    return judges
