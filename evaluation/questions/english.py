"""English sentences: question or not, and of which type, from word order and a few fixed phrases.

English marks most questions by inversion (auxiliary before subject), which embedded questions lack: "what did you say"
asks, "I know what you said" does not. Most questions can therefore be recognised without a question mark.
"""

import re

from cocoon.evaluation.questions import english_forms as form
from cocoon.evaluation.questions import english_functions as function
from cocoon.evaluation.questions.records import GENUINE, QuestionType
from cocoon.evaluation.questions.sentences import without_quotes

_TAIL_TAG_WORDS = 4
"""A clause needs more words than this before a tag without a comma counts as a tag and not as a question."""


def classify_english(sentence: str) -> QuestionType:
    """Return the type of an English sentence."""
    text = _normalised(sentence)
    ending = text.rstrip("\"')]*” ")[-1:]
    marked = ending == "?"
    clauses = [part for part in (piece.strip(form.EDGES) for piece in form.CLAUSE_END.split(text)) if part]
    if not clauses:
        return "closed" if marked else "none"
    if _is_tag(clauses, marked, stopped=ending == "."):
        return "tag"
    standing = any(function.STANDING.search(clause) for clause in clauses)
    probing = not standing and any(_probes(clause) for clause in clauses)
    clause_types: list[QuestionType | None] = [
        None if probing and _probes(clause) else _clause_question(clauses, number, marked)
        for number, clause in enumerate(clauses)
    ]
    genuine: list[QuestionType] = [kind for kind in clause_types if kind is not None and kind in GENUINE]
    if genuine:
        return "open" if probing or "open" in genuine else genuine[0]
    if probing:
        return "probe"
    for kind in ("rhetorical", "reported"):
        if kind in clause_types:
            return kind
    if function.REPORTED.search(text) or _quotes_question(sentence):
        return "reported"
    return _wh_type(_without_filler(clauses[-1]), otherwise="closed") if marked else "none"


def _normalised(sentence: str) -> str:
    """Return lower case, straight apostrophes, split contractions joined again, and quotations emptied."""
    text = re.sub(r"[\u2018\u2019`´]", "'", without_quotes(sentence.strip())).lower()
    text = re.sub(r"(\w) ' (\w)", r"\1'\2", re.sub(r"\s+", " ", text.replace("？", "?")))
    text = form.NOISE.sub("", re.sub(r"\br (?=u\b|you\b)", "are ", text)).strip()
    if "-" in text or "—" in text:
        text = form.FALSE_START.sub("", form.STUTTER.sub("", text))
    return re.sub(r"\b(is|are|was|were|do|does|did|have|has|had|could|would|should|wo|ca)nt\b", r"\1n't", text)


def _without_filler(clause: str) -> str:
    """Return the clause without the small words at its start, or all of it where nothing else remains."""
    filler = form.FILLER.match(clause)
    return clause[filler.end() :] if filler and filler.end() < len(clause) else clause


def _probes(clause: str) -> bool:
    """Return whether a clause asks the listener to tell, by an imperative or a wish."""
    core = _without_filler(clause)
    return bool(function.PROBE.match(core) or function.WISH.match(core) or function.OFFER.match(clause))


def _quotes_question(sentence: str) -> bool:
    """Return whether a question stands in quotation marks inside the sentence."""
    quotations = function.QUOTED.findall(sentence)
    return any(content.rstrip().endswith("?") for content in quotations)


def _is_tag(clauses: list[str], marked: bool, *, stopped: bool) -> bool:
    last = clauses[-1]
    tag = form.TAG.fullmatch(last) or (not stopped and form.WORD_TAG.fullmatch(last))
    if len(clauses) > 1 and tag and not _clause_question(clauses, len(clauses) - 2, False):
        return not (last in form.ANSWERS and all(form.FILLER.fullmatch(clause) for clause in clauses[:-1]))
    if last == "is that right" or (len(clauses) > 1 and marked and form.TAG_WITH_MARK.fullmatch(last)):
        return True
    tail = form.TAIL_TAG.search(last)
    if tail is None or len(last.split()) <= _TAIL_TAG_WORDS or (not marked and tail.group() == " right"):
        return False
    return not form.INVERTED.match(_without_filler(last)) and not re.match(form.WH, _without_filler(last))


def _clause_question(clauses: list[str], number: int, marked: bool) -> QuestionType | None:
    """Return the type of one clause if it asks by its own form.

    None for statements, and for embedded and reported questions.
    """
    core = _without_filler(clauses[number])
    if form.RHETORICAL.match(core):
        return "rhetorical"
    after = clauses[number + 1] if number + 1 < len(clauses) else ""
    if function.UNANSWERED.match(after):
        return "rhetorical" if _asks_by_form(clauses, number, marked) else None
    reported = form.REPORT.match(after) or (number and function.REPORTING.match(clauses[number - 1]))
    if reported or (not marked and form.SELF_ANSWER.match(after)):
        return "reported" if reported and _asks_by_form(clauses, number, marked) else None
    return _asks_by_form(clauses, number, marked)


def _asks_by_form(clauses: list[str], number: int, marked: bool) -> QuestionType | None:
    """Return the type that the words of one clause alone give it."""
    clause, core = clauses[number], _without_filler(clauses[number])
    if form.INDIRECT.match(core):
        return "open"
    if form.WH_PHRASE.match(clause) or form.WH_PHRASE.match(core) or _asks_with_wh(core, number, marked):
        return _wh_type(core)
    if form.ELLIPTIC.match(core) or _asks_inverted(clauses, number, marked):
        return "open" if any(opening.search(core) for opening in form.OPENING) else "closed"
    return _mid_clause(core, marked)


def _asks_with_wh(core: str, number: int, marked: bool) -> bool:
    relative = number > 0 and not marked and re.match(r"(?:who|which|where|when)\b", core)
    if relative and not re.match(r"(?:when|where|who) (?:do|does|did|would|could|will|can)\b", core):
        return False
    if form.WH_INVERTED.match(core):
        return True
    if match := form.WH_CONTRACTED.match(core):
        return marked or not form.FINITE.search(core[match.end() :])
    match = form.WH_SUBJECT.match(core)
    return bool(match) and (marked or not form.FINITE.search(match["rest"]))


def _asks_inverted(clauses: list[str], number: int, marked: bool) -> bool:
    core = _without_filler(clauses[number])
    if marked or not form.INVERTED.match(core):
        return bool(form.INVERTED.match(core))
    goes_on, parted = number + 1 < len(clauses), number > 1 and form.PARENTHESIS.fullmatch(clauses[number - 1])
    rest = parted or (number > 0 and form.COMPLEMENT.match(core))
    return not (form.IMPERATIVE.match(core) or rest or (goes_on and form.CONDITIONAL.match(core)))


def _mid_clause(core: str, marked: bool) -> QuestionType | None:
    """Return the type of a question that follows other words without a comma ("looking back how do you see it")."""
    joined = form.COORDINATED.search(core)
    if joined and (marked or not joined["short"]):
        return _wh_type(joined["question"])
    match = form.MID.search(core)
    if match is None or form.EMBEDDING.search(core[: match.start()]):
        return None
    return _wh_type(match["question"])


def _wh_type(core: str, otherwise: QuestionType = "open") -> QuestionType:
    """Return closed where a single fact would answer, open for other question words, else `otherwise`."""
    if form.WIDE.match(core) or form.ENDS_OPEN.search(core):
        return "open"
    if form.NARROW.match(core):
        return "closed"
    return "open" if re.match(form.BEFORE_WH + form.WH + r"\b", core) else otherwise
