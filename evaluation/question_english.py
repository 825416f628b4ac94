"""English sentences: question or not, and of which type, from word order and a few fixed phrases.

English marks most questions by inversion (auxiliary before subject), which embedded questions lack: "what did you
say" asks, "I know what you said" does not. That is why most need no question mark to be told.
"""

import re

from cocoon.evaluation import question_english_forms as form
from cocoon.evaluation.question_records import QuestionType
from cocoon.evaluation.question_sentences import without_quotes

_TAIL_TAG_WORDS = 4
"""A tag without its comma needs more words than this before it can be told from a question of its own."""


def classify_english(sentence: str) -> QuestionType:
    """The type of an English sentence."""
    text = _plain(sentence)
    marked = text.rstrip("\"')]*” ").endswith("?")
    clauses = [part for part in (one.strip(form.EDGES) for one in form.CLAUSE_END.split(text)) if part]
    if not clauses:
        return "closed" if marked else "none"
    if _is_tag(clauses, marked):
        return "tag"
    found: list[QuestionType | None] = [_live(clauses, number, marked) for number in range(len(clauses))]
    for kind in found:
        if kind is not None and kind != "rhetorical":
            return kind
    if "rhetorical" in found:
        return "rhetorical"
    return _wh_type(_bare(clauses[-1]), otherwise="closed") if marked else "none"


def _plain(sentence: str) -> str:
    """Lower case, straight apostrophes, tokenised contractions joined again, quotations emptied."""
    text = re.sub(r"[\u2018\u2019`´]", "'", without_quotes(sentence.strip())).lower()
    text = re.sub(r"(\w) ' (\w)", r"\1'\2", re.sub(r"\s+", " ", text.replace("？", "?")))
    return re.sub(r"\b(is|are|was|were|do|does|did|have|has|had|could|would|should|wo|ca)nt\b", r"\1n't", text)


def _bare(clause: str) -> str:
    """The clause without the small words it begins with; all of it where nothing else is left."""
    filler = form.FILLER.match(clause)
    return clause[filler.end() :] if filler and filler.end() < len(clause) else clause


def _is_tag(clauses: list[str], marked: bool) -> bool:
    last = clauses[-1]
    if len(clauses) > 1 and form.TAG.fullmatch(last) and not _live(clauses, len(clauses) - 2, False):
        return not (last in form.ANSWERS and all(form.FILLER.fullmatch(clause) for clause in clauses[:-1]))
    if last == "is that right" or (len(clauses) > 1 and marked and form.TAG_WITH_MARK.fullmatch(last)):
        return True
    tail = form.TAIL_TAG.search(last)
    if tail is None or len(last.split()) <= _TAIL_TAG_WORDS or (not marked and tail.group() == " right"):
        return False
    return not form.INVERTED.match(_bare(last)) and not re.match(form.WH, _bare(last))


def _live(clauses: list[str], number: int, marked: bool) -> QuestionType | None:
    """The type of one clause if it asks by its own form; none for statements, embedded and reported questions."""
    clause, bare = clauses[number], _bare(clauses[number])
    if form.RHETORICAL.match(bare):
        return "rhetorical"
    after = clauses[number + 1] if number + 1 < len(clauses) else ""
    if not marked and (form.REPORT.match(after) or form.SELF_ANSWER.match(after)):
        return None
    if match := form.INDIRECT.match(bare):
        return "closed" if match["word"] in ("if", "whether") else "open"
    if form.WH_PHRASE.match(clause) or form.WH_PHRASE.match(bare) or _asks_with_wh(bare, number, marked):
        return _wh_type(bare)
    if form.ELLIPTIC.match(bare) or _asks_inverted(clauses, number, marked):
        return "open" if form.TELL.match(bare) or form.WANT_TO_TELL.match(bare) else "closed"
    return _mid_clause(bare)


def _asks_with_wh(bare: str, number: int, marked: bool) -> bool:
    relative = number > 0 and not marked and re.match(r"(?:who|which|where|when)\b", bare)
    if relative and not re.match(r"(?:when|where|who) (?:do|does|did|would|could|will|can)\b", bare):
        return False
    if form.WH_INVERTED.match(bare):
        return True
    if match := form.WH_CONTRACTED.match(bare):
        return marked or not form.FINITE.search(bare[match.end() :])
    match = form.WH_SUBJECT.match(bare)
    return bool(match) and (marked or not form.FINITE.search(match["rest"]))


def _asks_inverted(clauses: list[str], number: int, marked: bool) -> bool:
    bare = _bare(clauses[number])
    if marked or not form.INVERTED.match(bare):
        return bool(form.INVERTED.match(bare))
    goes_on, parted = number + 1 < len(clauses), number > 1 and form.PARENTHESIS.fullmatch(clauses[number - 1])
    return not (form.IMPERATIVE.match(bare) or parted or (goes_on and form.CONDITIONAL.match(bare)))


def _mid_clause(bare: str) -> QuestionType | None:
    """A question that follows other words without a comma ("looking back how do you see it")."""
    match = form.MID.search(bare)
    if match is None or form.EMBEDDING.search(bare[: match.start()]):
        return None
    return _wh_type(match["question"])


def _wh_type(bare: str, otherwise: QuestionType = "open") -> QuestionType:
    """Closed where a single fact would answer, open for the other question words, else `otherwise`."""
    if form.NARROW.match(bare) and not form.BEGIN.match(bare):
        return "closed"
    return "open" if re.match(form.WH, bare) else otherwise
