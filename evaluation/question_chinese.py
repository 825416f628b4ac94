"""Chinese sentences: question or not, and of which type, from particles, A-not-A forms and question words.

Chinese leaves question words in place, so the same word asks (`你想说什么`), is embedded (`我知道你想说什么`) or is
indefinite (`没什么`). Each clause is read alone, and what takes its question away is looked for around the word.
"""

import re

from cocoon.evaluation.question_records import QuestionType
from cocoon.evaluation.question_sentences import without_quotes

_WORDS = (
    r"(?:为什么|为啥|为何|干什么|干嘛|什么|啥|怎么样|怎么|怎样|咋|如何|谁|哪(?!怕)|多少|多久|多大|多长时间|何时|何处"
    r"|几(?:岁|点|口|次|号|年级|天|个(?!月)))"
)
_WORD = re.compile(_WORDS)
_A_NOT_A = re.compile(
    r"(?<!不)(?:是不是|有没有|能不能|会不会|要不要|愿不愿意?|可不可以|可不可能)|是否|能否|可否"
    r"|(?P<verb>(?![时动不没一了])[\u4e00-\u9fff])[不没](?P=verb)(?!了)"
)
_ENDING_NOT = re.compile(r"(?:了|过|点|到|好)(?:没有|没)$")
_MA = re.compile(r"(?:吗|(?<![什怎那这多要])么|嘛(?=[?？]))$")
_NE = re.compile(r"呢$")
_FRAGMENT = re.compile(r"(?:那么?|可是?|但是?)?(?!.*(?:还|才|着|在|真|可|正|没|不|很|了呢|都))[^的地得]{1,6}呢")
_LONE = re.compile(r"(?:为什么|为何|怎么了|怎么样|怎么办|怎么回事|什么|然后|原因|比如|谁|哪里|哪儿|什么意思|此话怎讲)")
_CHOICE = re.compile(
    r"(?<![就也都总但可还要只于])是(?!的|啊|呀)[^？?]{1,40}还是|(?:想|要|喜欢|觉得|先|选择?)[^，,]{1,14}(?<![我你他她们但])还是(?![会没不有要很得算])|吗[，,]还是"
)
_TAG = re.compile(
    r"(?:你说)?(?:对吗|对吧|对么|对不对|是吗|是么|是吧|是不是|是这样吗|是这样吧|好吗|好么|好不好|行吗|行不行|可以吗|没错吧|不是吗|是不是这样|你说呢|嗯)"
)
_TAIL_TAG = re.compile(r"(?<![这那样还])(?:是吗|是吧|对吧|对不对)$")
_BA = re.compile(
    r"(?:那|所以|其实|看来|这几?[天年次些]?|现在)?[，,]?(?:你|您|他|她|这|那|心里)(?!先|再|就|慢慢|好好|快|试|去|来|可以|尽量)"
    r".*(?:一定|肯定|应该|很|不会|是|都|没|还|也|挺|特别|其实|不少|不容易|太).*吧"
)
_IMPERATIVE_BA = re.compile(r"^(?:请|让|我们|咱们|好|先|来|那就|就|大概|可能|也许|或许|说不定)|我(?:先|再|就|去|来|试|想)")
_VERBS = (
    r"(?:不?知道?|不知|明白|理解|懂|清楚|了解|记得|忘[记了]?|告诉|解释|说明|想象|考虑|思考|反思|探讨|讨论|看看|看到|看清|看出|看你|要看|想看"
    r"|说不[上清出准好]|想不[通到明出起]|意识到|发现|决定|学会|学习|学着|学到|担心|害怕|怕|想想|想清|想好|想一想|弄清|搞清|搞不|弄不"
    r"|描述|关于|对于|探索|说过|听说|在于|取决于|纠结|觉察|确认|怀疑|判断|区分|研究|聊聊|谈谈|说说|讲讲|分享|问过|来问|询问|问我|问他|问她"
    r"|问自己|追问|问一?句|我在想|回想|找出|找到|寻找|猜|证明|值得|体会|听出|无所谓|不在乎|难以|注意|建议|结合|以及|并)"
)
_EMBEDDED = re.compile(rf"{_VERBS}.*$")
_TRANSPARENT = re.compile(r"(?:你|您|大家|他|她)(?:也|又|自己|最)?(?:觉得|认为|希望|打算|想要?|感觉|以为)")
_WHATEVER = re.compile(r"无论|不管|不论|任凭|任何|哪怕|怪不得|难怪|多亏|就好了|[就也正]是为什么|的(?:是|关键是)(?:如何|怎样|怎么)")
_INDEFINITE = re.compile(
    r"没(?:有)?(?:什么|啥|谁|几|哪|怎么|多少)|不(?:是|太|大)?(?:怎么(?!办|会|能|想|说|是|样|跟|和|了)|几|多久|多少)|几乎|没(?:说|做|干)什么"
    rf"|(?<!为)(?:什么|啥|谁|怎么样?|怎样|哪[里儿个一]?|多少|如何).{{0,9}}?[都也](?!许|会不|有没)"
    r"|(?:[句点些]|好像.*|似乎.*|总觉得|想要?做点|说点|为了)(?:什么|哪里|哪儿)(?:$|就|也|不对)|什么(?:的$|嘛|叫|之类)"
    r"|什么样的.{1,6}[都也]|多少个|有(?:什么|谁)(?:需要|话|事|困难|困惑|想说|问题).{0,8}$|谁知"
)
_PAIRED = re.compile(rf"(?P<word>{_WORDS}).{{0,10}}就.{{0,6}}(?P=word)|(?P<what>什么|谁|怎么|哪里).{{1,6}}(?P=what)$")
_CONDITION = re.compile(r"^(?:但|可|而|那)?(?:如果|要是|假如|只要|万一|除非|即使|就算|每当|当)")
_UNANSWERED = re.compile(
    r"说不[清上出]|不知道|想不[出到通明]|不明白|不清楚|没想[好到]|都由|要看|自然知道|无所谓|再说|都不后悔|都[可行好随]|随时|我都|我也|直说"
    r"|欢迎|随你|不重要"
)
_REPORTED = re.compile(r"(?:问(?!题)|说|写|喊|吼|声音|念头|心想|问题).{0,6}$")
_ASKS_SELF = re.compile(r"(?:想问|请问|问一下|问你|问您|告诉我|说说)")
_INDIRECT = re.compile(
    r"(?:我|有点|很|也|还|更|只|其实|首先|那么?|所以|接下来)*(?<!一直)(?<!不)(?:想知道|想问|想请问|想了解|好奇|想听听|请问|想请教|不知道?(?=你|您))"
)
_YOU = re.compile(r"[你您]")
_RHETORICAL_WHOLE = re.compile(r"难道|岂[不能是]|何必|何苦|何尝|何况|^要不是.*[吗呢]$|不都是.*吗|[这那]不就是.*吗|换了谁")
_RHETORICAL = re.compile(
    r"谁(?:不(?!是)|没|能不|会不|愿意被|让我|知道呢?$|稀罕|在乎)|哪(?:里|儿)?(?:会|能|敢|配|顾得)|哪有"
    r"|怎么(?:可能|能怪|能不|会不|忍心|舍得|对得起|行呢?$)|有什么(?:好|用|意义|办法|大不了|了不起|资格|可).*(?<!吗)$|凭什么|还能(?:怎么[办样]|说什么|有什么)"
    r"|算(?:什么|啥|个?什么东西)(?:呢|东西)?$|不是(?:说过|早就|已经|说好|一直|答应).*吗$|有用吗$|至于吗$|谁.*不(?:难|会)"
)
_TELL = re.compile(
    r"(?:能|可以|可否|愿意|方便|想|愿不愿意|能不能|可不可以)(?:不能|否)?.{0,8}?"
    r"(?:告诉我|跟我|和我|[说讲聊谈]一?[说讲聊谈下些]|多[说讲聊谈]|[说讲谈]说|详细|描述|分享(?!给)|介绍|解释|举个|[给].*建议|讲出来|说出来)"
)
_BETWEEN_OTHERS = re.compile(r"(?:和|跟|与)(?!我)[^，]{1,8}(?:分享|说说|聊聊|谈谈|沟通|讲讲)")
_NARROW = re.compile(
    r"什么时候|何时|几(?:岁|点|口|次|号|年级|天|个)|多少|多久|多大|多长时间|谁|哪(?!些|方面|里[开入]|儿[开入]|几|种)|什么(?:名字|地方)"
)
_FROM_WHERE = re.compile(r"从(?:哪里?|哪儿|何处)(?:开始|说起|谈起|讲起|做起|入手|聊起)")
_CLAUSES = re.compile(r"[，,；;。！!？?：:—…]+|\.{2,}|——|\s+(?=[\u4e00-\u9fff])")
_EDGES = " \t\u3000“”\"'‘’「」『』（）()*~～.。、【】"


def classify_chinese(sentence: str) -> QuestionType:
    """The type of a Chinese sentence."""
    text = without_quotes(sentence.strip())
    marked = text.rstrip(_EDGES).endswith(("?", "？"))
    clauses = [part for part in (one.strip(_EDGES) for one in _CLAUSES.split(text)) if part]
    if not clauses:
        return "closed" if marked else "none"
    if _RHETORICAL_WHOLE.search("，".join(clauses)):
        return "rhetorical"
    if _is_tag(clauses, marked):
        return "tag"
    return _by_clauses(text, clauses, marked)


def _by_clauses(text: str, clauses: list[str], marked: bool) -> QuestionType:
    rhetorical = [bool(_RHETORICAL.search(clause)) and _cue(clause) for clause in clauses]
    for number, clause in enumerate(clauses):
        last = number == len(clauses) - 1
        if not rhetorical[number] and (kind := _live(clauses, number, marked and last)) is not None:
            return kind
    if any(rhetorical) and (marked or rhetorical[-1]):
        return "rhetorical"
    if _chooses(text, clauses):
        return "closed"
    return _type_of(clauses[-1]) if marked else "none"


def _cue(clause: str) -> bool:
    return bool(_WORD.search(clause) or _MA.search(clause) or _NE.search(clause))


def _is_tag(clauses: list[str], marked: bool) -> bool:
    last = clauses[-1]
    if _TAG.fullmatch(last):
        return len(clauses) > 1 or last not in ("是吗", "是么", "好吗", "行吗", "可以吗", "嗯", "你说呢")
    if _TAIL_TAG.search(last) and len(last) > 4:
        return True
    if not last.endswith("吧") or _IMPERATIVE_BA.search(last):
        return False
    return marked or bool(_BA.fullmatch(last))


def _chooses(text: str, clauses: list[str]) -> bool:
    if not _CHOICE.search(text) or _WHATEVER.search(text) or re.search(_VERBS + r"[^，,]*是[^，,]*还是", text):
        return False
    return not any(_UNANSWERED.search(clause) for clause in clauses[1:])


def _live(clauses: list[str], number: int, marked: bool) -> QuestionType | None:
    """The type of one clause if it asks; none for statements and for embedded, reported and indefinite words."""
    clause, after = clauses[number], clauses[number + 1 :]
    before = "，".join(clauses[:number])
    if _LONE.fullmatch(clause.removesuffix("呢").removeprefix("那")) and (not after or marked):
        return _type_of(clause) if _WORD.search(clause) or marked or clause.endswith("呢") else None
    if _indirect(clauses, number):
        return _type_of(clause)
    if _silenced(before, clause, after, marked):
        return None
    if _MA.search(clause) and len(clause) > 2:
        return "open" if _tells(before + clause) else "closed"
    if _asks_word(clause, before, marked) or _asks_choice(clause, before, marked):
        return _type_of(clause)
    return "open" if _NE.search(clause) and _FRAGMENT.fullmatch(clause) and not after else None


def _indirect(clauses: list[str], number: int) -> bool:
    """Whether the clause, or the one before it, tells the listener that the speaker would like to know."""
    clause = clauses[number]
    if not (_WORD.search(clause) or _A_NOT_A.search(clause) or _MA.search(clause)) or not _YOU.search(clause):
        return False
    if _INDIRECT.match(clause):
        return True
    return number > 0 and bool(_INDIRECT.match(clauses[number - 1])) and len(clauses[number - 1]) < 10


def _silenced(before: str, clause: str, after: list[str], marked: bool) -> bool:
    """Whether the surroundings take away whatever the clause asks."""
    if marked:
        return False
    if _WHATEVER.search(clause) or _CONDITION.search(clause) or _PAIRED.search(clause):
        return True
    if any(_UNANSWERED.search(later) for later in after):
        return True
    reported = _REPORTED.search(before) or re.search(r"(?:问|问过)(?:我|他|她|自己)", clause)
    return bool(reported) and not _ASKS_SELF.search(before + clause)


def _asks_word(clause: str, before: str, marked: bool) -> bool:
    rest = _INDEFINITE.sub("", clause)
    match = _WORD.search(rest)
    if match is None:
        return False
    return marked or not _embeds(rest[: match.start()], before)


def _asks_choice(clause: str, before: str, marked: bool) -> bool:
    if _ENDING_NOT.search(clause):
        return not _embeds(clause, before)
    match = _A_NOT_A.search(clause)
    return match is not None and (marked or not _embeds(clause[: match.start()], before))


def _embeds(head: str, before: str) -> bool:
    """Whether a verb of knowing, telling or asking stands before a question word and governs it."""
    match = _EMBEDDED.search(head)
    if match:
        return not _TRANSPARENT.search(match.group())
    last = before.rsplit("，", 1)[-1]
    return bool(last) and bool(re.search(_VERBS + r"(?:一下|了|着|的)?$", last)) and not _ASKS_SELF.search(last)


def _tells(text: str) -> bool:
    return bool(_TELL.search(text)) and not _BETWEEN_OTHERS.search(text)


def _type_of(clause: str) -> QuestionType:
    """Open or closed, of a clause that asks."""
    if _tells(clause):
        return "open"
    if _MA.search(clause) or not _WORD.search(clause):
        return "open" if clause.endswith("呢") and not _A_NOT_A.search(clause) and "还是" not in clause else "closed"
    head = _A_NOT_A.search(clause)
    if head and head.start() < _WORD.search(clause).start():  # type: ignore[union-attr]
        return "closed"
    return "closed" if _NARROW.search(clause) and not _FROM_WHERE.search(clause) else "open"
