"""The forms in which a supporter's reply is written again, and whether words have such a form and the same content."""

from typing import Literal, get_args

from cocoon.core.records import Language
from cocoon.evaluation.questions.detection import questions
from cocoon.evaluation.screen.screen import gives_advice
from cocoon.evaluation.text.static_embedding import closeness

MoveForm = Literal["question", "statement", "reflection", "advice"]
"""What the content of a reply can be written as."""
MOVE_FORMS: tuple[MoveForm, ...] = get_args(MoveForm)
SAME: dict[Language, float] = {"en": 0.4, "zh": 0.72}
"""The cosine of static vectors from which two replies have the same content.

On the shipped form pairs all 140 pairs of equal content lie above it. Of pairs about other people's profiles 0.2 % do
in English, and 4 % in Chinese.
"""


def form_problem(text: str, form: MoveForm, language: Language) -> str | None:
    """Return why words do not have a form, None where they have it.

    A question asks by the grammar of a question. The other forms ask nothing, in any way, and only advice says what to
    do.
    """
    sentences = questions(text, language)
    advice = gives_advice(text, language)
    if form != "advice" and advice:
        return f"this is advice: {advice}"
    if form == "question":
        return None if any(sentence.genuine for sentence in sentences) else "this asks no question"
    asking = next((sentence.text for sentence in sentences if sentence.type not in ("none", "reported")), None)
    if asking or "?" in text or "？" in text:
        return f"this asks a question: {asking or text}"
    return "this says nothing that the User could do" if form == "advice" and not advice else None


def content_problem(text: str, original: str, language: Language) -> str | None:
    """Return why words do not have the content of others, None where they have it. See `SAME`."""
    cosine = closeness(text, original)
    return None if cosine >= SAME[language] else f"this says something else than the reply ({cosine:.2f})"
