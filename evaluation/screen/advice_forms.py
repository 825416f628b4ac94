"""Forms of advice, Chinese and English: certain forms, and forms that may be advice or a reflection.

The form alone of the certain ones is what a listening supporter does not say (`试试`, `why not`, an imperative). The
others share their words with reflections (`你需要的是…`, `you could not sleep`), so that a model has to read them. Both
lists are grammar, not remembered sentences. docs/how-to/scripts.md says what they find.
"""

from collections.abc import Sequence

from cocoon.core.records import Language
from cocoon.evaluation.questions.sentences import compiled

_VERBS = (
    "ask|tell|talk|speak|call|write|go|take|make|let|give|start|begin|stop|focus|remind|consider|set|keep|get|see|find|"
    "allow|remember|breathe|rest|look|think|put|leave|join|visit|share|reach|practi[sc]e|accept|forgive|trust|plan|"
    "learn|try|spend|choose|say|treat|turn|ring|sleep|eat|walk|book|use|hold|read|reward|distract"
)
# Verbs that follow `could` as advice. `you could see that …` is what somebody saw.
_DEEDS = (
    "try|talk|speak|ask|write|call|start|begin|take|make|set|join|consider|give|share|reach|visit|practi[sc]e|focus|"
    "remind|put|plan|spend|treat|book|read|ring|keep a|go (?:to|for|and|out)|look (?:for|at|into)|think about"
)
_MILD = (
    r"(?:(?:maybe|perhaps|please|just|first|then|so|also|always|simply|at least|today|tonight|for now|next time)[, ]+)*"
)
# After a verb that begins a sentence: `talk of the exam`, `leave was over` or `take the evening when …` is no order.
_NO_ORDER = (
    r"(?! (?:me|us|care|it easy|of|or|is|was|are|were|does|did|has|had|came|comes|alone|the \w+ (?:when|that))\b)"
)
_OUGHT = "should|ought to|had better|might want to|may want to"
_WILL = "(?:would|might|could|may|will|can)"

_CERTAIN: dict[Language, Sequence[str]] = {
    "en": (
        # Imperatives.
        rf"^{_MILD}(?:{_VERBS}){_NO_ORDER} ",
        rf"^{_MILD}(?:don't|do not|never) \w+",
        rf"^{_MILD}let's\b|[,;:] (?:try|why not|let's)\b",
        rf"^(?:next time|if|when|before|after|whenever)\b.*, {_MILD}(?:{_VERBS}) ",
        # What the other may, should or has to do.
        rf"\byou (?:could|can|may|might|must|need to|have to|{_OUGHT}) {_MILD}(?:{_DEEDS})\b",
        rf"\byou (?:{_OUGHT}) {_MILD}(?:{_VERBS})\b(?! so\b)",
        rf"\byou(?:'ve| have)? (?:need|got|have) to {_MILD}(?:do|{_VERBS})\b",
        rf"\b(?:can|could) you {_MILD}(?:{_DEEDS})\b",
        r"\byou(?:'d| would| will|'ll) (?:feel|be|do|sleep) (?:\w+ )?better (?:if|when|by)\b",
        r"\bwe (?:can|could) (?:make|try|plan)\b|\bif i were you\b",
        # Proposals.
        r"^(?:maybe|perhaps) \w+ing\b",
        r"\bwhy (?:not|don't (?:you|we))\b|\bhow about\b|\bwhat about \w+ing\b",
        r"\bi(?:'d| would)? (?:\w+ )?(?:suggest|recommend|advise|encourage)\b|\bmy (?:advice|suggestion)\b",
        r"(?<!to )make sure (?:to|you|that you)\b|\bthe key is\b",
        r"\bhave you (?:ever |already )?(?:thought (?:of|about)|considered|tried|talked|spoken|looked|asked|used)\b",
        r"\bis there (?:a|any|some) ?\w* (?:that )?you (?:can|could)\b",
        r"\bwould (?:it be possible|you (?:feel comfortable|consider|be willing|be able))\b",
        # What is good or helpful.
        r"\bit(?:'s| is| might be| may be| could be| would be) (?:perhaps )?"
        r"(?:worth \w+ing|time to|best to|better to|helpful to|a good idea)\b",
        r"\bit (?:would|might|could|may) be (?:best|better|good|wise|worth)\b|\bit (?:won't|can't|wouldn't) hurt\b",
        r"\bit(?:'s| is) (?:\w+ )?important to (?!you|me|him|her|them)",
        r"(?<!\bi )\b(?:can|may|will|would) (?:\w+ )?be (?:\w+ )?helpful\b",
        r"\b(?:find|found) (?:it )?(?:useful|helpful)\b",
        r"\b(?:best|important|useful|helpful|good|right|first|only) (?:first )?(?:thing|step|way|idea)\b",
        rf"(?<!what)(?<!who)(?<!nothing)(?<!\bi) {_WILL} (?:really |also )?(?:help\b|do wonders)",
        rf"(?<!what)(?<!who)(?<!nothing)(?<!\bi) {_WILL} (?:really |also )?make (?:it|this|things|that) easier",
    ),
    "zh": (
        "建议(?:你|您|先|可以|找|去)|我的建议|不妨|何不|最好(?:不要|别|先|还是)|有没有(?:想过|考虑过|试过)|是时候",
        "(?:^|[，,；;：:])(?:那就)?(?:不如|试试|试着|尝试)|如果我是你|换作?是?我的?话|要是我|换个角度(?:想|看)?|关键是|要学会",
        "你(?:可以|应该|应当|最好|需要|不要|别|得)(?:先|多|去(?!了)|试|找|跟|和|把|每天|考虑|想想|告诉|学|好好|给|让|换|从|直接"
        "|主动|尝试|写|听听|慢慢|出去|休息|放|相信|接受)|可以(?:考虑|试|参加|找|去|先)|你就.{0,4}(?:把|去|直接)|替你(?:一下|分担)",
        # Sentences without a subject that begin with what is to be done.
        "^(?:其实|也许|或许|那|那就|就|先|要不|以后|下次)*(?:别(?:再|对|把|这么|那么|太|想|怕|急)|不要|不用|少(?!了)"
        "|多(?:出|去|和|跟|休息|运动|陪|睡|吃|喝|给|想)|告诉自己|给自己|对自己|把|从.{1,10}开始|先.{1,10}再"
        "|先.{1,8}[，,](?:一件|慢慢|然后)|每天|深呼吸)",
        "^(?!你)(?:(?!吗|呢).)*(?:一下|去|来|试|找|看看).{0,10}吧[。.!！]?$",
        # Sentences that end with how good it is.
        "(?:为好|比较好|会好[受些一]|好受很多|容易些|有帮助|有好处|有好的?办法|最好的办法|就好了|第一步|会好起来)的?[。.!！]?$",
    ),
}
_DOUBTFUL: dict[Language, Sequence[str]] = {
    "en": (
        r"\b(?:try|should|could|need to|have to|must|ought|might|maybe|perhaps|help|helps|better|worth|step|advice)\b",
        r"\b(?:plan|useful|important|instead|start|stop|easier|remember)\b",
        rf"[,;:] (?:{_VERBS})\b",
    ),
    "zh": (
        "可以|应该|最好|需要|试|建议|不要|别|得(?:先|去)|多|少|吧|让|好受|容易|办法|开始|帮助|记得|先|也许|不用|把",
    ),
}
# What somebody did, heard or felt is a reflection, whatever its words.
_REFLECTION: dict[Language, Sequence[str]] = {
    "en": (
        r"\byou (?:tried|said|felt|seem|told|took|gave|made|were|had|have been|wanted|needed|heard)\b",
        r"\b(?:he|she|they|people|everyone|everybody) (?:\w+ )?(?:told|tell|tells|said|says|say|want|wants) \b",
        r"\bto you\b|^it feels\b|^(?:take|give) (?:the|or)\b",
    ),
    "zh": (
        "与其|要不是|叫你|劝你|对你来说|试着和他谈，可|应该(?:很|感到|觉得|是)|把.{0,8}放在心|(?:总|老|都)(?:是)?(?:叫|让|劝|说)",
        "你(?:试过|说|觉得|好像|听过|本来|最好的|别过|一直|总|曾|已经|那时|当时|想|不敢|怕)",
        "那时|当时|那一刻|那天|以前|从前",
    ),
}

CERTAIN, DOUBTFUL, REFLECTION = compiled(_CERTAIN), compiled(_DOUBTFUL), compiled(_REFLECTION)
