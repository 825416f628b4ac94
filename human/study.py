"""A study with people as a YAML file: what raters read before they consent, what they rate, and whom they talk with."""

import hashlib
import json
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from cocoon.core.config import UserConfig
from cocoon.core.jsonl import read_yaml_record
from cocoon.core.records import Language, Record


class _Part(Record):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Part):
    """A text that raters read, in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class LikertPart(_Part):
    """Dialogues that are rated on scales.

    `per_rater` is the number of dialogues that each rater gets. Without it, a rater gets all.
    """

    dialogues: str
    scales: list[str] = Field(min_length=1)
    per_rater: int | None = Field(default=None, ge=1)


class PairsPart(_Part):
    """Pairs of dialogues of one topic that are compared. `run` is the folder of `cocoon ablate`."""

    run: str
    conditions: str = "full,no-memory,no-memory-need"
    every_pair: bool = False
    per_rater: int | None = Field(default=None, ge=1)


class ChatsPart(_Part):
    """Live chats: the rater is the supporter and meets the same topic under two hidden conditions, then compares.

    An item is a topic under one pair of conditions. The pairs are neighbours in the given order, or every pair.
    """

    profiles: str
    conditions: str = "full,no-memory"
    every_pair: bool = False
    user: UserConfig = UserConfig(kind="prompted")
    rounds: int = Field(default=6, ge=1)
    per_rater: int = Field(default=2, ge=1)


class HumanStudy(_Part):
    """The complete description of a study.

    `raters` are pseudonyms, or the number of pseudonyms to invent. `seed` decides orders and assignments.
    `crisis_lines` is shown once a rater's own words in a chat speak of danger. Without it, the help line is.
    """

    title: Words
    consent: Words
    content_warning: Words
    help_line: Words
    crisis_lines: Words | None = None
    language: Language = "en"
    review_board: str = ""
    raters: list[str] | int = 5
    seed: int = 0
    likert: LikertPart | None = None
    pairs: PairsPart | None = None
    chats: ChatsPart | None = None

    @property
    def names(self) -> list[str]:
        """Return the raters' pseudonyms."""
        return [f"r{number + 1}" for number in range(self.raters)] if isinstance(self.raters, int) else self.raters

    @property
    def consent_text(self) -> str:
        """Return everything that a rater reads before consenting, in both languages, as JSON."""
        texts = [part.model_dump() for part in (self.title, self.consent, self.content_warning, self.help_line)]
        return json.dumps([*texts, self.review_board], ensure_ascii=False, sort_keys=True)

    @property
    def consent_sha(self) -> str:
        """Return 12 hex digits of the hash of what a rater consented to."""
        return hashlib.sha256(self.consent_text.encode()).hexdigest()[:12]

    @model_validator(mode="after")
    def _has_raters_and_something_to_rate(self) -> "HumanStudy":
        if not self.names or len(set(self.names)) < len(self.names):
            raise ValueError("raters: name each rater once, or give their number")
        if any(not name.isidentifier() for name in self.names):
            raise ValueError("raters: a pseudonym is one word of letters, digits and underscores")
        if not (self.likert or self.pairs or self.chats):
            raise ValueError("nothing to rate: give likert, pairs or chats")
        return self


Kind = Literal["likert", "pairs", "chats"]


def load_study(file: Path) -> HumanStudy:
    """Return the study of a YAML file.

    Raises CocoonError naming the file and the key at fault.
    """
    return read_yaml_record(file, HumanStudy)
