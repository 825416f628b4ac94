"""Which tokens end a statement: what follows begins a sentence, and that is where a reply turns to asking.

A question is left out, so that a reply that has asked is not pushed to ask again.
"""

from typing import Any

_ENDS = (".", "!", "。", "！", "…")
_QUESTION = ("?", "？")
_CLOSING = "\"'”’)）」』] \t\r\n"


def statement_ends(tokenizer: Any) -> list[int]:
    """Ids, ascending, of the tokens of a vocabulary whose text ends a sentence other than a question.

    Quotation marks, brackets and blanks after the mark may belong to the token. A mark that the vocabulary spells in
    several bytes (Chinese in some English models) is not found.
    """
    special = set(tokenizer.all_special_ids)
    ids = [number for number in range(len(tokenizer)) if number not in special]
    texts: list[str] = tokenizer.batch_decode([[number] for number in ids], clean_up_tokenization_spaces=False)
    return [number for number, text in zip(ids, texts, strict=True) if _ends_statement(text)]


def _ends_statement(text: str) -> bool:
    return text.rstrip(_CLOSING).endswith(_ENDS) and not any(mark in text for mark in _QUESTION)
