"""What a turn of the supporter does, and whether the user answered: by rule, from words alone.

Content comes before form. A turn that says the user's words back is a reflection even with a question mark, and an
invitation to tell (`tell me what it was like`) is an open question even without. The rule knows no probe, because what
a user would rather keep cannot be read from words.
"""

import re

from cocoon.core.records import Language, Move
from cocoon.core.text import language_by_script
from cocoon.evaluation.questions.detection import questions
from cocoon.evaluation.screen.screen import gives_advice
from cocoon.evaluation.text.contents import contents

SIMPLE, COMPLEX = 0.7, 0.4
"""The share of a turn's contents that the user said before, from which it is a reflection that adds little, or more."""
LONG_ANSWER: dict[Language, int] = {"en": 60, "zh": 20}
"""Characters from which words are an answer, even where they begin with `I don't know`."""

_INVITES = re.compile(
    r"\b(?:tell|show) me\b|\b(?:take|walk) me through\b"
    r"|\byou (?:can|could|may|might) (?:tell|say|share) (?:me|what|how)\b"
    r"|\bi(?:'d| would) (?:like|love) to (?:hear|know|understand)\b|\bi(?:'m| am)? wonder(?:ing)? (?:what|how)\b"
    r"|^(?:please )?(?:say|tell|describe) (?:what|how|more|about)\b"
    r"|说说(?!话)|讲讲|聊聊|谈谈|[说讲]给我听|告诉我|想听你|愿意听|可以[说讲]",
    re.IGNORECASE,
)
_OF_ONESELF = re.compile(
    r"\b(?:i(?:'ve| have)? (?:once|also|too|myself)|i(?:'ve| have) been there|(?:happened|same) to me"
    r"|i (?:went|go) through)\b"
    r"|我(?:自己)?(?:也|曾经?|以前|当年)(?!想听|愿意|在听|听)|我(?:有过|经历过)",
    re.IGNORECASE,
)
_EVADES = re.compile(
    r"(?:oh|well|no|nah|um+|h+m+|ok(?:ay)?|please|it's|it is|that's|i'm|i am|i|just|really|and|but|let's|let us|so"
    r"|nothing|anything|much|fine|all right|alright|good|never mind|no comment|don't know|do not know|dunno|not sure"
    r"|forget (?:it|about it)|leave it|drop it|not (?:now|today|important)|doesn't matter|does not matter|whatever|it"
    r"|to|(?:would|'d) rather not(?: say| talk about it| go into (?:it|that))?|(?:don't|do not) want to(?: say"
    r"| talk(?: about (?:it|that|this))?)?|talk about something else|nobody's business|none of your business|can't say"
    r"|没什么|没事|没有|不知道|不清楚|不想说|不想聊|不说了|不提了|别问了?|算了|还好|还行|就那样|就这样|随便|无所谓|嗯|哦|啊|呃|吧|了|呢"
    r"|其实|也|就|真的|我|这个|不太|说不上来|换个话题|[\s,.;:!?…。，、！？；：—~-])*",
    re.IGNORECASE,
)


def move_by_rule(last: str, said: str, language: Language | None = None) -> Move:
    """Return what the turn `last` does, after a user whose words so far are `said`.

    What names the unsaid or presses is found elsewhere, and comes before what is found here.
    """
    language = language or language_by_script(last)
    types = [sentence.type for sentence in questions(last, language) if sentence.genuine]
    if _INVITES.search(last):
        return "open_question"
    if gives_advice(last, language):
        return "advice"
    if "open" in types:
        return "open_question"
    words = contents(last)
    known = len(words & contents(said)) / len(words) if words else 0.0
    if known >= COMPLEX or (not words and last.strip() and last.strip() in said):
        return "simple_reflection" if known >= SIMPLE or not words else "complex_reflection"
    if _OF_ONESELF.search(last):
        return "self_disclosure"
    return "closed_question" if types else "other"


def is_answered(words: str) -> bool:
    """Return whether a user's words answer an open question: they are there, and are more than a way out of it."""
    plain = words.replace("’", "'").strip()
    if len(plain) >= LONG_ANSWER[language_by_script(plain)]:
        return True
    return _EVADES.fullmatch(plain) is None
