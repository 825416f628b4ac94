"""English sentences that ask without a question's form, and questions that ask nobody, as patterns over one clause."""

import re

from cocoon.evaluation.questions.english_forms import WH
from cocoon.evaluation.questions.sentences import any_of

_TO_ME = "(?: (?:it |that |this )?(?:to|with|for) (?:me|us))?"
_SOME = r"(?:more|a bit|a little|what|how|some)"
_NO_WISH = any_of(
    "not|sorry|glad|happy|pleased|here|hear|waiting|ready|going|able|good|trying|afraid|that|because",
)
PROBE = re.compile(
    r"(?:(?:please|kindly|just|do|maybe|perhaps|go ahead and|and|feel free to|try to|you|now|briefly) )*"
    + any_of(
        r"tell (?:me|us)(?! (?:that|to|it's|it'll|i'm|i am|he|she|they|if i)\b)",
        r"(?:say|tell) (?:\w+ )?(?:\w+ )?more\b",
        r"(?:describe|explain|elaborate|expand)(?! (?:them|him|her)\b)"
        rf"(?!(?: \w+){{1,3}} (?:to|with) (?!me\b|us\b)){_TO_ME}\b",
        r"share (?:(?!with|how much|the|your|it|that)\w+ ){0,3}with (?:me|us)\b",
        rf"share {_SOME}\b",
        r"(?:walk|talk|take) (?:me|us) (?:through|back)\b|talk to me\b|fill (?:me|us) in\b|paint (?:me|us) a\b",
        r"give (?:me|us) (?:\w+ ){0,3}"
        r"(?:examples?|idea|sense|picture|advice|options|suggestions|tips|details?|timeframe)\b",
        r"help (?:me|us) (?:to )?(?:understand|see|get|picture|know)\b|let's hear\b",
        r"let (?:me|us) (?:know|hear)(?! if\b| when(?:ever)?\b| that\b)\b",
        r"(?:go on|keep going|keep talking|continue|elaborate)$",
    )
)
"""An imperative that asks the listener to tell."""
WISH = re.compile(
    rf"i(?:'m|'d| am| would| want(?:ed)?| wish| hope)\b(?: (?!{_NO_WISH}\b)\w+){{0,4}}? "
    + any_of(
        r"(?:to|you'd|you would) (?:hear|listen to) (?!from (?!you)|that\b)(?:\w+)",
        r"(?:to|you'd|you would) (?:know|learn|understand|find out) (?:\w+ ){0,3}(?:more|about|your)\b",
        r"(?:interested|curious) (?:in|about) (?:what|how|why|your|you|that|the|this|it|her|him|them|his)\b",
        r"(?:you to|you'd|you would|you could) (?:tell|describe|explain|share|say|talk)\b",
    )
)
"""A wish to hear something from the listener."""
OFFER = re.compile(
    any_of("(?:maybe |perhaps |if )you (?:can|would|want to|like)", "(?:maybe |perhaps |if )?you could")
    + r" (?:\w+ ){0,4}(?:tell|describe|give|share with|walk|explain to) (?:me|us)\b"
)
"""A suggestion that the listener tell ("maybe you could tell me about it")."""
_OTHERS = any_of(
    "he|she|they|you|people|everyone|somebody|someone|part of you",
    r"(?:my|your|his|her|their|the) \w+(?: \w+)?",
)
_HABIT = any_of(
    r"\w+ly|just|keeps?|kept|always|often|still|will|would|might|may|must|are|is|was|were",
    "goes|went|starts?|started|sometimes",
)
_SAYING = "asks?|asked|asking|wonders?|wondered|wondering|thinks|thinking|says|said|saying|whispers|telling|tells"
_HEARERS = "yourself|himself|herself|themselves|itself|me|him|her|them|us|the same(?: \\w+)?|again|aloud|over and over"
REPORTING = re.compile(
    any_of(
        rf"(?!.*\b(?:like|as) )(?:.*\b)?{_OTHERS}(?:'d|'ll|'re|'s)?(?: {_HABIT})* (?:{_SAYING})(?: (?:{_HEARERS}))*",
        r"(?:.*\b)?i(?:'d|'ve)?(?: \w+){0,2} (?:ask|asked|asking|tell|told|telling) (?:myself|him|her|them)",
    )
    + "$"
)
"""The clause before a reported question ("you keep asking yourself")."""
REPORTED = re.compile(
    r"\b(?:he|she|they|people|everyone|(?:my|your|his|her) \w+)(?:'d| had| has| would| always| keeps?| kept| often)*"
    rf" (?:ask(?:s|ed|ing)?|wonder(?:s|ed|ing)?)(?: (?:me|you|him|her|them|us|myself|yourself))? (?:if|whether|{WH})\b"
)
QUOTED = re.compile(r"[\"“]([^\"”]+)[\"”]")
UNANSWERED = re.compile(
    any_of(
        "i (?:really |just |honestly )?"
        "(?:could not|couldn't|can't|cannot|don't|do not|would not|wouldn't) (?:say|tell|know)",
        "(?:nobody|no one)(?: (?:knows|could|would|can|does|else|would have|could have))?",
        "of course not|not (?:me|i|many)|(?:god|who|heaven) knows|(?:i have )?no idea",
    )
    + r"\.?$"
)
"""What a speaker says after a question that needs no answer from the listener."""
