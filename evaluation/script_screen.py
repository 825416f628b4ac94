"""The structural screen of script-based dialogues (paper 3.2, 3.3, D.1): what a listening stage must not contain.

Works on any dialogue with a profile. Lexical tests compare words, semantic ones static word vectors; each finding names
its test, so that a reader can leave one out. Figures on planted sentences: docs/scripts.md.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from pydantic import ConfigDict

from cocoon.core.records import Language, Profile, Record, Role
from cocoon.evaluation.advice_forms import CERTAIN, DOUBTFUL, REFLECTION
from cocoon.evaluation.contents import contents, share_named
from cocoon.evaluation.question_records import QuestionType
from cocoon.evaluation.question_sentences import sentences
from cocoon.evaluation.questions import questions
from cocoon.evaluation.request_forms import ASKING, INVITING, PIECE, SPEAKER, UNDERSTANDS

Kind = Literal["roles", "too_short", "leak", "early_need", "advice", "question", "need_not_reached", "ending"]
Test = Literal["structure", "lexical", "semantic"]
Rewrite = Literal["closed", "all", "none"]
Manner = Literal["advice", "question"]
MANNERS: tuple[Manner, ...] = get_args(Manner)

# Question types that a rewrite has to remove. Information-gathering and choice questions are closed, as are tags.
REWRITTEN: dict[Rewrite, frozenset[QuestionType]] = {
    "closed": frozenset(("closed", "tag", "rhetorical")),
    "all": frozenset(("open", "closed", "tag", "rhetorical")),
    "none": frozenset(),
}
# Share of a part's contents from which a sentence tells it, and cosine from which it means the same.
TOLD = 0.5
MEANT: dict[Language, float] = {"zh": 0.58, "en": 0.13}
FEWEST = 2
# Characters of the sentences that a model reads as one candidate.
LONGEST = 600


class Finding(Record):
    """One thing found: what, by which test, in which turn (index, none for the whole), in which words.

    `part` is the text of the profile that it may tell. A semantic finding is a candidate that a model should confirm:
    vectors know topics better than meanings, and advice and requests share their words with reflections.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    test: Test
    turn: int | None = None
    quote: str = ""
    detail: str = ""
    part: str = ""


@dataclass(frozen=True)
class ScreenRules:
    """Settings of the screen. `minimum_rounds`: user turns before the need may appear; `semantic`: vectors too.

    `doubtful`: whether what may be advice, or ask without a question's grammar, is found as well, as a candidate.
    """

    minimum_rounds: int = 5
    minimum_turns: int = 12
    rewrite: Rewrite = "closed"
    semantic: bool = True
    doubtful: bool = True


@dataclass(frozen=True)
class Spoken:
    """One turn of the text to be screened."""

    role: Role
    content: str


def tells(text: str, part: str, said: str, language: Language, semantic: bool) -> Test | None:
    """By which test a text tells a part of a profile that was not `said` before; none where it does not."""
    new = contents(part) - contents(said)
    if len(new) >= FEWEST and share_named(text, part, said) >= TOLD:
        return "lexical"
    if semantic and means(text, part, language):
        return "semantic"
    return None


def means(text: str, part: str, language: Language) -> bool:
    """Whether some sentence of a text means the part, by its vectors."""
    from cocoon.evaluation.static_embedding import embed

    pieces = sentences(text, language)
    if not pieces:
        return False
    vectors = embed([part, *pieces])
    return bool((vectors[1:] @ vectors[0]).max() >= MEANT[language])


def gives_advice(text: str, language: Language) -> str | None:
    """The first sentence that by its form tells the other what to do, none without one."""
    return next((one for one in sentences(text, language) if _advises(one, language)), None)


def may_advise(text: str, language: Language) -> str | None:
    """The sentences that may tell the other what to do, or reflect what was said; none without one."""
    return _all(text, language, lambda one: bool(DOUBTFUL[language].search(one)))


def may_ask(text: str, language: Language, rewrite: Rewrite) -> str | None:
    """The sentences that may ask, without a question's grammar, for what the rewrite rule does not allow; or none.

    `closed`: for a piece of information; an open invitation is allowed. `all`: for anything.
    """
    return None if rewrite == "none" else _all(text, language, lambda one: _requests(one, language, rewrite))


def _all(text: str, language: Language, wanted: Callable[[str], bool]) -> str | None:
    return " ".join(filter(wanted, sentences(text, language))) or None


def _requests(sentence: str, language: Language, rewrite: Rewrite) -> bool:
    asking, piece = ASKING[language].search(sentence), PIECE[language].search(sentence)
    wondering = SPEAKER[language].search(sentence) and not UNDERSTANDS[language].search(sentence)
    if piece and (asking or wondering):
        return True
    return rewrite == "all" and bool(asking or INVITING[language].search(sentence))


def _advises(sentence: str, language: Language) -> bool:
    return bool(CERTAIN[language].search(sentence)) and not REFLECTION[language].search(sentence)


def leftover_question(text: str, language: Language, rewrite: Rewrite) -> str | None:
    """The first question that the rewrite rule does not allow, none without one."""
    wanted = REWRITTEN[rewrite]
    return next((one.text for one in questions(text, language) if one.type in wanted), None)


def screen_listening(turns: Sequence[Spoken], profile: Profile, rules: ScreenRules) -> list[Finding]:
    """Everything against the rules in a listening stage, in the order of its turns."""
    return [
        *_structure(turns),
        *_leaks(turns, profile, rules),
        *_early(turns, profile, rules),
        *_manner(turns, profile.language, rules),
    ]


def need_turn(turns: Sequence[Spoken], profile: Profile, semantic: bool) -> int | None:
    """Index of the user's first turn that tells the need; none without one, or without a need."""
    if profile.need is None:
        return None
    said = ""
    for number, turn in enumerate(turns):
        if turn.role == "user":
            if tells(turn.content, profile.need, said, profile.language, semantic):
                return number
            said = f"{said} {turn.content}"
    return None


def _structure(turns: Sequence[Spoken]) -> Iterator[Finding]:
    for number, (turn, following) in enumerate(pairwise(turns), 1):
        if turn.role == following.role:
            detail = f"two {turn.role} turns in a row"
            yield Finding(kind="roles", test="structure", turn=number, quote=following.content[:80], detail=detail)
    if not turns or turns[-1].role != "user":
        yield Finding(kind="ending", test="structure", turn=len(turns) - 1, detail="does not end with the user")


def _parts(profile: Profile) -> dict[str, str]:
    """What a supporter may not know before it is said: the chain beyond its first node, the memories.

    A chain of one node is the need alone, as profiles from elsewhere have it.
    """
    surface = 0 if len(profile.chain) > 1 else -1
    parts = {f"chain {number}": step.need for number, step in enumerate(profile.chain) if number != surface}
    return parts | {f"memory {number}": memory.text for number, memory in enumerate(profile.memory, 1)}


def _leaks(turns: Sequence[Spoken], profile: Profile, rules: ScreenRules) -> Iterator[Finding]:
    said = profile.feeling
    parts = _parts(profile)
    for number, turn in enumerate(turns):
        if turn.role == "user":
            said = f"{said} {turn.content}"
            parts = {name: text for name, text in parts.items() if share_named(said, text) < TOLD}
            continue
        for name, text in parts.items():
            # A memory is a story: a sentence near it in meaning is about the same matter, which was talked of.
            semantic = rules.semantic and name.startswith("chain") and not _touched(said, text, profile.language)
            test = tells(turn.content, text, said, profile.language, semantic)
            if test:
                quote = turn.content[:200]
                yield Finding(kind="leak", test=test, turn=number, quote=quote, detail=name, part=text)


def _touched(said: str, part: str, language: Language) -> bool:
    return means(said, part, language)


def _early(turns: Sequence[Spoken], profile: Profile, rules: ScreenRules) -> Iterator[Finding]:
    if profile.need is None:
        return
    said, rounds = "", 0
    for number, turn in enumerate(turns):
        if turn.role != "user":
            continue
        rounds += 1
        if rounds > rules.minimum_rounds:
            return
        test = tells(turn.content, profile.need, said, profile.language, rules.semantic)
        if test:
            detail = f"the need is told in round {rounds}, before {rules.minimum_rounds} rounds are over"
            quote = turn.content[:200]
            yield Finding(kind="early_need", test=test, turn=number, quote=quote, detail=detail, part=profile.need)
        said = f"{said} {turn.content}"


def _manner(turns: Sequence[Spoken], language: Language, rules: ScreenRules) -> Iterator[Finding]:
    for number, turn in enumerate(turns):
        if turn.role == "supporter":
            for kind in MANNERS:
                yield from _manner_of(kind, number, turn.content, language, rules)


def _manner_of(kind: Manner, number: int, text: str, language: Language, rules: ScreenRules) -> Iterator[Finding]:
    if certain := manner(kind, text, language, rules.rewrite):
        yield Finding(kind=kind, test="lexical", turn=number, quote=certain[:200])
    elif rules.doubtful and (doubtful := doubtful_manner(kind, text, language, rules.rewrite)):
        yield Finding(kind=kind, test="semantic", turn=number, quote=doubtful[:LONGEST])


def manner(kind: Manner, text: str, language: Language, rewrite: Rewrite) -> str | None:
    """The first sentence that by its form is advice, or a question that the rule does not allow; none without one."""
    return gives_advice(text, language) if kind == "advice" else leftover_question(text, language, rewrite)


def doubtful_manner(kind: Manner, text: str, language: Language, rewrite: Rewrite) -> str | None:
    """The sentences that may be so, and that a model has to read; none without one."""
    return may_advise(text, language) if kind == "advice" else may_ask(text, language, rewrite)
