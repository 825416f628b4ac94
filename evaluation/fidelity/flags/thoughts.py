"""Thought leak: words that are not said to the supporter, such as a plan for the role or a heading of an analysis."""

import re
from functools import cache

from cocoon.evaluation.fidelity.flags import thoughts_chinese, thoughts_english
from cocoon.evaluation.text.required import RareForms

# In lower case, which is searched faster than either case. Each pattern is searched only in a text that may match it.
# Of both languages at once: a model that leaks its thoughts does so in either.
_MARK = re.compile("[<:：{`(\\[（【~～*/#]")
_MARKED = re.compile(
    # Comments, tags, and headings at the start of a piece.
    r"<!--|/\*|(?:^|[\n。.!?！？ ])//+ ?[^\W\d]"
    r"|(?:^|\n)\s*#{2,}\s*\w|#{2}\w+ ?#{2}|\{\{ ?\w|\[/\w"
    r"|</?[a-z\u4e00-\u9fff][\w\u4e00-\u9fff -]{1,20}/?>"
    r"|(?:^|\n)\s*\**(?:note|instructions?|constraints?|style|tone|persona|备注|注|要求|指令|风格|语气)\**\s*[:：]"
    r"|(?:^|[\n.;!?。；！？*(\[（【]\s*)\**(?:analysis|strategy|thoughts?|thinking|inner (?:thoughts?|voice|monologue)"
    r"|internal (?:thoughts?|monologue)|reasoning|reply|response|note to self|emotion|trust|openness|mood|state"
    r"|goal|plan)\**\s*[:：]"
    r"|(?:^|[\n。；！？*(\[（【]\s*)(?:分析|策略|思考|思路|内心(?:独白|活动|想法|os)?|心理活动|心声|心想|暗想|回复"
    r"|回应|情绪|信任度?|状态|心情"
    r"|开放度|目标|计划)\s*[:：]"
    # A record, a script or a stage manager in place of words.
    r"|^\s*(?:[{\[]\s*[\"“'‘]|```)|[\"”'’]\s*[:：]\s*[\"“'‘\[{]"
    r"|(?:^|\n)\s*\**(?:system|assistant|user|client|seeker|human|narrator|系统|用户|来访者|倾诉者|旁白|助手"
    r"|角色)\**\s*[:：]"
    # Thoughts in brackets. A gesture or a tone in brackets is none.
    r"|(?:[(\[（【~～]|(?<![\w*])\*)\s*(?:thinking|thinks?|to (?:my|him|her)self|inwardly|i (?:should|must|shouldn't"
    r"|mustn't|won't"
    r"|can't let|hope (?:he|she)|wish (?:he|she))|don't (?:cry|let|tell|say)|(?:he|she|they) (?:nearly|almost"
    r"|must not|can't)"
    r"|not yet|hold back)\b"
    r"|(?:[(\[（【~～]|(?<![\w*])\*)\s*(?:先不|先别|不能|不要|别让|我(?:不能|不想|得|应该|才不)|他(?:快|说中|猜)"
    r"|她(?:快"
    r"|说中|猜)|心想"
    r"|心里想|暗自)",
)
_ENGLISH = re.compile(
    r"\b(?:"
    r"keep (?:my |the )?(?:answers?|repl(?:y|ies)|responses?) (?:short|brief|under|to)"
    r"|trust (?:went|goes|has gone) (?:up|down)"
    # Talk of the role that is played.
    r"|(?:as|being|playing|act(?:ing)? as) (?:the|a|an) (?:simulated )?(?:user|client|character|seeker|patient"
    r"|persona)\b"
    r"|(?:simulated user|in character|(?:role|character) (?:sheet|description)|language model|system prompt"
    r"|role-?play)\b"
    r"|according to (?:my|the) (?:profile|prompt|persona|instructions?|character)\b"
    r"|(?:my|the) (?:profile|prompt|persona|instructions?|scenario) (?:says?|tells?|asks?|wants?|requires?|states?)\b"
    # What a disclosure rule is made of.
    r"|(?:my )?trust (?:is|level|score|value)\b.{0,20}\b(?:low|high|rising|\d)"
    r"|(?:surface|hidden|underlying) need\b|my (?:true|real|deeper) need\b"
    r"|i (?:should|must|will|need to|have to|won't|shouldn't|mustn't) (?:not |only |never )?(?:reveal|disclose|deflect"
    r"|withhold|hold back|stay guarded|mention (?:the|my) (?:real|true|need))"
    r"|here(?:'s| is) (?:a|the|my|one) (?:\w+ ){0,3}(?:reply|response|answer|message|line)\b"
    r"|the (?:supporter|seeker|simulated|interlocutor)\b"
    r"|(?:layer|node) (?:one|two|three|four|\d)\b|(?:layer|node|need|memory|chain)\b.{0,20}\b(?:un)?lock(?:ed|s)?\b"
    r"|(?:stay|remain|keep it) (?:guarded|vague)\b|deflect\b"
    r"|(?:before|until|after|by) (?:round|turn) (?:one|two|three|four|five|six|\d+)\b"
    r")"
)
_CHINESE = re.compile(
    r"控制在.{0,6}[句字]|[句字](?:以内|之内)|信任(?:加|减|上升|下降|涨|降)了?"
    r"|作为(?:一[名个位])?(?:模拟)?(?:用户|来访者|倾诉者|求助者|角色)|(?:人物|角色|用户)(?:设定|卡)"
    r"|(?<!做)用户画像(?:里|中|显)|我的人设|人设(?:要求|里)|提示词"
    r"|系统提示|模拟用户|语言模型|扮演好?(?:一[个名位])?(?:来访者|用户|求助者|倾诉者)"
    r"|信任值|信任(?:度|水平).{0,4}(?:低|不高|\d)|(?:表层|深层|隐藏)的?需求|(?:透露|说出|暴露|隐瞒"
    r"|提到)(?:我的?)?(?:真实|真正)的?需求"
    r"|以下是.{0,12}(?:回答|回复|台词|内容|对话)|(?:符合|贴合).{0,6}(?:人物|角色|设定)"
    r"|(?:支持者|倾听者)(?:已|正在|在[引试问说听安]|快|说|问|想|猜)"
    r"|第[一二三四五六七八九十\d]+轮(?:之前|以前|之后|对话|才)"
    r"|(?:这|下|那|表面|第[一二三四五\d])一?层(?:已经|还没|被|可以|需)|套我的?话|(?:可以|不能)松口|保持戒备|已解锁"
)
# A sad or a glad face is no bracket.
_EMOTICON = re.compile(r"(?<=[:;=：；])-?[()（）]+")
_BRACKETS = re.compile(
    r"[(\[（【]([^()\[\]（）【】]{2,400})(?:[)\]）】]|$)|(?<![a-z\d*])\*([^*\n]{2,400})\*(?![a-z\d])"
    r"|(?:^|\n)\s*[~～]([^~～\n]{6,300})[~～]"
)
_LATIN = re.compile("[a-z]{2}")
_HAN = re.compile("[\u4e00-\u9fff]")
_ENDS = frozenset(".!?…;:。！？；”\"'\n)]）】*~～")
_GOES_ON = frozenset(",，、.。;；")


def leaks_thoughts(text: str) -> bool:
    """Return whether a turn has words that are not meant for the supporter."""
    plain = _EMOTICON.sub(" ", text.replace("’", "'").lower())
    marked = _MARK.search(plain) and (_MARKED.search(plain) or _thinks_in_brackets(plain))
    if marked or _ENGLISH.search(plain):
        return True
    if _LATIN.search(plain) and _has_some(plain, thoughts_english.ANYWHERE):
        return True
    return not plain.isascii() and (_CHINESE.search(plain) is not None or _has_some(plain, thoughts_chinese.ANYWHERE))


def _thinks_in_brackets(plain: str) -> bool:
    """Return whether brackets or asterisks tell a motive, a plan or a thought. An aside in a sentence is none."""
    for span in _BRACKETS.finditer(plain):
        inside = next(part for part in span.groups() if part is not None).strip()
        if _has_some(inside, thoughts_english.BRACKETED):
            return True
        forms = thoughts_chinese.ALONE if _HAN.search(inside) else thoughts_english.ALONE
        if _stands_alone(plain, span) and _has_some(inside, forms):
            return True
    return False


def _stands_alone(plain: str, span: re.Match[str]) -> bool:
    """Return whether a bracket opens or closes the turn, or stands between its sentences."""
    before, after = plain[: span.start()].rstrip(" "), plain[span.end() :].rstrip()
    return not before or not after or (before[-1] in _ENDS and after[0] not in _GOES_ON)


@cache
def _forms(forms: tuple[str, ...]) -> RareForms:
    return RareForms(forms)


def _has_some(plain: str, forms: tuple[str, ...]) -> bool:
    return _forms(forms).any_in(plain)
