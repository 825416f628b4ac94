"""Where a transcript says what a need says: a lenient test for a judge's quote, and a strict one for its own search.

The lenient test decides whether a quote can be evidence at all. It compares words first and static word vectors where
they are installed (extra `screen`), and rejects what has no content ("I", "Okay"). The strict test finds passages that
repeat the need closely, so that an echo is not taken for the first mention. Thresholds were chosen on the labelled
cases (docs/guide/judging.md has the figures).
"""

import re
from collections.abc import Collection, Iterator

from cocoon.core.records import Language, Profile, Turn
from cocoon.evaluation.questions.sentences import compiled, sentences
from cocoon.evaluation.text import static_embedding
from cocoon.evaluation.text.contents import contents, share_named

CARRIES, HALF = 0.3, 0.5
"""A quote that names the first share of the need's contents and more than one, or the second, carries its meaning."""
NEAR: dict[Language, float] = {"en": 0.03, "zh": 0.5}
"""From this cosine a quote with enough contents may be another wording of the need."""
STRONG: dict[Language, float] = {"en": 0.7, "zh": 0.75}
"""From this cosine a quote of a word or two may say the need in short."""
FEWEST: dict[Language, int] = {"en": 2, "zh": 4}
"""Contents (stems, or pairs of characters) that another wording has at least."""
REPEATS = 0.6
"""A sentence that names this share of the need's contents repeats it."""
SAME: dict[Language, float] = {"en": 0.75, "zh": 0.87}
"""From this cosine a sentence says the same as the need."""

_OWN = {
    "user": compiled({"en": [r"\b(?:i|me|my|mine|myself)\b"], "zh": ["我", "自己"]}),
    "supporter": compiled({"en": [r"\b(?:you|your|yours|yourself)\b"], "zh": ["[你您]", "自己"]}),
}
# What somebody else wants, and what is denied, are no mention of the user's own need.
_ELSEWHERE = compiled(
    {
        "en": [
            r"\b(?:he|she|they|mum|mom|dad|father|mother|husband|wife|brother|sister|friend|boss|people)\s+(?:\w+\s+){0,2}?"
            r"(?:says?|said|told|wants?|wanted|used to|keeps?|wishes|thinks?)\b",
            r"\b(?:don't|do not|didn't|never|not|no longer)\s+(?:\w+\s+)?(?:want|wanted|need|wish|hope|long)",
        ],
        "zh": [
            "[他她](?:们)?[^，。]{0,4}(?:说|想|要|希望|觉得|总|老)",
            "[爸妈爹娘父母哥姐弟妹友事导板公婆夫妻子女](?:们)?[^，。我你]{0,3}(?:说|想|希望|念叨)",
            "(?:不是|并不|并非|没有?|从来?没|不)(?:很|太|真的)?(?:想|希望|需要|盼|渴望)",
        ],
    }
)


def carries_meaning(quote: str, need: str, language: Language) -> bool:
    """Return whether a quote may say what the need says.

    Without word vectors, any quote with enough contents may.
    """
    shared, share = contents(quote) & contents(need), share_named(quote, need)
    if share >= HALF or (share >= CARRIES and len(shared) > 1):
        return True
    if not contents(quote):
        return False
    enough = len(contents(quote)) >= FEWEST[language]
    if not static_embedding.available():
        return enough
    return static_embedding.closeness(quote, need) >= (NEAR if enough else STRONG)[language]


def evidence_tests() -> str:
    """Return what a quote is tested by here, for the record of a judge."""
    return "words and vectors" if static_embedding.available() else "words"


def mentions(turns: list[Turn], profile: Profile) -> Iterator[tuple[int, str]]:
    """Yield turn and sentence of every passage that repeats the need as the user's own, in order.

    The fixed opening of a supporter is left out, since it comes before the user has said anything.
    """
    own = list(_of_the_user(turns, profile)) if profile.need else []
    repeating = _repeating({sentence for _, sentence in own}, profile.need or "", profile.language)
    yield from ((index, sentence) for index, sentence in own if sentence in repeating)


def _repeating(sentences: Collection[str], need: str, language: Language) -> set[str]:
    """Return which sentences say what the need says. They are compared at once, which is faster."""
    repeating = {sentence for sentence in sentences if share_named(sentence, need) >= REPEATS}
    others = [sentence for sentence in sentences if sentence not in repeating]
    if others and static_embedding.available():
        cosines = static_embedding.cosines(others, need)
        repeating |= {sentence for sentence, cosine in zip(others, cosines, strict=True) if cosine >= SAME[language]}
    return repeating


def _of_the_user(turns: list[Turn], profile: Profile) -> Iterator[tuple[int, str]]:
    """Yield turn and sentence of all that is said of the user and not of somebody else, nor denied."""
    for index, turn in enumerate(turns):
        if index or turn.role == "user":
            for sentence in sentences(turn.content, profile.language):
                own, elsewhere = _OWN[turn.role][profile.language], _ELSEWHERE[profile.language]
                if own.search(sentence) and not elsewhere.search(sentence):
                    yield index, sentence


def sentence_with(quote: str, text: str, language: Language) -> str:
    """Return the sentences of a text in which a quote begins to stand, or the whole text where it spans several."""
    plain = re.sub(r"\s+", " ", quote).strip()
    return next((part for part in sentences(text, language) if plain in re.sub(r"\s+", " ", part)), text)
