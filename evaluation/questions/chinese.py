"""Chinese sentences: question or not, and of which type, from particles, A-not-A forms and question words.

Chinese does not move question words, so the same word asks (`你想说什么`), is embedded (`我知道你想说什么`) or is
indefinite (`没什么`). Each clause is read alone, and the rules look around the word for what makes it no question.
"""

from cocoon.evaluation.questions import chinese_forms as form
from cocoon.evaluation.questions import chinese_functions as function
from cocoon.evaluation.questions.chinese_layer import is_question
from cocoon.evaluation.questions.records import QuestionType
from cocoon.evaluation.questions.sentences import without_quotes

_WEIGHED: frozenset[QuestionType] = frozenset(("none", "open", "closed"))
"""Types by rule that the learned layer may overrule. A tag, a probe and the rest have forms of their own."""
_SHORT_CLAUSE = 5
"""A shorter clause before a comma (`明白了，`, in characters) is an answer and does not govern what follows."""


def classify_chinese(sentence: str) -> QuestionType:
    """Return the type of a Chinese sentence.

    Without a question mark or a full stop, a learned layer decides whether it asks, and the rules decide how.
    """
    kind = classify_by_rule(sentence)
    text = without_quotes(sentence.strip()).rstrip(form.CLOSERS)
    if kind not in _WEIGHED or not text or text[-1] in form.STOPS or not form.HAN.search(text):
        return kind
    if (form.SURELY_NONE if kind == "none" else form.SURELY_ASKS).search(text):
        return kind
    if not is_question(text, kind):
        return "none"
    return kind if kind != "none" else _type_of(form.CLAUSE_END.split(text)[-1])


def classify_by_rule(sentence: str) -> QuestionType:
    """Return the type of a Chinese sentence by the rules alone."""
    text = without_quotes(sentence.strip())
    marked = text.rstrip(form.EDGES).endswith(("?", "？"))
    stated = text.rstrip(form.CLOSERS).endswith(("。", "！", ".", "!"))
    if not form.ASKS_SELF.search(text) and not form.CONDITION.match(text):
        if function.REPORTED_QUESTION.match(text) and not _asks_before(text):
            return "reported"
        text = text if marked else form.REPORTED.sub("", text)
    clauses = [part for part in (piece.strip(form.EDGES) for piece in form.CLAUSE_END.split(text)) if part]
    if not clauses:
        return "closed" if marked else "none"
    kind = _question(clauses, text, marked, stated)
    if kind == "none" and _reports_question(sentence, clauses):
        return "reported"
    return kind


def _question(clauses: list[str], text: str, marked: bool, stated: bool) -> QuestionType:
    """Return the type of a sentence that has been cut into clauses."""
    if form.RHETORICAL_SENTENCE.search("，".join(clauses)):
        return "rhetorical"
    if _is_tag(clauses, marked):
        return "tag"
    probing = _probes(clauses)
    if (kind := _first_question(clauses, marked, stated)) is not None and not (probing and kind == "rhetorical"):
        return kind
    if probing:
        return "probe"
    if not stated and _offers_choice(text, clauses):
        return "closed"
    return _type_of(clauses[-1]) if marked else "none"


def _probes(clauses: list[str]) -> bool:
    """Return whether a clause asks the listener to tell, by an imperative or a wish."""
    for number, clause in enumerate(clauses):
        if function.PROBE.match(clause) or function.WISH.match(clause):
            return not any(function.STANDING.search(before) for before in clauses[:number])
    return False


def _asks_before(text: str) -> bool:
    """Return whether the clause that leads to a reported question asks something itself."""
    lead = form.CLAUSE_END.split(text)[0]
    return _has_question_sign(lead) or bool(form.A_NOT_A.search(lead))


def _reports_question(sentence: str, clauses: list[str]) -> bool:
    """Return whether a question of somebody else is told, in quotation marks or after a verb of asking."""
    if any(quotation.rstrip().endswith(("?", "？")) for quotation in function.QUOTED.findall(sentence)):
        return True
    told = [clause for clause in clauses if function.TOLD_OF.search(clause) and not form.WHATEVER.search(clause)]
    return any(_has_question_sign(clause) or form.A_NOT_A.search(clause) for clause in told)


def _first_question(clauses: list[str], marked: bool, stated: bool) -> QuestionType | None:
    """Return the type of the first clause that asks. `marked` is only about the last clause."""
    rhetorical = False
    for number, clause in enumerate(clauses):
        if form.RHETORICAL.search(clause) and _has_question_sign(clause):
            rhetorical = True
        elif stated and not _asks_though_stated(clauses, number):
            continue
        elif (kind := _clause_question(clauses, number, marked and number == len(clauses) - 1)) is not None:
            return "closed" if clause.startswith("是") and form.MA.search(clauses[-1]) else kind
    return "rhetorical" if rhetorical else None


def _asks_though_stated(clauses: list[str], number: int) -> bool:
    """Return whether a clause of a sentence that ends in a full stop may ask: by particle, indirectly, or alone."""
    clause, last = clauses[number], number == len(clauses) - 1
    if last and form.MA.search(clause):
        return True
    if form.NE.search(clause) and (last or form.WORD.search(clause)) and not form.OWN_DOUBT.search(clause):
        return True
    return _is_indirect(clauses, number) or (last and bool(form.DIRECT.match(clause)))


def _has_question_sign(clause: str) -> bool:
    return bool(form.WORD.search(clause) or form.MA.search(clause) or form.NE.search(clause))


def _is_tag(clauses: list[str], marked: bool) -> bool:
    last = clauses[-1]
    if form.TAG.fullmatch(last):
        return len(clauses) > 1 or last not in form.NO_TAG_ALONE
    if form.TAIL_TAG.search(last) and len(last) > len("的对不对"):
        return True
    if not last.endswith("吧") or form.INVITING_BA.search(last) or function.PROBE.match(last):
        return False
    return marked or bool(form.ASSUMING_BA.fullmatch(last) and form.YOU.search("".join(clauses)))


def _offers_choice(text: str, clauses: list[str]) -> bool:
    """Return whether alternatives are offered (`是……，还是……`) and not only weighed."""
    if not form.CHOICE.search(text) or form.WHATEVER.search(text) or form.CHOICE_IN_DOUBT.search(text):
        return False
    return not any(form.LEFT_UNANSWERED.search(clause) for clause in clauses[1:])


def _clause_question(clauses: list[str], number: int, marked: bool) -> QuestionType | None:
    """Return the type of one clause if it asks.

    None for statements, and for embedded, reported and indefinite words.
    """
    clause, last = clauses[number], number == len(clauses) - 1
    if not last and clause in form.KNOW_WHAT:
        return None
    if last and form.ALONE.fullmatch(clause.removesuffix("呢").removeprefix("那")):
        return _type_of(clause) if marked or form.WORD.search(clause) or clause.endswith("呢") else None
    if _is_indirect(clauses, number):
        return _type_of(clause)
    if not marked and _is_silenced(clauses, number):
        return None
    return _question_by_form(clause, "，".join(clauses[:number]), marked, last)


def _question_by_form(clause: str, before: str, marked: bool, last: bool) -> QuestionType | None:
    if form.MA.search(clause) and len(clause) > len("我吗"):
        return "open" if _asks_to_tell(before + clause) else "closed"
    if _asks_word(clause, before, marked) or _asks_choice(clause, before, marked):
        return _type_of(clause)
    return "open" if last and form.FRAGMENT.fullmatch(clause) else None


def _is_indirect(clauses: list[str], number: int) -> bool:
    """Return whether the clause, or a short one before it, says that the speaker would like to know."""
    clause, before = clauses[number], clauses[number - 1] if number else ""
    if not (form.WORD.search(clause) or form.A_NOT_A.search(clause) or form.MA.search(clause)):
        return False
    if clause.startswith("请问") or before == "请问":
        return True
    if not form.YOU.search(clause):
        return False
    return bool(form.INDIRECT.match(clause) or (len(before) < 2 * _SHORT_CLAUSE and form.INDIRECT.match(before)))


def _is_silenced(clauses: list[str], number: int) -> bool:
    """Return whether the surrounding clauses make a clause that has the form of a question no question."""
    clause = clauses[number]
    if form.WHATEVER.search(clause) or form.CONDITION.search(clause) or form.PAIRED.search(clause):
        return True
    if any(form.LEFT_UNANSWERED.search(later) for later in clauses[number + 1 :]):
        return True
    if any(form.TO_THINK.match(before) for before in clauses[: number + 1]):
        return True
    return bool(function.TOLD_OF.search(clause)) and not form.ASKS_SELF.search("，".join(clauses[: number + 1]))


def _asks_word(clause: str, before: str, marked: bool) -> bool:
    rest = form.INDEFINITE.sub("", clause)
    match = form.WORD.search(rest)
    if match is None:
        return False
    return marked or _is_softened(clause) or not _is_embedded(rest[: match.start()], before)


def _asks_choice(clause: str, before: str, marked: bool) -> bool:
    if form.ENDING_NOT.search(clause):
        return not _is_embedded(clause, before)
    match = form.A_NOT_A.search(clause)
    return match is not None and (marked or _is_softened(clause) or not _is_embedded(clause[: match.start()], before))


def _is_softened(clause: str) -> bool:
    """Return whether a final `呢` turns an embedded question to the listener.

    `我不知道……呢` stays a statement.
    """
    return clause.endswith("呢") and not form.OWN_DOUBT.search(clause)


def _is_embedded(head: str, before: str) -> bool:
    """Return whether a verb of knowing, telling or asking comes before a question word and governs it."""
    if form.EMBEDDED.search(head):
        return not form.YOUR_OBJECT.search(head)
    last = before.rsplit("，", 1)[-1]
    if len(last) < _SHORT_CLAUSE or form.ASKS_SELF.search(last):
        return False
    return bool(form.LEADS_IN.search(last) or (not head and form.HOLDS_ONE.search(last)))


def _asks_to_tell(text: str) -> bool:
    return bool(form.TELL.search(text)) and not form.BETWEEN_OTHERS.search(text)


def _type_of(clause: str) -> QuestionType:
    """Return open or closed, for a clause that asks."""
    word, choice = form.WORD.search(clause), form.A_NOT_A.search(clause)
    if _asks_to_tell(clause):
        return "open"
    if form.MA.search(clause) or (choice and (not word or choice.start() < word.start())):
        return "closed"
    if not word:
        return "open" if clause.endswith("呢") and "还是" not in clause else "closed"
    return "closed" if form.NARROW.search(clause) and not form.FROM_WHERE.search(clause) else "open"
