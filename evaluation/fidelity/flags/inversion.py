"""Role inversion: the user listens to, comforts, reads or advises the supporter."""

import re
from collections.abc import Mapping

from cocoon.core.records import Language
from cocoon.evaluation.questions.sentences import sentences

_FEELING = (
    "tired|exhausted|worn out|sad|hurt|lonely|upset|stressed|worried|anxious|overwhelmed|down|hard|difficult|tough"
    "|heavy|painful|frustrating|exhausting|tiring|draining"
)
_DEED = (
    "try|take|talk|consider|give|rest|focus|remember|start|be (?:kind|gentle|patient)|allow|make|reach|write"
    "|practi[sc]e"
)
_INVERTED: Mapping[Language, tuple[str, ...]] = {
    "en": (
        # Listening to the supporter.
        r"\bi(?:'m| am|'ll be| will be) (?:always |right |still )*here (?:for you|with you|to (?:listen|help|support)"
        r"|if you)",
        r"\bif (?:you|and when you) (?:want|need|feel like|would like|'d like) ?(?:to)? (?:talk|share|vent|open)",
        r"\btake (?:all the|your) time\b|\b(?:there is|there's|with) no (?:pressure|rush)\b|\bi'm not going anywhere\b",
        r"\bthank you for (?:opening up|trusting)\b|\bit takes (?:\w+ ){0,3}courage\b",
        # Asking after the supporter.
        r"\bhow (?:are you (?:feeling|holding up|coping)|do you feel|does (?:that|this|it) make you feel"
        r"|have you been (?:feeling|coping))\b",
        r"\bwhat(?:'s| is| has been) (?:on your mind|weighing on you|bothering you|troubling you|making you feel)\b",
        r"\bwhat (?:do you need|would help you|would you need|can i do (?:for|to help) you)\b|\bhow can i (?:help"
        r"|support)\b",
        r"\b(?:would you like|do you want|would you be willing) to (?:talk|tell|share|say|explore)\b",
        r"\bhave you (?:been (?:sleeping|getting|eating|taking|able)|ever considered|considered|thought (?:of|about)"
        r"|tried)\b",
        # Reading the supporter's feelings.
        rf"\byou (?:sound|seem|look) (?:so |really |very |a (?:little|bit) |quite )*(?:{_FEELING})\b",
        r"\b(?:it |that )?sounds (?:like|as if|as though) you\b|\bit (?:seems|feels) (?:like|as if) you\b",
        rf"\b(?:that|this|it) must (?:be|have been|feel) (?:so |really |very )*(?:{_FEELING}) (?:for|on) you\b",
        rf"\byou must (?:be|feel|have felt) (?:so |really |very )*(?:{_FEELING})\b",
        r"\bi (?:can |could |do )?(?:hear|sense|see|feel|noticed?|imagine) (?:that |how |the )?(?:much |hard )?(?:you"
        r"|your)\b(?! (?:point|mean))",
        r"\byour (?:feelings|emotions|pain)\b|\byou(?:'re| are) not alone\b|\bi(?:'m| am) (?:so )?sorry (?:to hear"
        r"|you|that you)",
        r"\b(?:i get the (?:sense|feeling)|i wonder (?:if|whether)|i(?:'m| am) (?:wondering|guessing|curious) (?:if"
        r"|whether)"
        r"|it makes sense that|it(?:'s| is) (?:understandable|natural|normal|okay|ok) (?:that|for|to feel)) ?you\b",
        r"\bthere(?:'s| is) something (?:underneath|behind|deeper)\b|\bwho (?:takes care of|looks after"
        r"|listens to) you\b",
        r"\byour own (?:needs|feelings|worries|pain|story|heart|limits|load)\b|\bwhat about your own\b"
        r"|\bin your heart\b",
        # Holding and praising the supporter.
        r"\bhold(?:ing)? (?:\w+ )?space\b|\bsafe (?:space|place) (?:for you|here|to)\b|\bi won't judge"
        r"|\bno judge?ment\b",
        r"\b(?:i'm|i am|be) (?:so |really )?proud of you\b|\byou(?:'re| are) (?:doing|being) (?:so |really "
        r"|very )?(?:well|great"
        r"|good|brave|hard on yourself|strong)\b|\byou deserve\b|\byou matter\b|\byou(?:'ve| have) been (?:so |very )?"
        r"(?:strong|brave|carrying|through)\b|\bi believe in you\b",
        r"\b(?:shall|should|could|can) we (?:look|explore|talk|start|work|think|unpack|sit)\b",
        r"\bwhere (?:would|do) you (?:want|like) to (?:start|begin)\b|\bi(?:'m| am) (?:all ears|listening)\b",
        r"\b(?:worried|concerned) about you\b|\byou haven't (?:been|sounded|seemed|looked)\b|\bhas something happened\b"
        r"|\bdid something happen\b",
        # Advising the supporter.
        rf"\byou (?:should|could|might want to|may want to|need to|ought to) (?:also |maybe |just )?(?:{_DEED})\b",
        r"\b(?:i|i'd|i would) (?:suggest|recommend|encourage|advise) (?:that )?(?:you|a |an |to )",
        r"\blet's (?:take|try|work|explore"
        r"|focus)\b",
        r"\b(?:remember|make sure) (?:to|that you|you) \w+|\bwhy don't you (?:try|take|talk|rest|go)\b",
    ),
    "zh": (
        r"我(?:也|会|都|一直|永远|随时)*(?:在这[里儿]|陪着?你|陪伴你|支持着?你|都在(?=[。，！!,.]|$|这|你)|听你说)"
        r"|我不会走",
        r"不(?:用|要|必)(?:着急|急)|想说的时候|(?:都)?可以(?:跟|和|对|向)我(?:说|聊|讲|分享|倾诉)",
        r"谢谢你(?:愿意)?(?:跟|和|与|向|对)?我?(?:倾诉|敞开)",
        r"你.{0,8}(?:心事|感觉怎么样|心情怎么样|还好吗)"
        r"|(?:你(?:是不是)?(?:愿意|想)|要不要|想不想)(?:多|再|先)?(?:跟|和)?我?(?:多|再)?(?:说说|聊聊|谈谈|讲讲)(?!话)",
        r"你.{0,4}需要(?:的是|些|点)?什么|我(?:可以|能|该)?(?:怎么|如何)(?:支持|帮)(?:到|助)?你|我能为你做|把(?:它"
        r"|心里话)说出来",
        r"你有没有(?:考虑过|想过|试过)|那你自己呢|你是不是也(?:希望|想|觉得)",
        r"听(?:起来|上去|得出来?)(?:，)?你|你(?:一定|肯定|想必|应该)(?:很|也|非常|挺)*.{0,3}(?:不容易|难|累|辛苦|委屈"
        r"|孤单|心疼)",
        r"我(?:能|可以)?(?:感受|感觉|体会|理解|听|看)(?:到|得到|得出)?(?:了)?你(?:的(?:难过|痛苦|感受|心情|疲惫)|很"
        r"|心里)",
        r"你(?:真的)?辛苦了|你的(?:感受|情绪|心情|反应).{0,4}(?:正常|重要|理解|真实)|我注意到你"
        r"|我(?:很)?理解你(?!的意思|的话|说)",
        r"你(?:自己)?的(?:情绪|压力|辛苦|心|苦).{0,6}(?:谁|怎么|有没有)|你.{0,10}想必(?:很|也|挺|是|不)?"
        r"|对你来说.{0,4}(?:想必|一定|肯定)",
        r"你(?:是|后来|那时)?(?:怎么|如何)(?:走出来|熬过来|挺过来|撑过来)|你已经(?:做得|很努力|尽力|够好)|(?:别"
        r"|不要)(?:这么|这样|太)?(?:说|责怪|苛责|逼|为难)你?自己",
        r"为你(?:骄傲|高兴|加油)|你(?:很|真|已经很)(?:棒|了不起|勇敢|坚强)",
        r"我们一起(?:来)?(?:梳理|看看|面对|探讨)(?:一下)?你|你?(?:今天|现在)?想从哪(?:里|儿)?(?:开始|聊起|说起)"
        r"|我(?:在)?听着呢|先喝口水",
        r"(?<!不)担心你(?!爸|妈)|你最近(?:的)?(?:状态|心情|睡眠|压力)|(?:注意|保重)身体|是不?是?(?:遇到|发生"
        r"|碰上)了?什么",
        r"(?:我)?(?:建议|推荐|鼓励)你|你(?:可以|应该|不妨|最好)(?:先|多|每天|试|去(?:看|找)|给自己|和|跟)",
    ),
}
# Advice that speakers give to themselves as well, so that it counts in a sentence without `I` alone.
_ONES_OWN = {"en": re.compile(r"\b(?:i|i'\w+|me|my)\b", re.IGNORECASE), "zh": re.compile("我")}
_CARE = {
    "en": re.compile(
        r"\b(?:be (?:kind|gentle|good|easy) (?:to|with|on) yourself|take care of yourself|easy on yourself"
        r"|give yourself|breathe (?:slowly|with me|deeply))\b"
    ),
    "zh": re.compile(
        "(?:记得|一定)要?(?:好好|多|按时)?(?:休息|照顾|吃饭|睡觉)|别把自己|照顾好你?自己|对自己好一?点|不(?:用|要"
        "|必)勉强"
        "|(?:多|要|学会)(?:肯定|善待|心疼|抱抱|奖励|接纳)(?:一下)?自己|(?:别|不要)(?:这么|这样|太)?(?:责怪|苛责|逼"
        "|为难)自己"
    ),
}
# Searched for in lower case, which is faster than in either case.
_PATTERNS = {language: re.compile("|".join(forms)) for language, forms in _INVERTED.items()}
# What others say to the speaker is no advice of the speaker's.
_REPORTED: Mapping[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(?:tells|told|says|said|asks|asked|keeps? (?:telling|saying)) (?:me|us|that|it|to)\b|[\"“‘]"
        r"|\b(?:they|people|everyone|everybody|friends|parents) (?:all |always )?(?:says?|tells?|asks?)\b|\bi(?:'d"
        r"| would) tell\b",
    ),
    "zh": re.compile(
        '[他她们家谁都总妈爸亲妻友](?:劝|叫|让|告诉|对|跟)我|(?:他们?|她们?|别人|人家|大家)(?:总|都|常)?说|[“「"]'
    ),
}


def inverts_roles(text: str, language: Language) -> bool:
    """Return whether the user does the supporter's work. What the user reports of others does not count."""
    plain = text.replace("’", "'")
    lowered = plain.lower()
    # Most turns have neither, and what is reported matters for the others alone.
    if not (_PATTERNS[language].search(lowered) or _cares(plain, lowered, language)):
        return False
    return _REPORTED[language].search(lowered) is None


def _cares(plain: str, lowered: str, language: Language) -> bool:
    if _CARE[language].search(lowered) is None:
        return False
    others = (sentence for sentence in sentences(plain, language) if not _ONES_OWN[language].search(sentence))
    return any(_CARE[language].search(sentence.lower()) for sentence in others)
