"""What makes a profile valid: language, length, form, and parts that differ. Each problem is one line."""

import re
from collections.abc import Sequence

from cocoon.core.records import Language, Profile
from cocoon.evaluation.text.contents import share_named

# Likeness, 0 to 100 (rapidfuzz's normalised edit similarity over characters), from which two texts are the same one.
SAME = 90.0
# Share of the need's contents from which a feeling gives it away.
GIVEN_AWAY = 0.6
_LENGTHS: dict[str, dict[Language, tuple[int, int]]] = {
    "need": {"zh": (5, 60), "en": (12, 160)},
    "feeling": {"zh": (6, 80), "en": (12, 220)},
    "memory": {"zh": (12, 400), "en": (30, 900)},
}
_MARKUP = re.compile(r"[{}<>\[\]`|#*]|https?:|\bN/A\b|\bTODO\b|\.\.\.$|…$", re.IGNORECASE)
_FIRST_PERSON: dict[Language, re.Pattern[str]] = {
    "zh": re.compile("我|自己"),
    "en": re.compile(r"\b(?:I|me|my|myself|I'm|I'd)\b", re.IGNORECASE),
}
_HAN = re.compile("[\u3005\u3400-\u9fff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\uff21-\uff3a\uff41-\uff5a]")
_LATIN_WORD = re.compile(rf"{_LATIN.pattern}+(?:['’-]{_LATIN.pattern}+)*")


def text_likeness(one: str, other: str) -> float:
    """Return how alike two texts are, 0 to 100, whatever their case, spaces and marks."""
    from rapidfuzz import fuzz, utils

    return float(fuzz.ratio(one, other, processor=utils.default_process))


def is_in(text: str, language: Language) -> bool:
    """Return whether a text is in the language, by its scripts. A text without letters is not Chinese.

    Everyday Chinese has words in Latin letters (offer, PPT, KPI): it stays Chinese while they are fewer than its
    characters. A text in a third script (kana, Hangul, Cyrillic) is in neither language.
    """
    han, words = len(_HAN.findall(text)), len(_LATIN_WORD.findall(text))
    letters = sum(letter.isalpha() for letter in text)
    foreign = letters - han - len(_LATIN.findall(text))
    return foreign == 0 and han > words if language == "zh" else han + foreign <= 0.05 * letters


def text_problem(text: str, kind: str, language: Language) -> str | None:
    """Return what is wrong with the form of one text, or None."""
    low, high = _LENGTHS[kind][language]
    if not low <= len(text) <= high:
        return f"has {len(text)} characters, a {kind} has {low} to {high}"
    if markup := _MARKUP.search(text):
        return f"holds {markup.group()!r}, which is no part of what a person says"
    if not is_in(text, language):
        return f"is not in language {language!r}"
    if kind != "memory" and not _FIRST_PERSON[language].search(text):
        return "is not in the first person"
    return None


def need_problem(text: str, language: Language, others: Sequence[str]) -> str | None:
    """Return what is wrong with a need, or None: its form, or that it repeats one of `others` (seeds, or the chain so
    far).
    """
    problem = text_problem(text, "need", language)
    if problem:
        return f"the need {problem}"
    again = next((other for other in others if text_likeness(text, other) >= SAME), None)
    return f"the need is {again!r} again; find another" if again else None


def feeling_problem(text: str, language: Language, chain: Sequence[str]) -> str | None:
    """Return a feeling's form, and that it does not tell the need."""
    problem = text_problem(text, "feeling", language)
    if problem:
        return f"the feeling {problem}"
    if len(chain) > 1 and share_named(text, chain[-1], chain[0]) >= GIVEN_AWAY:
        return "the feeling tells the need; keep to the surface"
    return None


def memory_problem(text: str, language: Language) -> str | None:
    """Return a memory's form."""
    return text_problem(text, "memory", language)


def profile_problem(profile: Profile) -> tuple[str, str] | None:
    """Return (reason in a word, what is wrong) for a profile that is not valid, or None for a valid one."""
    chain = [step.need for step in profile.chain]
    for number, need in enumerate(chain):
        if problem := need_problem(need, profile.language, chain[:number]):
            return "need", f"chain node {number}: {problem}"
    if problem := feeling_problem(profile.feeling, profile.language, chain):
        return "feeling", problem
    texts = [memory.text for memory in profile.memory]
    for number, text in enumerate(texts, 1):
        if problem := memory_problem(text, profile.language):
            return "memory", f"memory {number} {problem}"
        if again := next(
            (position for position, other in enumerate(texts[: number - 1], 1) if text_likeness(text, other) >= SAME), 0
        ):
            return "memory", f"memory {number} is memory {again} again"
    return _order_problem(profile, texts)


def _order_problem(profile: Profile, texts: Sequence[str]) -> tuple[str, str] | None:
    nodes = [memory.chain_node for memory in profile.memory]
    expected = set(range(len(profile.chain)))
    if None in nodes or set(nodes) != expected or sorted(nodes, key=lambda node: -(node or 0)) != nodes:
        return "memory", f"memories tell of chain nodes {nodes}, not of every node from the need back to the first"
    if profile.need is None or not texts or not texts[0].startswith(profile.need):
        return "memory", "the first memory does not begin with the need"
    return None
