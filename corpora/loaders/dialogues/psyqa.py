"""Read PsyQA: a question to a help site and the answers to it, each answer a dialogue of two turns."""

from collections.abc import Iterator
from dataclasses import replace

from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, thought_of
from cocoon.corpora.reading.foreign_record import ForeignRecord, objects
from cocoon.corpora.reading.layout import Layout, has_keys

CORPUS = Corpus("psyqa", "PsyQA, questions and answers of a help site, zh", "PsyQA", "by agreement (PsyQA)", "none")


def read_psyqa(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield a dialogue for each answer, with the strategies of its parts in their order."""
    draft.number_by(record.get("questionID"))
    question = record.text("question")
    request = "\n".join(filter(None, (question, record.text("description"))))
    keywords = record.get("keywords")
    topic = keywords if isinstance(keywords, str) else ", ".join(map(str, keywords or []))
    for number, answer in enumerate(record.objects("answers", "answer"), 1):
        talk = replace(draft, id=f"{draft.id}-{number}", turns=[], notes=[], facts=dict(draft.facts))
        talk.say("user", request, "key 'question'")
        talk.say("supporter", answer.get("answer_text"), answer.position, thought_of("", _strategies(answer)))
        yield talk.read(feeling=request, scenario=topic, language="zh")
    if not record.values("answers"):
        yield draft.leave_out("answers", "the question has no answer")


def _strategies(answer: ForeignRecord) -> str:
    """Return the strategies of an answer's parts, neighbours of one kind once."""
    spans = answer.get("labels_sequence") or []
    names = [span.text("type") for span in objects(spans, answer.where, "label")]
    distinct = [name for number, name in enumerate(names) if name and (not number or name != names[number - 1])]
    return "; ".join(distinct)


LAYOUT = Layout(CORPUS, read_psyqa, has_keys("question", "answers"))
