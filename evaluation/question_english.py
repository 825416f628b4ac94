"""English sentences: question or not, and of which type, from word order and a few fixed phrases.

English marks most questions by inversion (auxiliary before subject), which embedded questions lack: "what did you
say" asks, "I know what you said" does not. That is why no question mark is needed for most.
"""

import re

from cocoon.evaluation.question_records import QuestionType
from cocoon.evaluation.question_sentences import without_quotes

_AUX = (
    r"(?:am|is|are|was|were|do|does|did|have|has|had|can|could|will|would|shall|should|may|might|must)"
    r"|(?:is|are|was|were|do|does|did|have|has|had|ca|could|wo|would|should|must)n'?t|cannot|ain't"
)
_PRONOUN = r"(?:i|you|u|he|she|it|we|they|there|this|that|these|those|y'all)"
_SUBJECT = (
    rf"(?:{_PRONOUN}|(?:any|some|every)(?:one|body|thing)|nobody|nothing|people|things|everybody|one"
    r"|(?:the|your|his|her|their|our|my|its|any|some|all|both|each|most|part|another|a|an)\b|“”)"
)
_WH = r"(?:what|how|why|when|where|who|whom|whose|which)"
# Words of a question phrase before its auxiliary ("what kind of support would"): no subject pronoun among them.
_PHRASE = rf"(?:(?!{_PRONOUN}\b|(?:{_AUX})\b|that\b|if\b)[\w'-]+ ){{0,7}}?"
_INVERTED = re.compile(rf"(?P<aux>{_AUX}) (?:not )?(?P<subject>{_SUBJECT})\b")
_WH_INVERTED = re.compile(rf"(?:\w+ )?{_WH} {_PHRASE}(?:{_AUX}) {_SUBJECT}\b")
_WH_CONTRACTED = re.compile(rf"{_WH}(?:'s|s|'re|'d|'ve|'ll)\b(?! (?:more|done)\b)")
_WH_SUBJECT = re.compile(
    rf"(?:what(?! a\b)|who|which (?!is\b|was\b|were\b|are\b|means\b|makes\b|made\b|has\b|had\b|would\b)|whose) ?"
    rf"(?:else |exactly |really )?{_PHRASE}"
    rf"(?:{_AUX}|happen\w*|mak(?:es|ing)|made|brings?|brought|ke?eps?|kept|helps?|helped|chang\w+|led|told|said|gave"
    r"|hurts?|comes?|came|gets?|got|goes|went|worri\w+|scares?|bothers?|stands?|stops?|causes?|caused|triggers?"
    r"|triggered|knows?|works?|worked|matters?|drew|draws|holds?|feels?|gives?|tells?|taught|leads?|took|takes)\b"
    r"(?P<rest>.*)"
)
_FINITE = re.compile(
    r"\b(?:is|was|are|were|isn't|wasn't|'s|makes sense|means|meant|matters|mattered|will be|would be|can be|took|came"
    r"|surprised|remains)\b"
)
_HOW_WHAT = re.compile(
    r"(?:how|what) about\b|what if\b|how come\b|why not\b|what for\b|how so\b"
    r"|(?:in|for|to|at|since|from|by|with|on|of|about) (?:what|whom|which|how) ?\w*(?: \w+)?$"
    rf"|{_WH}(?: else| now| then| exactly| so| one| ones| though)?$|such as$|like what$|any (?:idea|thoughts?|clue)\b"
    r"|(?:and|but) (?:you|him|her|them|your \w+|then|now|yours)$"
)
_ELLIPTIC = re.compile(
    r"any (?:news|luck|plans?|progress|change)\b|anything else|(?:have )?ever (?:thought|tried|felt|wondered|considered)\b"
    r"|mind if\b|feeling (?:any )?(?:better|worse|okay|ok|alright|up to)\b|ready$|ready (?:to|for)\b|care to\b"
    r"|want to (?:talk|tell|share|try)\b|wanna (?:talk|tell|share)\b|sound(?:s)? (?:good|okay|fair)$|you (?:ok|okay|alright|there)$"
)
_INDIRECT = re.compile(
    r"(?:i|we)(?:'m| am| was|'ve been)?(?: just| also| really| still)? ?"
    r"(?:wonder(?:ing)?|curious|(?:'d|would) (?:really |also )?(?:like|love) to (?:know|hear|understand|ask)"
    r"|want(?:ed)? to (?:ask|know|understand))\b(?: you)?(?: about)?"
    rf" (?P<word>if|whether|{_WH})\b.*\b(?:you|your|yours)\b"
)
_INDIRECT_SPACED = re.compile(r"(\w)('d|'m|'ve)\b")
_TELL = re.compile(
    r"(?:(?:can|could|would|will|may|might|do) (?:you|i|we)|would it be (?:ok|okay|all right)|are you (?:able|willing))"
    r"(?: \w+){0,5}? (?:tell(?:ing)? me|shar(?:e|ing)(?! (?:it )?with (?:him|her|them))|describ(?:e|ing)|explain(?:ing)?"
    r"|elaborat\w+|say(?:ing)? (?:\w+ ){0,3}more|help me understand|talk about (?:it|that|what)|walk me through|expand"
    r"|ask (?:what|how|why)|know (?:what|how|why)|give me (?:some |any |an )?(?:advice|examples?|suggestions?))\b"
)
_NARROW = re.compile(
    rf"(?:\w+ )?(?:when|where|who|whom|whose|how (?:long|old|often|many|much|far)|what (?:time|day|year|age)"
    r"|which (?!\w+(?<!s)s\b(?: of)?))\b"
)
_BEGIN = re.compile(r"where .*\b(?:start|begin)\b")
_TAGS = re.compile(
    rf"(?:(?:{_AUX}) (?:{_PRONOUN}|i|everyone)|right|correct|ok(?:ay)?|alright|huh|eh|true|(?:is|isn't) that (?:right|so|correct|it)"
    r"|am i right|don't you think|wouldn't you (?:say|agree)|do you think|you know what i mean)"
)
_MARKED_TAGS = re.compile(r"yes|no|yeah|you know|hm+|really|fair")
_TAIL_TAG = re.compile(rf" (?:(?:is|are|was|were|do|does|did|have|has|had|ca|could|wo|would|should)n't {_PRONOUN}| right)$")
_CONDITIONAL = re.compile(rf"(?:should|were|had) {_SUBJECT}\b")
_IMPERATIVE = re.compile(
    r"(?:do|did|does|have) (?:your|my|his|her|the|one|a|an|some|any|another|all|both|most|part|this|that|these|those)\b"
    r"(?! (?:parents|friends|kids|children|family|people|others|two|boss|mother|father|mom|dad|mum|husband|wife|"
    r"partner|brother|sister|doctor|one|of|you|thing|sound|feel|make|help|seem|mean|bring|ring|change)\b)"
    r"|don't you (?:worry|dare|forget|ever)\b|may (?!i\b|we\b)"
)
_REPORT = re.compile(r"(?:he|she|they|i|we|everyone|people|mom|dad) (?:kept |always |just |would )?(?:sa(?:id|y|ys|ying)|ask\w*|repeat\w*|shout\w*|think\w*|thought)\b")
_SELF_ANSWER = re.compile(r"(?:yes|no|of course|absolutely|never)\b")
_EMBEDDING = re.compile(
    r"\b(?:know|knew|tell|told|sure|idea|understand|see|asks?|asked|asking|remember|wonder(?:ed|ing)?|explain|figure|decide|learn|realize|matter)\b"
)
_MID = re.compile(
    rf"\b(?P<question>(?:what|how|why|when|where|who) (?:\w+ )?(?:{_AUX}) (?:you|he|she|they|we|i|it|your)\b.*)"
)
_RHETORICAL = re.compile(
    r"(?:who|what \w+) (?:wouldn't|doesn't|hasn't|isn't|wouldnt|doesnt|could blame|can blame)\b"
    r"|who (?:knows|cares|needs|knew|asked you|am i (?:kidding|to|fooling)|are you (?:kidding|to))\b"
    r"|why (?:bother|even|even bother|should i (?:be|have to|always|care))\b|what(?:'s|s| is) the (?:point|use|harm)\b"
    r"|what (?:good|difference|use) (?:does|do|would|is|will)\b|what else (?:could|can|was|am) (?:you|i|we|anyone|one)\b(?! do\b.*\bto\b)"
    r"|how (?:could|can) (?:any(?:one|body)|i (?:ever|not|possibly)|you (?:ever|not)|we not)\b|how dare\b"
    r"|isn't (?:that|it|this) (?:what\b|just\b|strange how|funny how|always|the whole)|since when\b"
    r"|(?:doesn't|don't|aren't|haven't|isn't|hasn't) (?:every(?:one|body)|we all|they all|anyone who)\b"
    r"|what (?:kind|sort) of (?:\w+ ){1,2}(?:does|would|do|says|leaves|forgets)\b(?! you\b| it\b| that\b)"
    r"|does (?:it|that|any of (?:it|this)) even\b|what did i (?:expect|do to deserve)\b|how was i supposed to know\b"
    r"|can you (?:blame|believe)\b|are you kidding\b|what was i thinking\b|what do i know\b|is it any wonder\b"
)
_FILLER = re.compile(
    r"(?:(?:so|and|but|well|then|okay|ok|oh|ah|now|also|hmm+|hm|um+|hey|hi|hello|yes|yeah|no|honestly|actually|or|because"
    r"|first|sorry|please|anyway|still|maybe|perhaps|though|just|right|sure|great|i see|thanks|thank you)\b[ ,]*)+"
)


def classify_english(sentence: str) -> QuestionType:
    """The type of an English sentence."""
    text = _plain(sentence)
    marked = text.rstrip("\"')]*” ").endswith("?")
    clauses = [part for part in (_trim(one) for one in re.split(r"[,;:?!()]| [-–—]+ |—|\.{2,}|…", text)) if part]
    if not clauses:
        return "closed" if marked else "none"
    if (tag := _tag(clauses, marked)) is not None:
        return tag
    found = [kind for number in range(len(clauses)) if (kind := _live(clauses, number, marked)) is not None]
    genuine = [kind for kind in found if kind != "rhetorical"]
    if genuine or found:
        return (genuine or found)[0]
    if marked:
        return _marked_type(clauses)
    return "none"


def _plain(sentence: str) -> str:
    """Lower case, straight apostrophes, tokenised contractions joined again, quotations emptied."""
    text = re.sub(r"[\u2018\u2019`´]", "'", without_quotes(sentence.strip())).lower()
    text = re.sub(r"(\w) ' (\w)", r"\1'\2", re.sub(r"\s+", " ", text.replace("？", "?")))
    return re.sub(r"\b(is|are|was|were|do|does|did|have|has|had|could|would|should|wo|ca)nt\b", r"\1n't", text)


def _trim(clause: str) -> str:
    return clause.strip(" .*\"'-_~”").strip()


def _bare(clause: str) -> str:
    """The clause without the small words it begins with; all of it where nothing else is left."""
    return _FILLER.sub("", clause, count=1) if (rest := _FILLER.match(clause)) and rest.end() < len(clause) else clause


def _tag(clauses: list[str], marked: bool) -> QuestionType | None:
    last = clauses[-1]
    if last == "is that right":
        return "tag"
    if len(clauses) > 1 and _TAGS.fullmatch(last) and not _live(clauses, len(clauses) - 2, False):
        return None if last in ("right", "okay", "ok", "alright", "true") and _short(clauses) else "tag"
    if len(clauses) > 1 and marked and _MARKED_TAGS.fullmatch(last):
        return "tag"
    tail = _TAIL_TAG.search(last)
    return "tag" if tail and len(last.split()) > 4 and _tail_is_tag(last, tail, marked) else None


def _short(clauses: list[str]) -> bool:
    """Whether nothing but small words stands before a final `right`: then it answers and does not ask."""
    return all(_FILLER.fullmatch(clause) for clause in clauses[:-1])


def _tail_is_tag(last: str, tail: re.Match[str], marked: bool) -> bool:
    inverted = _INVERTED.match(_bare(last)) or re.match(_WH, _bare(last))
    return not inverted and (marked or not tail.group().endswith(" right"))


def _live(clauses: list[str], number: int, marked: bool) -> QuestionType | None:
    """The type of one clause if it asks by its own form; none for statements, embedded and reported questions."""
    clause = clauses[number]
    bare, after = _bare(clause), clauses[number + 1 :]
    if _RHETORICAL.match(bare):
        return "rhetorical"
    if after and (_REPORT.match(after[0]) or _SELF_ANSWER.match(after[0])) and not marked:
        return None
    if match := _INDIRECT.match(_INDIRECT_SPACED.sub(r"\1 \2", bare).replace("i 'd", "i'd").replace("i 'm", "i'm")):
        return "closed" if match["word"] in ("if", "whether") else "open"
    if _HOW_WHAT.match(clause) or _HOW_WHAT.match(bare):
        return _wh_type(bare)
    if _asks_with_wh(bare, number, marked):
        return _wh_type(bare)
    if _asks_inverted(bare, bool(after), marked) or _ELLIPTIC.match(bare):
        return "open" if _TELL.match(bare) or _wants_talk(bare) else "closed"
    return _mid_clause(bare)


def _asks_with_wh(bare: str, number: int, marked: bool) -> bool:
    relative = number > 0 and not marked and re.match(r"(?:who|which|where|when)\b", bare)
    if relative and not re.match(r"(?:when|where|who) (?:do|does|did|would|could|will|can)\b", bare):
        return False
    if _WH_INVERTED.match(bare):
        return True
    if match := _WH_CONTRACTED.match(bare):
        return marked or not _FINITE.search(bare[match.end() :])
    match = _WH_SUBJECT.match(bare)
    return bool(match) and (marked or not _FINITE.search(match["rest"]))


def _asks_inverted(bare: str, goes_on: bool, marked: bool) -> bool:
    if not _INVERTED.match(bare) or (_IMPERATIVE.match(bare) and not marked):
        return False
    return marked or not (goes_on and _CONDITIONAL.match(bare))


def _wants_talk(bare: str) -> bool:
    return bool(re.match(r"(?:do|would) you (?:want|like) to (?:talk|tell|share|say)\b", bare))


def _mid_clause(bare: str) -> QuestionType | None:
    """A question that follows other words without a comma ("looking back how do you see it")."""
    match = _MID.search(bare)
    if match is None or _EMBEDDING.search(bare[: match.start()]):
        return None
    return _wh_type(match["question"])


def _wh_type(bare: str) -> QuestionType:
    return "closed" if _NARROW.match(bare) and not _BEGIN.match(bare) else "open"


def _marked_type(clauses: list[str]) -> QuestionType:
    last = _bare(clauses[-1])
    if _RHETORICAL.match(last):
        return "rhetorical"
    return _wh_type(last) if re.match(_WH, last) else "closed"
