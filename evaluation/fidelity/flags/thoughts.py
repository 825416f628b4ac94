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
    if marked:
        return True
    if _LATIN.search(plain) and _has_some(plain, thoughts_english.ANYWHERE):
        return True
    return not plain.isascii() and _has_some(plain, thoughts_chinese.ANYWHERE)


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
