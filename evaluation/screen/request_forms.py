"""Forms of asking without a question's grammar, Chinese and English: `I wonder whether`, `tell me`, 你还没说.

Their words also occur in reflections (`I am not sure that was fair`), and they may ask for a piece of information or
for anything at all, so that a model has to read them. The lists are grammar, not remembered sentences.
docs/how-to/scripts.md says what they find.
"""

from collections.abc import Sequence

from cocoon.core.records import Language
from cocoon.evaluation.questions.sentences import compiled

_LEAD = r"(?:^|[,;:] )(?:(?:please|so|and|but|then|well|now|just|do|maybe|perhaps|oh|okay|ok)[, ]+)*"
_KNOW = "(?:know|hear|learn|understand|see|ask|find out|listen)"

_ASKING: dict[Language, Sequence[str]] = {
    "en": (
        # Requests to tell.
        rf"{_LEAD}(?:tell|remind|show|give|help|let|take|walk|fill) me\b|\blet me (?:know|hear|ask)\b",
        rf"{_LEAD}(?:say|name|describe|explain|specify|share|clarify|spell out|talk|speak)\b",
        # What the speaker would like to know, or does not know.
        r"\b(?:i|we)\b(?:'\w+| \w+){0,4} (?:wonder(?:ing)?|curious|interested|keen)\b",
        rf"\b(?:i|we)\b(?:'\w+| \w+){{0,3}} (?:like|love|want|need|help|hoping|hope|glad) to {_KNOW}\b",
        rf"\b(?:help|useful|interesting) (?:me |us )?(?:to )?{_KNOW}\b|\bif i (?:may|might|could|can) ask\b",
        r"\b(?:i|we) (?:do not|don't|can't|cannot|could not|couldn't)(?: \w+)? (?:know|tell|see|follow|recall)\b",
        r"\b(?:i'm|i am|we're|we are) (?:still |just )?not (?:\w+ )?(?:sure|certain|clear)\b|\bunclear to me\b",
        r"\b(?:i|we)(?:'m| am|'re| are)? (?:still )?(?:miss|missing|lack|ask|asking)\b|\bmy question\b",
        # What the other left out.
        r"\byou (?:haven't|have not|didn't|did not|never|have yet to)(?: \w+)? "
        r"(?:sa(?:y|id)|mention(?:ed)?|t(?:ell|old)|named?|explain(?:ed)?)\b(?! (?:her|him|them|anyone|anybody)\b)",
    ),
    "zh": (
        "(?<!谢你)(?<!谢您)(?<!意)告诉我(?!了|过|的)|(?:跟|和|对|同|给)(?:我|咱)(?:们)?(?:再|多)?(?:说|讲|聊|谈|提|描述)(?!了|过|的)"
        "|(?:说|讲)给我|让我(?:知道|明白|听|了解)|(?:帮|替)我(?:弄|理|想|搞|看|了解|确认)",
        "(?:^|[，,])(?:请|再|多|先|慢慢|来|那|那就|就|接着|继续|具体|不妨|你|可以|不如)*"
        "(?:说说|讲讲|聊聊|谈谈|[说讲聊谈](?:一下|一说|一讲|一聊|下|来听)|描述|形容|介绍|举个例子)",
        "(?:我|我们)(?!知道|明白|懂).{0,6}(?:想(?:要)?(?:知道|了解|问|听|弄清|请教|请你|请您)|好奇|在想|在琢磨|琢磨|感兴趣"
        "|不(?:太|大|是很)?(?:确定|清楚|知道|晓得|明白)|没(?:太)?(?:听|弄|搞)(?:清|明白|懂))",
        "^(?:其实|那|那么|只是|就是|还|也|真|很|有点|有些|倒是|比较|挺)*"
        "(?:好奇|想(?:要)?(?:知道|了解|问|听|请你|请您)|不(?:太)?(?:知道?(?!该|怎么办)|清楚|确定|晓得))",
        "(?:我|这里|这儿).{0,2}(?:缺|差|漏)|方便的话|冒昧",
        "你(?:还|也|一直|刚才|刚刚|倒|好像|从)*没(?:有)?(?:跟我|和我|对我)?(?:说|提|讲|告诉我)(?!话|出)",
    ),
}
# The speaker in person: a speaker who only listens is rarely named, except as the one who understands.
_SPEAKER: dict[Language, Sequence[str]] = {
    "en": (r"\b(?:i|me|my|we|us)\b", r"\b(?:help|good|easier|clearer) to (?:know|hear|learn)\b"),
    "zh": ("我(?!自己)|^(?:要是|如果)?能(?:知道|了解)|忘(?:了|记)问你|(?:盼|希望|等)着?你(?:再|多|能)*(?:讲|说|告诉)",),
}
_UNDERSTANDS: dict[Language, Sequence[str]] = {
    "en": (
        r"\b(?:i|we)(?: can| do| could| think i)?(?: \w+ly| only| just| also)? (?:see|hear|heard|know|understand"
        r"|understood|imagine|sense|notice|feel|gather|guess|think|believe|get|remember|picture)\b",
        r"\b(?:i'm|i am|i was) (?:so |very |not |really |deeply )*"
        r"(?:sorry|glad|touched|moved|surprised|sad|with you)\b",
        r"\b(?:told|tells|showed|shows|said to|shared with) (?:me|us)\b",
    ),
    "zh": (
        "我(?:们)?(?:也|都|能|可以|大概|似乎|好像|多少|隐约|很|真|完全|有点|仿佛)*(?:知道|明白|懂|理解|看[到得出见]|听[到得出见]"
        "|想象|感[觉到受]|体会|觉得|猜|记得|记住|并?不意外|相信|没有经历|为你|替你|难过|高兴|心疼|受触动)|(?:跟|和|对)我(?:说|讲)(?:了|过)",
    ),
}
# What is asked for, where it is a piece of information: an embedded question, or a noun for it.
_PIECE: dict[Language, Sequence[str]] = {
    "en": (
        r"\b(?:if|whether|who|whom|whose|which|what|when|where|why|how|or)\b",
        r"\b(?:name|age|date|day|time|year|number|address|place|town|job|title|reason|cause|details?)\b",
    ),
    "zh": (
        "什么|谁|哪|几|多(?:少|久|大|长|远|高|重)|怎么|怎样|如何|为何|是否|吗|(?<!我)还是|有没有|没有?[。.！!]?$|了没|过没",
        r"([\u4e00-\u9fff])[不没]\1|名字|年龄|岁数|时间|日期|地点|地方|地址|原因|数字|一声|的话|要是|如果",
    ),
}
# Invitations to go on, with anything at all.
_INVITING: dict[Language, Sequence[str]] = {
    "en": (
        r"\bfeel free\b|\bwhatever (?:comes|you|is|feels)\b|\b(?:i'm|i am) (?:here|all ears|listening)\b|\bwelcome\b",
        rf"{_LEAD}(?:go on|carry on|start|begin|take your time)\b|\b(?:room|space|time) (?:here )?for\b",
        r"\byou (?:can|could|may|might|are free to) (?:\w+ )?(?:tell|say|share|talk|add|start|begin|take)\b",
        r"\b(?:glad|happy|ready|willing) to (?:listen|hear)\b|\banything (?:else|more)\b",
    ),
    "zh": (
        "(?:想到|想说|愿意说)(?:什么|哪|多少).{0,3}(?:就|都)|随便[说聊讲]|带我|可以.{0,4}[讲说聊]|接着[说讲]|往下[说讲]",
        "我(?:在听|听着|也?想听|愿意.{0,3}听)|欢迎|补充|[讲说聊](?:就行|就好|都行|都可以|也行|也可以|也好|吧)",
    ),
}

ASKING, INVITING, PIECE = compiled(_ASKING), compiled(_INVITING), compiled(_PIECE)
SPEAKER, UNDERSTANDS = compiled(_SPEAKER), compiled(_UNDERSTANDS)
