"""Read profiles in the layout of the COCOON paper's Figure 8 (Emotion, Feeling, Need, Reasoning Chain, Memory).

The paper's data set is not released, so the layout is known only from its figures. A record may also be the paper's
dialogue (Figure 9) that holds such a profile under `profile`. Then only the profile is read.
"""

from typing import Any, get_args

from cocoon.core.errors import CocoonError
from cocoon.core.records import ChainStep, Language, Memory, Profile
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.dialogue_draft import Draft
from cocoon.corpora.reading.foreign_file import lower_keys, shown, text_at
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.repair import ReadProfile, Repair, RepairNote

LICENCE = "none stated (COCOON paper layout)"
WRAPPER_KEYS = ("profile", "listening_stage", "suggestion_stage")
PROFILE_KEYS = ("id", "language", "scenario", "emotion", "feeling", "need", "reasoning_chain", "memory")
# The name under which a transcription of the paper's example carries the chain.
_CHAIN_ALIAS = "reasoning_chain_shape"
STEP_KEYS = ("round", "initial_need", "step_need", "score", "score_reason")
_COLONS = ("：", ":")


def read_cocoon_paper(foreign_record: ForeignRecord, draft: Draft) -> ReadProfile:
    """Return the profile of a record with the repairs made to it. Raises CocoonError naming the key at fault."""
    where = foreign_record.where
    record = lower_keys(_unwrap(foreign_record.whole(), where), where, (*PROFILE_KEYS, _CHAIN_ALIAS))
    return ReadProfile(where, *_ProfileReader(record, where, draft.number).profile())


def _unwrap(value: Any, where: str) -> Any:
    if not isinstance(value, dict) or not any(key.strip().lower() == "profile" for key in value):
        return value
    return lower_keys(value, where, WRAPPER_KEYS)["profile"]


class _ProfileReader:
    """One record that is being read, with the repairs that were needed."""

    def __init__(self, record: dict[str, Any], where: str, number: int) -> None:
        self.record = record
        self.where = where
        self.id = text_at(record, "id", where, needed=False) or f"cocoon-{number}"
        self.notes: list[RepairNote] = []

    def profile(self) -> tuple[Profile, list[RepairNote]]:
        """Return the profile and the repairs made to it."""
        record, where = self.record, self.where
        feeling, need = text_at(record, "feeling", where), text_at(record, "need", where)
        chain = self._chain(need)
        profile = Profile(
            id=self.id,
            language=self._language(feeling + need),
            scenario=text_at(record, "scenario", where, needed=False),
            emotion=text_at(record, "emotion", where, needed=False),
            feeling=feeling,
            need=need,
            chain=chain,
            memory=self._memory([step.need for step in chain]),
            source="COCOON paper layout",
            licence=LICENCE,
        )
        return profile, self.notes

    def _note(self, key: str, repair: Repair, reason: str) -> None:
        self.notes.append(RepairNote(where=self.where, profile=self.id, key=key, repair=repair, reason=reason))

    def _language(self, text: str) -> Language:
        stated_language = self.record.get("language")
        if stated_language is None:
            return language_by_script(text)
        for language in get_args(Language):
            if stated_language == language:
                return language
        raise CocoonError(f"{self.where}: key 'language': must be 'zh' or 'en', found {shown(stated_language)}")

    def _chain(self, need: str) -> list[ChainStep]:
        key = "reasoning_chain" if "reasoning_chain" in self.record else _CHAIN_ALIAS
        chain_value = self.record.get(key)
        if chain_value is None:
            return [ChainStep(need=need)]
        if not isinstance(chain_value, list):
            raise CocoonError(f"{self.where}: key {key!r}: must be a list of steps, found {shown(chain_value)}")
        steps = [self._step(step, f"{self.where}, {key} step {number}") for number, step in enumerate(chain_value, 1)]
        if not steps:
            return [ChainStep(need=need)]
        self._note_other_starts([first for first, _ in steps], key)
        chain = [ChainStep(need=steps[0][0]), *(step for _, step in steps)]
        if chain[-1].need != need:
            self._note(key, "replaced", f"its last node {shown(chain[-1].need)} is not the need; the chain is the need")
            return [ChainStep(need=need)]
        return chain

    def _step(self, value: Any, where: str) -> tuple[str, ChainStep]:
        step = lower_keys(value, where, STEP_KEYS)
        score = step.get("score")
        if score is not None and (type(score) is not int or not 1 <= score <= 5):
            raise CocoonError(f"{where}: key 'score': must be a whole number from 1 to 5, found {shown(score)}")
        reason = text_at(step, "score_reason", where, needed=False)
        chain_step = ChainStep(need=text_at(step, "step_need", where), difficulty=score, reason=reason)
        return text_at(step, "initial_need", where), chain_step

    def _note_other_starts(self, starts: list[str], key: str) -> None:
        for number, start in enumerate(starts, 1):
            if start != starts[0]:
                reason = f"step {number} begins at another initial need, {shown(start)}; that of step 1 is kept"
                self._note(key, "dropped", reason)

    def _memory(self, chain: list[str]) -> list[Memory]:
        memory_value = self.record.get("memory")
        if memory_value is None:
            return []
        if not isinstance(memory_value, list):
            self._note("memory", "dropped", f"it is no list of memories but {shown(memory_value)}")
            return []
        texts = [
            text_at({"memory": text}, "memory", f"{self.where}, memory {number}")
            for number, text in enumerate(memory_value, 1)
        ]
        return [Memory(text=text, chain_node=chain_node_of(text, chain)) for text in texts]


def chain_node_of(memory: str, chain: list[str]) -> int | None:
    """Return the index of the chain node that a memory begins with (its words before the first colon), or None."""
    colon_positions = [memory.find(colon) for colon in _COLONS if colon in memory]
    head = memory[: min(colon_positions)].strip() if colon_positions else None
    return chain.index(head) if head in chain else None
