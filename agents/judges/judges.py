"""The judges: one per scale and one per success mode. Each turns a dialogue into a Rating and invents nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from cocoon.agents.judges.settings import JudgeSettings, call_facts
from cocoon.agents.judges.value import ValueJudge
from cocoon.agents.protocols import Judge
from cocoon.core.answers import Missing, forced_reason
from cocoon.core.prompts import Prompt, load_prompt
from cocoon.core.records import AgentFacts, Dialogue, Rating, Verdict
from cocoon.evaluation.scales.scoring import (
    CANNOT_TELL,
    Scale,
    ScaleAnswer,
    permuted,
    prompt_inputs,
    read_items,
    scale_answer,
    score,
)
from cocoon.evaluation.success.mentions import evidence_tests
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER, NamedAnswer, VerdictAnswer
from cocoon.models.by_name import Model
from cocoon.models.calls import Reply
from cocoon.models.client import JournaledClient

WITH_NEED, WITHOUT_NEED = SCALE_PROMPTS = ("judge/scale", "judge/scale_no_need")
NEED_HIDDEN = "judge/scale_need_hidden"
"""The id under which the words of `judge/scale_no_need` are sent for a profile that has a need."""


@dataclass(frozen=True)
class ScaleJudge:
    """Rates one scale. A profile without a need, or whose need is hidden, is rated with the prompt that names none.

    An item to whose legal answers the unmasked local model gave less than `shared.floor` is missing.
    """

    shared: JudgeSettings
    scale: Scale

    @property
    def name(self) -> str:
        return self.scale.id

    @cached_property
    def _scale_sha(self) -> str:
        return self.scale.sha

    def is_current(self, rating: Rating) -> bool:
        """Return whether a rating was made with this judge's model, prompts and scale."""
        of_need = WITH_NEED if self.shared.show_need else NEED_HIDDEN
        prompts = [prompt for name in (of_need, WITHOUT_NEED) for prompt in self._prompts(name)]
        versions = {(prompt.id, f"{prompt.sha}.{self._scale_sha}") for prompt in prompts}
        return rating.judge == self.shared.model.label and (rating.prompt_id, rating.prompt_sha) in versions

    def facts(self) -> AgentFacts:
        """Return its model and prompts, and whether it reads the need."""
        facts = self.shared.facts(self.name, SCALE_PROMPTS if self.shared.show_need else [WITHOUT_NEED])
        return facts.model_copy(update={"settings": {"need": "shown" if self.shared.show_need else "hidden"}})

    def _prompts(self, name: str) -> list[Prompt]:
        if name != NEED_HIDDEN:
            return self.shared.prompts([name])
        return [replace(prompt, id=NEED_HIDDEN) for prompt in self.shared.prompts([WITHOUT_NEED])]

    def _prompt_for(self, dialogue: Dialogue) -> Prompt:
        has_need = dialogue.profile.need is not None
        name = WITHOUT_NEED if not has_need else WITH_NEED if self.shared.show_need else NEED_HIDDEN
        prompt = load_prompt(WITHOUT_NEED if name == NEED_HIDDEN else name, dialogue.language, self.shared.folder)
        return replace(prompt, id=NEED_HIDDEN) if name == NEED_HIDDEN else prompt

    async def rate(self, client: JournaledClient, dialogue: Dialogue) -> Rating:
        """Return the rating, with every item that could not be read missing."""
        language, vote = dialogue.language, client.vote
        prompt = self._prompt_for(dialogue)
        rating = self.shared.blank(self.name, prompt, dialogue, vote)
        rating.prompt_sha += f".{self._scale_sha}"
        shown_scale = permuted(self.scale, vote) if self.shared.permute else self.scale
        text = prompt.fill(**prompt_inputs(shown_scale, language), **self.shared.material(dialogue))
        client = client.at(self.shared.node(f"{self.name}.{self._scale_sha}", prompt))
        answer = await self.shared.ask(client, text, scale_answer(shown_scale), self.name, language, self._problem)
        return self._read(rating, answer, client.replies)

    def _problem(self, answer: ScaleAnswer) -> str | None:
        _, missing = read_items(self.scale, answer)
        unreadable = {item: reason for item, reason in missing.items() if reason != CANNOT_TELL}
        return "; ".join(f"item {item!r}: {reason}" for item, reason in unreadable.items()) or None

    def _read(self, rating: Rating, answer: ScaleAnswer | Missing, replies: Sequence[Reply]) -> Rating:
        if isinstance(answer, Missing):
            items, missing = dict.fromkeys(self.scale.item_ids), {"*": answer.reason}
        else:
            items, missing = read_items(self.scale, answer)
        masses = replies[-1].entry.legal_mass
        for item in items:
            mass = masses.get(f"items.{item}", 1.0)
            if items[item] is not None and mass < self.shared.floor:
                items[item], missing[item] = None, forced_reason(mass)
        scored = {"items": items, "missing": missing, "dimensions": score(self.scale, items)}
        return rating.model_copy(update=scored | call_facts(replies))


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
        """Return its model and prompts, and what a quote is tested by."""
        facts = self.shared.facts(self.name, [f"judge/{self.mode}"])
        return facts if self.mode == PAPER else facts.model_copy(update={"settings": {"evidence": evidence_tests()}})

    async def rate(self, client: JournaledClient, dialogue: Dialogue) -> Rating:
        """Return the verdict as a rating. It does not apply to a profile without a need."""
        profile, language = dialogue.profile, dialogue.language
        prompt = load_prompt(f"judge/{self.mode}", language, self.shared.folder)
        rating = self.shared.blank(self.mode, prompt, dialogue, client.vote)
        if profile.need is None:
            return rating.model_copy(update={"not_applicable": True})
        kind = VerdictAnswer if self.mode == ATTRIBUTED else NamedAnswer
        material = self.shared.material(dialogue)
        if self.mode == ATTRIBUTED:
            # It names a turn by its number, so a prompt that asks for the plain turns gets numbers all the same.
            material["transcript"] = material["numbered"]
        text = prompt.fill(**material)

        verdicts: list[Verdict] = []

        def check(answer: NamedAnswer | VerdictAnswer) -> str | None:
            verdicts.append(answer.verdict(dialogue))
            problem = verdicts[-1].missing
            return None if problem == CANNOT_TELL else problem

        client = client.at(self.shared.node(self.mode, prompt))
        answer = await self.shared.ask(client, text, kind, self.mode, language, check)
        mass = client.replies[-1].entry.legal_mass.get("named_by" if self.mode == ATTRIBUTED else "named", 1.0)
        if isinstance(answer, Missing):
            verdict = Verdict(success=None, missing=answer.reason)
        elif mass < self.shared.floor:
            verdict = Verdict(success=None, missing=forced_reason(mass))
        else:
            verdict = verdicts[-1]
        missing = {"*": verdict.missing} if verdict.missing else {}
        return rating.model_copy(update={"verdict": verdict, "missing": missing} | call_facts(client.replies))


def open_judges(
    shared: JudgeSettings, names: list[str], scales: dict[str, Scale], models: Mapping[str, Model] | None = None
) -> list[Judge]:
    """Return the judges that a run asked for by name. `success` stands for both of its modes.

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
