"""The structural screen of script-based dialogues (paper 3.2, 3.3, D.1): what a listening stage must not contain.

It works on any dialogue with a profile. Lexical tests compare words, and semantic tests compare static word vectors.
Each finding names its test, so that a reader can leave one test out. The fixed opening is not judged: its words are the
toolkit's own, and come before anything is known. Figures on planted sentences are in docs/how-to/scripts.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ConfigDict

from cocoon.core.prompts import load_prompt
from cocoon.core.records import Language, Profile, Record, Role
from cocoon.evaluation.questions.detection import questions
from cocoon.evaluation.questions.records import QuestionType
from cocoon.evaluation.questions.sentences import sentences
from cocoon.evaluation.screen.advice_forms import CERTAIN, DOUBTFUL, REFLECTION
from cocoon.evaluation.screen.request_forms import ASKING, INVITING, PIECE, SPEAKER, UNDERSTANDS
from cocoon.evaluation.text.contents import contents, share_named

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
# A sentence tells a part from this share of its contents, and means the same from this cosine.
TOLD = 0.5
MEANT: dict[Language, float] = {"zh": 0.58, "en": 0.13}
FEWEST = 2
# Characters of the sentences that a model reads as one candidate.
LONGEST = 600


class ScreenFinding(Record):
    """One finding: what, by which test, in which turn (index, None for the whole dialogue), in which words.

    `part` is the text of the profile that the turn may tell. A semantic finding is a candidate that a model should
    confirm, because vectors know topics better than meanings, and advice and requests share their words with
    reflections.
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
    """Settings of the screen.

    `minimum_rounds`: user turns before the need may appear. `semantic`: whether vectors are used too. `doubtful`:
    whether what may be advice, or may ask without a question's grammar, is also found, as a candidate. `prompts`: the
    folder of the user's own prompts, which may hold another opening.
    """

    minimum_rounds: int = 5
    minimum_turns: int = 12
    rewrite: Rewrite = "closed"
    semantic: bool = True
    doubtful: bool = True
    prompts: Path | None = None


@dataclass(frozen=True)
class Spoken:
    """One turn of the text to be screened."""

    role: Role
    content: str


def tells(text: str, part: str, said: str, language: Language, semantic: bool) -> Test | None:
    """Return the test by which a text tells a part of a profile that was not `said` before, or None."""
    unsaid = contents(part) - contents(said)
    if len(unsaid) >= FEWEST and share_named(text, part, said) >= TOLD:
        return "lexical"
    if semantic and means(text, part, language):
        return "semantic"
    return None


def means(text: str, part: str, language: Language) -> bool:
    """Return whether any sentence of a text has the same meaning as the part, by its vectors."""
    from cocoon.evaluation.text.static_embedding import embed

    pieces = sentences(text, language)
    if not pieces:
        return False
    vectors = embed([part, *pieces])
    return bool((vectors[1:] @ vectors[0]).max() >= MEANT[language])


def gives_advice(text: str, language: Language) -> str | None:
    """Return the first sentence that by its form tells the other what to do, or None."""
    return next((sentence for sentence in sentences(text, language) if _advises(sentence, language)), None)


def may_advise(text: str, language: Language) -> str | None:
    """Return the sentences that may tell the other what to do, or may reflect what was said, or None."""
    return _matching_sentences(text, language, lambda sentence: bool(DOUBTFUL[language].search(sentence)))


def may_ask(text: str, language: Language, rewrite: Rewrite) -> str | None:
    """Return the sentences that may ask, without a question's grammar, for what the rewrite rule forbids, or None.

    `closed` forbids asking for a piece of information, and allows an open invitation. `all` forbids asking for
    anything.
    """
    return (
        None
        if rewrite == "none"
        else _matching_sentences(text, language, lambda sentence: _requests(sentence, language, rewrite))
    )


def _matching_sentences(text: str, language: Language, matches: Callable[[str], bool]) -> str | None:
    return " ".join(filter(matches, sentences(text, language))) or None


def _requests(sentence: str, language: Language, rewrite: Rewrite) -> bool:
    asking, piece = ASKING[language].search(sentence), PIECE[language].search(sentence)
    wondering = SPEAKER[language].search(sentence) and not UNDERSTANDS[language].search(sentence)
    if piece and (asking or wondering):
        return True
    return rewrite == "all" and bool(asking or INVITING[language].search(sentence))


def _advises(sentence: str, language: Language) -> bool:
    return bool(CERTAIN[language].search(sentence)) and not REFLECTION[language].search(sentence)


def leftover_question(text: str, language: Language, rewrite: Rewrite) -> str | None:
    """Return the first question that the rewrite rule does not allow, or None."""
    forbidden = REWRITTEN[rewrite]
    return next((sentence.text for sentence in questions(text, language) if sentence.type in forbidden), None)


def screen_listening(turns: Sequence[Spoken], profile: Profile, rules: ScreenRules) -> list[ScreenFinding]:
    """Return everything in a listening stage that is against the rules, by kind, in the order of its turns."""
    heard = _without_opening(turns, profile, rules)
    return [
        *_structure_findings(heard),
        *_leak_findings(heard, profile, rules),
        *_early_need_findings(heard, profile, rules),
        *_manner_findings(heard, profile.language, rules),
    ]


def fixed_opening(profile: Profile, prompts: Path | None = None) -> str:
    """Return the words with which the toolkit opens a script: an observation of the emotion."""
    return load_prompt("supporter/opening", profile.language, prompts).render(emotion=profile.emotion)


def _without_opening(turns: Sequence[Spoken], profile: Profile, rules: ScreenRules) -> Sequence[Spoken]:
    """Return the turns with no words in place of the fixed opening, so that every turn keeps its index."""
    opening = Spoken("supporter", fixed_opening(profile, rules.prompts))
    return [Spoken("supporter", ""), *turns[1:]] if turns and turns[0] == opening else turns


def need_turn(turns: Sequence[Spoken], profile: Profile, semantic: bool) -> int | None:
    """Return the index of the user's first turn that tells the need. None without such a turn, or without a need."""
    if profile.need is None:
        return None
    earlier_words = ""
    for number, turn in enumerate(turns):
        if turn.role == "user":
            if tells(turn.content, profile.need, earlier_words, profile.language, semantic):
                return number
            earlier_words = f"{earlier_words} {turn.content}"
    return None


def _structure_findings(turns: Sequence[Spoken]) -> Iterator[ScreenFinding]:
    for number, (turn, following) in enumerate(pairwise(turns), 1):
        if turn.role == following.role:
            detail = f"two {turn.role} turns in a row"
            yield ScreenFinding(
                kind="roles", test="structure", turn=number, quote=following.content[:80], detail=detail
            )
    if not turns or turns[-1].role != "user":
        yield ScreenFinding(kind="ending", test="structure", turn=len(turns) - 1, detail="does not end with the user")


def _hidden_parts(profile: Profile) -> dict[str, str]:
    """Return what a supporter may not know before it is said: the chain after its first node, and the memories.

    A chain of one node is only the need, as in profiles from other sources.
    """
    surface = 0 if len(profile.chain) > 1 else -1
    parts = {f"chain {number}": step.need for number, step in enumerate(profile.chain) if number != surface}
    return parts | {f"memory {number}": memory.text for number, memory in enumerate(profile.memory, 1)}


def _leak_findings(turns: Sequence[Spoken], profile: Profile, rules: ScreenRules) -> Iterator[ScreenFinding]:
    earlier_words = profile.feeling
    parts = _hidden_parts(profile)
    for number, turn in enumerate(turns):
        if turn.role == "user":
            earlier_words = f"{earlier_words} {turn.content}"
            parts = {name: text for name, text in parts.items() if share_named(earlier_words, text) < TOLD}
            continue
        for name, text in parts.items():
            # Only chain parts: a sentence near a memory in meaning is about the same topic, which was talked about.
            semantic = (
                rules.semantic
                and name.startswith("chain")
                and not _already_mentioned(earlier_words, text, profile.language)
            )
            test = tells(turn.content, text, earlier_words, profile.language, semantic)
            if test:
                quote = turn.content[:200]
                yield ScreenFinding(kind="leak", test=test, turn=number, quote=quote, detail=name, part=text)


def _already_mentioned(earlier_words: str, part: str, language: Language) -> bool:
    return means(earlier_words, part, language)


def _early_need_findings(turns: Sequence[Spoken], profile: Profile, rules: ScreenRules) -> Iterator[ScreenFinding]:
    if profile.need is None:
        return
    earlier_words, rounds = "", 0
    for number, turn in enumerate(turns):
        if turn.role != "user":
            continue
        rounds += 1
        if rounds > rules.minimum_rounds:
            return
        test = tells(turn.content, profile.need, earlier_words, profile.language, rules.semantic)
        if test:
            detail = f"the need is told in round {rounds}, before {rules.minimum_rounds} rounds are over"
            quote = turn.content[:200]
            yield ScreenFinding(
                kind="early_need", test=test, turn=number, quote=quote, detail=detail, part=profile.need
            )
        earlier_words = f"{earlier_words} {turn.content}"


def _manner_findings(turns: Sequence[Spoken], language: Language, rules: ScreenRules) -> Iterator[ScreenFinding]:
    for number, turn in enumerate(turns):
        if turn.role == "supporter":
            for kind in MANNERS:
                yield from _manner_findings_in_turn(kind, number, turn.content, language, rules)


def _manner_findings_in_turn(
    kind: Manner, number: int, text: str, language: Language, rules: ScreenRules
) -> Iterator[ScreenFinding]:
    if certain := manner(kind, text, language, rules.rewrite):
        yield ScreenFinding(kind=kind, test="lexical", turn=number, quote=certain[:200])
    elif rules.doubtful and (doubtful := doubtful_manner(kind, text, language, rules.rewrite)):
        yield ScreenFinding(kind=kind, test="semantic", turn=number, quote=doubtful[:LONGEST])


def manner(kind: Manner, text: str, language: Language, rewrite: Rewrite) -> str | None:
    """Return the first sentence that by its form is advice or a question that the rule does not allow, or None."""
    return gives_advice(text, language) if kind == "advice" else leftover_question(text, language, rewrite)


def doubtful_manner(kind: Manner, text: str, language: Language, rewrite: Rewrite) -> str | None:
    """Return the sentences that may be advice or such a question, and that a model has to read, or None."""
    return may_advise(text, language) if kind == "advice" else may_ask(text, language, rewrite)


def structure_findings(turns: Sequence[Mapping[str, Any]], rules: ScreenRules) -> list[ScreenFinding]:
    """Return what is wrong with a whole dialogue's form: too few turns, or an empty one. `turns` are plain JSON."""
    findings: list[ScreenFinding] = []
    if len(turns) < rules.minimum_turns:
        detail = f"{len(turns)} turns, at least {rules.minimum_turns}"
        findings.append(ScreenFinding(kind="too_short", test="structure", detail=detail))
    empty = next((number for number, turn in enumerate(turns) if not turn["content"]), None)
    if empty is not None:
        findings.append(ScreenFinding(kind="roles", test="structure", turn=empty, detail="an empty turn"))
    return findings
