"""What a judge says of single replies of a sweep: the share of each dialogue's replies that are coherent."""

import hashlib
from pathlib import Path

from cocoon.agents.protocols import SpokenTurn
from cocoon.core.jsonl import dump_line, read_records, write_whole
from cocoon.core.records import Dialogue, Record
from cocoon.evaluation.questions.detection import counted_turns
from cocoon.running.checks.coherence import CoherenceReader, ReplyInTalk
from cocoon.running.folder import read_run

COHERENCE = "coherence.jsonl"
EACH = 2
"""Replies of a dialogue that are read, chosen by its name alone."""


class DialogueCoherence(Record):
    """How many of the `read` replies of a dialogue are coherent, by a judge. `missing` counts unread answers."""

    dialogue: str
    judge: str
    coherent: int
    read: int
    missing: int

    @property
    def share(self) -> float | None:
        """Share of coherent replies, 0 to 1, and None if no answer could be read."""
        known = self.read - self.missing
        return self.coherent / known if known else None


def read_coherence(run: Path) -> dict[str, DialogueCoherence]:
    """Return what `measure_coherence` wrote, by dialogue."""
    path = run / COHERENCE
    return {each.dialogue: each for each in read_records(path, DialogueCoherence)} if path.exists() else {}


def measure_coherence(reader: CoherenceReader, run: Path) -> None:
    """Have a judge read two replies of every dialogue of a run, and store its verdicts. Known answers cost nothing."""
    dialogues = list(read_run(run, "dialogues.jsonl", Dialogue))
    chosen = [(dialogue.id, reply) for dialogue in dialogues for reply in _chosen(dialogue)]
    verdicts = reader.read_now([reply for _, reply in chosen])
    by_dialogue: dict[str, list[bool | None]] = {dialogue.id: [] for dialogue in dialogues}
    for (dialogue, _), verdict in zip(chosen, verdicts, strict=True):
        by_dialogue[dialogue].append(verdict)
    records = [
        DialogueCoherence(
            dialogue=dialogue, judge=reader.spec, coherent=read.count(True), read=len(read), missing=read.count(None)
        )
        for dialogue, read in by_dialogue.items()
    ]
    write_whole(run / COHERENCE, map(dump_line, records))


def _chosen(dialogue: Dialogue) -> list[ReplyInTalk]:
    """Return the replies of a dialogue that are read. The opening is no reply of the model's."""
    counted = {id(turn) for turn in counted_turns(dialogue.turns)}
    indices = [index for index, turn in enumerate(dialogue.turns) if id(turn) in counted and turn.content.strip()]
    chosen = sorted(indices, key=lambda index: hashlib.sha256(f"{dialogue.id}/{index}".encode()).digest())[:EACH]
    spoken = [SpokenTurn(turn.role, turn.content) for turn in dialogue.turns]
    return [ReplyInTalk(dialogue.language, spoken[:index], spoken[index].content) for index in sorted(chosen)]
