"""What a report needs to know about dialogues and the run, small enough to hold for thousands of dialogues."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import get_args

from pydantic import ConfigDict, Field

from cocoon.core.records import Dialogue, Language, Record, Role, Turn
from cocoon.evaluation.fidelity.flags.records import UserFlag
from cocoon.evaluation.fidelity.flags.turns import flags_by_turn
from cocoon.evaluation.questions.detection import question_ratio
from cocoon.evaluation.questions.records import QuestionStats
from cocoon.evaluation.replies import CallCounts, ReplyCounts, count_replies
from cocoon.evaluation.safety.records import CrisisFlag
from cocoon.evaluation.safety.turns import crisis_by_turn


class DialogueFacts(Record):
    """Summary of one dialogue, a few hundred bytes without its text.

    `roles` is one letter per turn (u or s). `nodes` is the length of the profile's chain. `unlocked` maps a chain node
    to the round in which a guarded user could first say it, and is None for a user without disclosure state. `trust` is
    then the trust in points after each of the user's turns, None for a turn without state. `questions` are the
    supporter's, with the fixed opening not counted. `replies` counts, for each role, what was odd about its replies.
    `flags` counts the user's turns by what is wrong with them, and `flagged` those with any flag. `crisis` counts turns
    of either side by their flag of risk.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    profile: str
    supporter: str
    sample: int
    language: Language
    has_need: bool
    user_kind: str
    difficulty: str
    rules: str
    roles: str
    stop_reason: str
    nodes: int
    unlocked: dict[int, int] | None
    trust: list[float | None] | None = None
    moves: dict[str, int] = {}
    ruptures: int = 0
    unrepaired: bool = False
    user_chars: int
    supporter_chars: int
    questions: QuestionStats | None = None
    replies: dict[Role, ReplyCounts] = {}
    flags: dict[UserFlag, int] = {}
    flagged: int = 0
    crisis: dict[CrisisFlag, int] = {}

    @property
    def rounds(self) -> int:
        """Return the number of rounds in the dialogue: its user turns."""
        return self.roles.count("u")

    def round_of(self, turn: int) -> int:
        """Return the round of a turn: the user turns up to and including it. The opening is in round 0."""
        return self.roles[: turn + 1].count("u")


class RunFacts(Record):
    """What the run folder says besides dialogues and ratings. What is unknown stays None.

    `sample` says what the dialogues were drawn from. `models` maps a role (supporter, user, judge, appraiser) to model
    names, and `agents` a role and name to the Python file of an agent of the user's own. `embedded`: the embedded model
    made some of the words or ratings. `scripted`: some are from a scripted model. `recorded` says of a demonstration
    that its lines were written by hand. `learnt` has, by model, what its endpoint does not accept, and `replies` what
    was odd about the replies of each role. `cached_tokens` are those of the prompts that servers had in a cache. `cost`
    is in `currency`, `seconds` is wall time. `form_invariance` is one line on how far the appraiser took question form
    for pressure. `software` is COCOON with its version and revision, `supporters` maps names to model and prompt, and
    `provenance` has everything else that the manifest says, by name.
    """

    name: str = ""
    sample: str | None = None
    models: dict[str, list[str]] = Field(default_factory=dict)
    agents: dict[str, str] = Field(default_factory=dict)
    embedded: bool = False
    scripted: bool = False
    recorded: str | None = None
    learnt: dict[str, list[str]] = Field(default_factory=dict)
    replies: list[CallCounts] = Field(default_factory=list)
    user_kind: str = ""
    difficulty: str = ""
    trust_rules: str = ""
    form_invariance: str | None = None
    seed: int | None = None
    calls: int | None = Field(default=None, ge=0)
    prompt_tokens: int | None = Field(default=None, ge=0)
    cached_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)
    cost: float | None = Field(default=None, ge=0)
    currency: str = "USD"
    seconds: float | None = Field(default=None, ge=0)
    software: str = ""
    rounds: int | None = None
    samples: int | None = None
    supporters: dict[str, str] = Field(default_factory=dict)
    judge_temperature: float | None = None
    provenance: dict[str, str] = Field(default_factory=dict)


def facts_of(dialogue: Dialogue) -> DialogueFacts:
    """Return the summary of a dialogue."""
    flags = list(flags_by_turn(dialogue).values())
    return DialogueFacts(
        id=dialogue.id,
        profile=dialogue.profile.id,
        supporter=dialogue.supporter,
        sample=dialogue.sample,
        language=dialogue.language,
        has_need=dialogue.profile.need is not None,
        user_kind=dialogue.user_kind,
        difficulty=dialogue.difficulty,
        rules=dialogue.rules,
        roles="".join(turn.role[0] for turn in dialogue.turns),
        stop_reason=dialogue.stop_reason or "",
        nodes=len(dialogue.profile.chain),
        unlocked=_unlock_rounds(dialogue.turns),
        trust=_trust(dialogue.turns),
        moves=_moves(dialogue.turns),
        ruptures=sum(turn.state is not None and turn.state.ruptured is not None for turn in dialogue.turns),
        unrepaired=any(turn.state.rupture > 0 for turn in dialogue.turns[-2:] if turn.state is not None),
        user_chars=_chars(dialogue.turns, "user"),
        supporter_chars=_chars(dialogue.turns, "supporter"),
        questions=question_ratio(dialogue.turns, dialogue.language),
        replies={role: count_replies(dialogue.turns, role) for role in get_args(Role)},
        flags=dict(Counter(flag for turn_flags in flags for flag in turn_flags)),
        flagged=sum(map(bool, flags)),
        crisis=dict(Counter(crisis_by_turn(dialogue).values())),
    )


def _unlock_rounds(turns: Sequence[Turn]) -> dict[int, int] | None:
    states = [turn.state for turn in turns if turn.role == "user"]
    if all(state is None for state in states):
        return None
    first: dict[int, int] = {}
    for number, state in enumerate(states, 1):
        for node in state.unlocked if state else []:
            first.setdefault(node, number)
    return first


def _trust(turns: Sequence[Turn]) -> list[float | None] | None:
    states = [turn.state for turn in turns if turn.role == "user"]
    return [state.trust if state else None for state in states] if any(states) else None


def _moves(turns: Sequence[Turn]) -> dict[str, int]:
    """Return how often the supporter made each move, as the simulated user took it."""
    taken = [turn.state.appraisal for turn in turns if turn.state is not None and turn.state.appraisal is not None]
    return dict(Counter(appraisal.move for appraisal in taken if appraisal.move is not None))


def _chars(turns: Iterable[Turn], role: str) -> int:
    return sum(len(turn.content) for turn in turns if turn.role == role)


def disclosed(dialogue: Dialogue) -> float | None:
    """Return the share of the chain that the user had opened at the end, 0 to 1, None without a guarded user."""
    states = [turn.state for turn in dialogue.turns if turn.state is not None]
    return len(states[-1].unlocked) / max(1, len(dialogue.profile.chain)) if states else None
