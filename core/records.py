"""The records every other room speaks in: profiles, turns, dialogues, ratings, verdicts.

Every record forbids unknown keys, so a typing mistake in a file is an error and never a silent default.
"""

import hashlib
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

Language = Literal["zh", "en"]
Role = Literal["user", "supporter"]
ValueT = TypeVar("ValueT")
StopReason = Literal["rounds", "user_left"]
How = Literal["after_reflection", "after_question", "volunteered", "leaked"]
Uptake = Literal["taken_up", "denied", "ignored"]
SenseLevel = Annotated[int | None, Field(ge=1, le=5, exclude_if=lambda level: level is None)]
MOST_GUESSES = 3
"""More guesses at a wish in one turn are a list, in which the right one may stand by chance."""


class Record(BaseModel):
    """Base of every record: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


class BothLanguages(Record):
    """One text in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def of(self, language: Language) -> str:
        """Return the text in a language."""
        return self.zh if language == "zh" else self.en


class ChainStep(Record):
    """One node of the reasoning chain from the surface need to the true need (paper C.1).

    From 1 to 5: `difficulty` is how far the need is from the first one, `relevance` how well it lies behind the last.
    """

    need: str = Field(min_length=1)
    difficulty: int | None = Field(default=None, ge=1, le=5)
    reason: str = ""
    relevance: SenseLevel = None


class Memory(Record):
    """A recent event. `chain_node` is the index in `Profile.chain` of the need that it is about, or None."""

    text: str = Field(min_length=1)
    chain_node: int | None = Field(default=None, ge=0)


class Profile(Record):
    """Who the simulated user is (paper 3.1): emotion, feeling, need, chain and memories.

    `chain` runs from the surface need (index 0) to the true need (last). `need` is None for role cards from elsewhere,
    whose success is then not applicable. `memory` begins with the need and leads back to the feeling. `feeling` is
    empty where a corpus says nothing about its user, and such a profile cannot be simulated. `reviewed` says of a
    translation whether a person has read it, and is None for a profile that no model translated. `plausible` is how
    well it could be one living person, from 1 to 5, by a judge that read it for sense.
    """

    id: str = Field(min_length=1)
    language: Language
    translation_of: str | None = None
    reviewed: bool | None = None
    scenario: str = ""
    emotion: str = ""
    feeling: str
    need: str | None = None
    chain: list[ChainStep] = []
    memory: list[Memory] = []
    source: str = "own"
    licence: str = ""
    plausible: SenseLevel = None

    @model_validator(mode="after")
    def _need_ends_the_chain(self) -> "Profile":
        if self.need is not None and not self.chain:
            self.chain = [ChainStep(need=self.need)]
        return self

    @model_validator(mode="after")
    def _memories_point_into_the_chain(self) -> "Profile":
        for number, memory in enumerate(self.memory, 1):
            if memory.chain_node is not None and memory.chain_node >= max(len(self.chain), 1):
                raise ValueError(f"memory {number} names chain node {memory.chain_node}, chain has {len(self.chain)}")
        return self


class Thought(Record):
    """What a speaker thought before a reply: analysis and strategy as a phrase (paper 3.3).

    `reasoning` is what a reasoning model's server gave as its thought, None where it gave none. It is kept for the
    trace and is never shown to a model again, nor trained on.
    """

    analysis: str = ""
    strategy: str = ""
    reasoning: str | None = None


Move = Literal[
    "simple_reflection",
    "complex_reflection",
    "open_question",
    "closed_question",
    "probe",
    "naming",
    "advice",
    "self_disclosure",
    "pressure",
    "other",
]
"""What a turn of the supporter does. Defined in `docs/guide/simulated-user.md`, with the literature."""
Rupture = Literal["too_deep", "too_soon"]
Stage = Literal["profile", "script", "conversation", "assessment", "comparison"]
"""What broke between the two: a layer was named with others above it still closed, or the need before its time."""


def _unwritten(default: ValueT) -> ValueT:
    """Return a field that is not written at its default, so that records of the other rules stay as they were."""
    return Field(default=default, exclude_if=lambda value: value == default)


class Appraisal(Record):
    """How the simulated user took the supporter's last turn: enums and integers only, never text.

    `accuracy` says what was named of the unsaid (none: plain reflection; near; accurate; wrong). `pressure` is 0 none,
    1 some, 2 strong. `touched` is the index of the chain node that was named, or None. `asked` says that the turn has
    the form of a question, and only the `listening` trust rules use it. `move` is what the turn did, and None where
    the rules do not ask for it.
    """

    accuracy: Literal["none", "near", "accurate", "wrong"]
    pressure: int = Field(ge=0, le=2)
    touched: int | None = None
    asked: bool = False
    move: Move | None = _unwritten(None)


class UserState(Record):
    """Disclosure state of the guarded user after a turn.

    `trust` is in points (0 is a stranger). `unlocked` are the chain nodes that the prompt may contain, by index, and
    `newly` are those of them that opened with this turn. `memories` are the indices of memories that the prompt may
    contain. `credit` has the points of trust already given for naming a chain node (`none`: something else unsaid), so
    that saying a thing twice earns nothing. `appraisal` is what led here. It is None when it could not be read, and
    then trust did not change. `earned` maps a chain node, as text, to the index in `Dialogue.turns` of the supporter's
    turn that earned it, which may lie before the turn in which the node opened.

    The rest is of the rules that see moves. `attuned` counts the attuned moves since a layer opened last, which earn
    less and less. `question` is the index of an open question whose answer is still to come. `ruptured` names what
    broke with this turn, and `rupture` is how many points of it are not repaired. `plan`: words, asks back or not.
    """

    trust: float
    unlocked: list[int]
    newly: list[int] = []
    memories: list[int]
    credit: dict[str, float] = {}
    appraisal: Appraisal | None = None
    pressed: bool = False
    touched_locked: bool = False
    earned: dict[str, int] = {}
    attuned: int = _unwritten(0)
    question: int | None = _unwritten(None)
    ruptured: Rupture | None = _unwritten(None)
    rupture: float = _unwritten(0.0)
    plan: tuple[int, bool] | None = _unwritten(None)


class Turn(Record):
    """One utterance. `draft` is the text before a rewrite to a statement. `calls` are journal keys.

    `state` is what a simulated user publishes of its disclosure. `memory` is what it carries to its next turn, as plain
    JSON, where that is something else than `state`.

    `scores` are numbers that a foreign corpus gives for the turn, by its own name for them (SAGE: `emotion`, 0 to 100).

    `finish` is `length` or `filtered` for a reply that the server ended before its end, and None for a whole reply or
    where nothing is known. `foreign` counts what was cut off the reply (role labels, lines of the other side, template
    tokens). It is None where nothing was.
    """

    role: Role
    content: str
    thought: Thought | None = None
    draft: str | None = None
    state: UserState | None = None
    memory: dict[str, JsonValue] | None = None
    scores: dict[str, float | None] = {}
    calls: list[str] = []
    finish: str | None = None
    foreign: int | None = None


class SourceFile(Record):
    """Where the Python code of an agent stands, and the first 12 hex digits of the SHA-256 of its text.

    `imports` are the modules that the file imports from its own folder, and those that they import in turn.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    sha: str
    imports: tuple["SourceFile", ...] = ()

    @property
    def files(self) -> dict[str, str]:
        """Return the hash of every file that the agent's code stands in."""
        return {self.file: self.sha} | {module.file: module.sha for module in self.imports}

    @property
    def version(self) -> str:
        """Return one hash for all files of the code: that of the file where it imports no other."""
        if not self.imports:
            return self.sha
        return hashlib.sha256(repr(sorted(self.files.items())).encode()).hexdigest()[:12]


class OwnCall(Record):
    """A model call that an agent of the user's own made by itself and reported. Tokens are None where it did not."""

    model: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None


class AgentFacts(Record):
    """What an agent says of itself, for manifest, configuration and report.

    `name` stands in tables. `kind` is a word for its sort (`guarded`, `prompted`, or the class of an agent of your
    own). `models` maps what a model does for it (such as `user`, `appraiser`) to the model's label and is empty for an
    agent that asks none. `prompts` maps `NAME.LANGUAGE` to the prompt's hash. `settings` are what else decides its
    words, such as difficulty and rules. `steps` maps the published steps of a user's answer to what each does.
    `source` is its Python code, None for an agent of ours.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: str = ""
    models: dict[str, str] = {}
    prompts: dict[str, str] = {}
    settings: dict[str, str] = {}
    steps: dict[str, str] = {}
    source: SourceFile | None = None


class Preference(Record):
    """What somebody preferred in a dialogue: its turns from the index `first` on, to the turns in `rejected`.

    `first` is the number of turns where nothing was preferred. Rejected turns are no speech of the dialogue.
    """

    first: int = Field(ge=0)
    rejected: list[Turn] = []


class Dialogue(Record):
    """A whole conversation. `stage_boundary` is the index of the suggestion stage's first turn, or none.

    `facts` is what a foreign corpus states of the whole dialogue, by its own names (a topic, ratings before and after).

    A branch begins in the middle of another dialogue: `parent` is that dialogue's id, and `branched_at` the index of
    the first turn that is not the parent's. The turns before it took no call of their own. Nor did that turn where it
    is a `move`: the content of the parent's turn in another form, written once for all branches that begin with it.
    """

    id: str
    profile: Profile
    supporter: str
    sample: int = 0
    language: Language
    turns: list[Turn]
    stage_boundary: int | None = None
    stop_reason: str | None = None
    user_kind: str = ""
    difficulty: str = ""
    rules: str = ""
    facts: dict[str, str | int | float | bool | None] = {}
    source: str = "own"
    licence: str = ""
    parent: str | None = None
    branched_at: int | None = None
    preference: Preference | None = _unwritten(None)
    move: str | None = _unwritten(None)

    @property
    def head(self) -> dict[str, Any]:
        """Return what a rating of the dialogue repeats of it."""
        return {"dialogue": self.id, "profile": self.profile.id, "supporter": self.supporter, "sample": self.sample}


class Claim(Record):
    """What a judge said of a need before the transcript was asked."""

    named_by: Role
    how: How | None
    turn: int
    quote: str


class Verdict(Record):
    """Who named the need, how it came out, and the quote that shows it.

    `success` is None when the verdict is missing, and `missing` then says why. `turn` is the index in `Dialogue.turns`
    of the turn with the quote. For a failure the quote is what came nearest, and `empty_evidence` says that it has
    nothing to do with the need.

    `claim` is what the judge said where the transcript says otherwise (an earlier mention, another form), else None.
    `uptake` says how the user answered a need that the supporter named, and `guesses` how many wishes that turn
    ascribed to the user. `earned` is the index of the supporter's turn that earned a guarded user's need, and
    `earned_how` its form: the user may say the need some turns after it was earned.
    """

    success: bool | None
    named_by: Literal["supporter", "user", "nobody"] | None = None
    how: How | None = None
    turn: int | None = None
    quote: str | None = None
    missing: str | None = None
    empty_evidence: bool = False
    claim: Claim | None = None
    uptake: Uptake | None = None
    guesses: int | None = None
    earned: int | None = None
    earned_how: How | None = None

    @property
    def taken_up(self) -> bool | None:
        """Return whether it is a success that the user stood by, None where the verdict is missing.

        The user said the need, or took up the supporter's guess, which was no list of guesses.
        """
        if not self.success or self.named_by == "user":
            return self.success
        return self.uptake == "taken_up" and (self.guesses or 0) <= MOST_GUESSES


class Rating(Record):
    """One judge's answer on one scale (or success mode) for one dialogue. A value of None is missing.

    `items` maps item ids to values as answered (before keying), and `dimensions` maps names to keyed means, on the
    scale's own range. `prompt_sha` is the prompt's hash and, for a scale, after a dot the hash of its wording and
    keying. `missing` says for each item, or under `*` for all of them, why there is no value. `legal_mass` is the
    lowest probability that an unmasked local model gave to the legal answers, where known.
    """

    dialogue: str
    profile: str
    supporter: str
    sample: int = 0
    scale: str
    judge: str
    vote: int = 0
    prompt_id: str
    prompt_sha: str
    not_applicable: bool = False
    items: dict[str, int | None] = {}
    dimensions: dict[str, float | None] = {}
    missing: dict[str, str] = {}
    verdict: Verdict | None = None
    rung: str | None = None
    legal_mass: float | None = None
    calls: list[str] = []


class Failure(Record):
    """A dialogue or rating that could not be made, with the reason."""

    dialogue: str
    stage: Stage
    node: str
    reason: str
    message: str


class Dropped(Record):
    """A profile or dialogue that was written and not kept: at which node of its graph, why, and its content there.

    `reason` is one word for tables. `detail` says what was wrong in words for a person, with the turn where there is
    one.
    """

    id: str
    stage: Stage
    node: str
    reason: str
    detail: str
    content: dict[str, Any]
