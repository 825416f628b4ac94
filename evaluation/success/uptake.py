"""What became of a guess: whether the user took it up, and how many guesses stood beside it in the same turn."""

import re
from collections.abc import Sequence

from cocoon.core.records import Language, Profile, Turn, Uptake
from cocoon.evaluation.questions.sentences import compiled, sentences
from cocoon.evaluation.text.contents import share_named

NAMES = 0.4
"""An answer that names this share of the need's contents has taken it up."""

_DENIES = compiled(
    {
        "en": [
            r"^\W*(?:no+|nope|nah|not (?:really|exactly|quite|at all)|hardly|wrong)\b"
            r"(?! (?:one|body|wonder|doubt|idea)\b)",
            r"\bthat(?:'s| is| was) (?:not|wrong|never)\b|\bthat isn't\b|\bit(?:'s| is) not that\b|\bit isn't that\b",
            r"\bnothing to do with\b|\bnot (?:it|what|the point)\b",
            r"\bi (?:don't|do not) (?:want|need|wish|think so|care|see it)\b",
            r"\byou(?:'re| are) (?:wrong|mistaken|reading)\b|\byou (?:don't|do not) (?:know|understand)\b",
        ],
        "zh": [
            "^\\W*(?:不是(?!没)|不对|不不|才不|才没|没有(?!人)|没那|没这|不至于|哪有|哪儿有|怎么会|怎么可能|错了)",
            "^\\W*(?:并不|并没|别瞎猜|跟这)",
            "不是(?:这个|这样|这么|那个|那样|那么|因为这)|没这回事|没那回事|你(?:猜|说|想)(?:错|多)了",
            "我(?:才|可|并)?不(?:想|需要|要|在乎|是想)|谈不上|扯不上|无关",
        ],
    }
)
_AGREES = compiled(
    {
        "en": [
            r"^\W*(?:yes|yeah|yep|yup|mm+|mhm|uh-huh|exactly|precisely|true|right|ok(?:ay)?|sure|of course)\b",
            r"^\W*(?:definitely|maybe|perhaps|probably|possibly)\b",
            r"\b(?:that's it|that is it|that's right|that's true|you're right|you are right|how did you know)\b",
            r"\b(?:i (?:guess|suppose|think so)|i do\b(?! not)|spot on|it is\W*$|said it|put it)",
        ],
        "zh": [
            "^\\W*(?:是(?:的|啊|呀|吧|，|。)|是$|对(?:啊|呀|的|吧|，|。)?|嗯|没错|就是|确实|可不是|也许|可能|大概|或许)",
            "^\\W*(?:好像|差不多|算是|不是没)",
            "你说得?对|说到我|说中|被你|你怎么(?:知道|看出)|大概是|也许是|可能是|好像是|就是这(?:个|样)|正是",
        ],
    }
)
_WISHES = compiled(
    {
        "en": [
            r"\b(?:you|your)\b[^.!?]*?\b(?:wants?|wish|need|hope|hoping|long|longing|yearn|crave|ache)\b",
            r"\b(?:you|your)\b[^.!?]*?(?:'d like|\bwould like|\blooking for|\bhungry for|\bafter is)\b",
        ],
        "zh": ["[你您][^。！？]*?(?:想|希望|渴望|需要|盼|要的是|期待)"],
    }
)
_LISTS = {
    "en": re.compile(r"[,;:]|\bor\b|\band\b|/", re.IGNORECASE),
    "zh": re.compile("[，、；：]|或者|还是|要么|以及"),
}


def uptake_of(turns: Sequence[Turn], named: int, profile: Profile) -> Uptake | None:
    """Return how the user answered the supporter's turn that named the need, or None where no answer follows.

    The first sentence that denies or agrees decides.
    """
    answer = next((turn for turn in turns[named + 1 :] if turn.role == "user"), None)
    if answer is None:
        return None
    text, language = answer.content.replace("’", "'"), profile.language
    for sentence in sentences(text, language):
        denial, assent = _DENIES[language].search(sentence), _AGREES[language].search(sentence)
        if denial and (assent is None or denial.start() <= assent.start()):
            return "denied"
        if assent:
            return "taken_up"
    need_node = max(len(profile.chain), 1) - 1
    opened = answer.state is not None and need_node in answer.state.newly
    names_need = profile.need is not None and share_named(text, profile.need) >= NAMES
    return "taken_up" if opened or names_need else "ignored"


def count_guesses(text: str, language: Language) -> int:
    """Return how many wishes a turn ascribes to the listener. A list after one verb counts by its members."""
    return sum(_guesses(sentence, language) for sentence in sentences(text, language))


def _guesses(sentence: str, language: Language) -> int:
    wish = _WISHES[language].search(sentence)
    if wish is None:
        return 0
    members = _LISTS[language].split(sentence[wish.end() :])
    return max(1, sum(bool(re.search(r"\w", member)) for member in members))
