"""The judges: one per scale and one per success mode; each turns a dialogue into a Rating and invents nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cocoon.agents.judge_settings import JudgeSettings
from cocoon.agents.scene import transcript
from cocoon.agents.value_judge import ValueJudge
from cocoon.core.calls import Caller, Reply
from cocoon.core.models import Model
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue, Rating, Verdict
from cocoon.core.structured import Answer
from cocoon.evaluation.scales import CANNOT_TELL, Scale, permuted, prompt_inputs, read_items, schema, score
from cocoon.evaluation.success import ATTRIBUTED, PAPER, check_named, check_verdict

NAMED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": 400},
        "named": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    },
    "required": ["reason", "named"],
    "additionalProperties": False,
}
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


class Judge(Protocol):
    """The one protocol of every judge: a dialogue in, a rating and the replies it took out.

    `floor`: an item to whose legal answers the unmasked local model gave less than this probability is missing.
    """

    @property
    def name(self) -> str:
        """What it judges: a scale's id or a success mode."""
        ...

    @property
    def shared(self) -> "JudgeSettings":
        """What it shares with the other judges."""
        ...

    def shas(self) -> set[str]:
        """Every `prompt_sha` that a rating made by it today can have."""
        ...

    async def judge(self, caller: Caller, dialogue: Dialogue, vote: int) -> tuple[Rating, list[Reply]]: ...


@dataclass(frozen=True)
class ScaleJudge:
    """Rates one scale; a profile without a need is rated with the prompt that names none, under its own id."""

    shared: JudgeSettings
    scale: Scale

    @property
    def name(self) -> str:
        return self.scale.id

    def shas(self) -> set[str]:
        prompts = self.shared.prompts(f"judge/{frame}" for frame in ("scale", "scale_no_need"))
        return {f"{prompt.sha}.{self.scale.sha}" for prompt in prompts}

    async def judge(self, caller: Caller, dialogue: Dialogue, vote: int) -> tuple[Rating, list[Reply]]:
        profile, language = dialogue.profile, dialogue.language
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
            transcript=transcript(_turns(dialogue), language),
        )
        place = self.shared.place(f"{self.name}.{self.scale.sha}", prompt, dialogue, vote)
        answer = await self.shared.ask(caller, place, text, schema(asked), self.name, language, self._problem)
        return self._read(rating, answer), answer.replies

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

    def shas(self) -> set[str]:
        return {prompt.sha for prompt in self.shared.prompts([f"judge/{self.mode}"])}

    async def judge(self, caller: Caller, dialogue: Dialogue, vote: int) -> tuple[Rating, list[Reply]]:
        profile, language = dialogue.profile, dialogue.language
        prompt = load_prompt(f"judge/{self.mode}", language, self.shared.folder)
        rating = self.shared.blank(self.mode, prompt, dialogue, vote)
        if profile.need is None:
            return rating.model_copy(update={"not_applicable": True}), []
        numbered = self.mode == ATTRIBUTED
        text = prompt.render(
            feeling=profile.feeling,
            need=profile.need,
            transcript=transcript(_turns(dialogue), language, numbered=numbered),
        )
        form = VERDICT_SCHEMA if numbered else NAMED_SCHEMA
        place = self.shared.place(self.mode, prompt, dialogue, vote)
        answer = await self.shared.ask(
            caller, place, text, form, self.mode, language, lambda value: self._problem(value, dialogue)
        )
        return self._read(rating, answer, dialogue), answer.replies

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


def _turns(dialogue: Dialogue) -> list[dict[str, Any]]:
    return [{"role": turn.role, "content": turn.content} for turn in dialogue.turns]


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
