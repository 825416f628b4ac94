"""Words by which a speaker leaves open whether what they say is so, and ways to say that one will not talk of it.

After the hedges that Hyland (2005) lists for English, as far as people use them in talk. The Chinese list is our own.
"""

import re
from collections.abc import Mapping

from cocoon.core.records import Language

HEDGES: Mapping[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(?:i (?:guess|think|suppose|feel like|believe|imagine)|maybe|perhaps|probably|possibly|might|kind ?of|kinda"
        r"|sort of|sorta|a bit|a little|somehow|somewhat|i(?:'m| am) not (?:really )?sure|not really sure"
        r"|i don't know if|it seems|seems (?:like|to)|apparently|in a way|or something|or whatever|more or less"
        r"|hardly|unlikely|i'd say|as far as i know|sometimes i wonder)\b",
        re.IGNORECASE,
    ),
    "zh": re.compile(
        "我(?:想|猜|觉得|感觉|认为)|可能|也许|或许|大概|好像|似乎|应该是|说不定|不一定|不太确定|不确定|不知道是不是|有点|有些|稍微|某种程度"
        "|差不多|多少有|之类的|什么的|怎么说呢|算是|吧(?=[。，,.！!？?…~～]|$)"
    ),
}
REFUSALS: Mapping[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(?:i(?:'d| would) rather not|(?:do not|don't) (?:really )?(?:want|wanna|feel like|wish) (?:to )?(?:talk|say"
        r"|go|get into|discuss|share|think)\w*|not (?:something i|going to) (?:want|talk|discuss|say)\w*"
        r"|can(?:'t|not) talk about|none of your business|nobody's business|leave (?:me|it) alone|let's not|drop it"
        r"|forget (?:it|about it)"
        r"|never ?mind|it's nothing|i'm fine|it doesn't matter|change the (?:subject|topic)|no comment|too personal"
        r"|i don't know)\b",
        re.IGNORECASE,
    ),
    "zh": re.compile(
        "不(?:想|愿意?|太想|方便|便)(?:再?(?:说|谈|聊|提|讲|回答|多说|细说))|别(?:再)?问|不说(?:了|这个)|不提(?:了|这个)|算了|没什么(?:好说|可说)?"
        "|不关你的?事|与你无关|跟你没关系|换个话题|随便吧|无所谓|不知道(?:怎么|该)?说|说不上来|不知道[。，！…]?$|没事"
    ),
}
