"""The people that simulated users are held against: measured once from a corpus, kept in the run as figures."""

import random
from dataclasses import dataclass
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, read_records, write_whole
from cocoon.core.records import Dialogue, Language
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.evaluation.fidelity.likeness.distances import MeasuredTalk, likeness_by_supporter
from cocoon.evaluation.fidelity.likeness.measures import measure_talk, talk_of
from cocoon.evaluation.fidelity.likeness.records import Likeness, PeopleFigures, Reference
from cocoon.evaluation.statistics.estimates import SEED
from cocoon.running.folder import REFERENCE, read_run

MOST_TALKS = 2_000
"""Of a larger corpus so many talks are drawn, each as likely as any other."""
_DIGITS = 5


@dataclass(frozen=True)
class HeldAgainst:
    """A run's users beside people: one likeness for each supporter and language.

    `uncompared` are languages of the run in which the corpus has no talk.
    """

    reference: Reference
    likenesses: list[Likeness]
    uncompared: list[Language]


def measure_people(corpus: str, file: Path) -> Reference:
    """Return the figures of the people in a corpus, which may be a function of the user's own (`python:FILE.py:NAME`).

    Raises CocoonError for a corpus without a talk, and for everything that `read_corpus` does not accept.
    """
    rng = random.Random(SEED)
    drawn: dict[Language, list[Dialogue]] = {}
    seen: dict[Language, int] = {}
    reading = read_corpus(corpus, file)
    for dialogue in reading.dialogues:
        if {turn.role for turn in dialogue.turns} != {"user", "supporter"}:
            continue
        number = seen[dialogue.language] = seen.get(dialogue.language, 0) + 1
        pool = drawn.setdefault(dialogue.language, [])
        if number <= MOST_TALKS:
            pool.append(dialogue)
        elif (index := rng.randrange(number)) < MOST_TALKS:
            pool[index] = dialogue
    if not drawn:
        raise CocoonError(f"{file}: has no talk of a user and a supporter, so nobody to be held against")
    sources = {dialogue.source for pool in drawn.values() for dialogue in pool} - {"own"}
    return Reference(
        corpus=corpus,
        source=sources.pop() if len(sources) == 1 else file.name,
        file=file.name,
        reading=reading.report.summary().removeprefix(f"{file}: "),
        figures={language: _figures(pool, seen[language]) for language, pool in drawn.items()},
    )


def _figures(dialogues: list[Dialogue], talks: int) -> PeopleFigures:
    measured = [measure_talk(talk_of(dialogue.turns, dialogue.language)) for dialogue in dialogues]
    columns = {name: [_rounded(values[name]) for values in measured] for name in measured[0]}
    return PeopleFigures(talks=talks, values=columns)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def keep_reference(run: Path, reference: Reference) -> None:
    """Keep the figures in a run folder, where the ordinary report finds them. The last ones given hold."""
    write_whole(run / REFERENCE, [dump_line(reference)])


def read_reference(run: Path) -> Reference | None:
    """Return the figures that a run is held against, None where no corpus was given.

    Raises CocoonError for a file that cannot be read.
    """
    if not (run / REFERENCE).exists():
        return None
    kept = next(read_records(run / REFERENCE, Reference), None)
    if kept is None:
        raise CocoonError(
            f"{run / REFERENCE}: is empty; remove it, or give the corpus again (cocoon fidelity --against)"
        )
    return kept


def hold_against(run: Path, reference: Reference) -> HeldAgainst:
    """Return the users of a run's dialogues beside people."""
    talks: list[MeasuredTalk] = []
    uncompared: set[Language] = set()
    for dialogue in read_run(run, "dialogues.jsonl", Dialogue):
        if dialogue.language in reference.figures:
            values = measure_talk(talk_of(dialogue.turns, dialogue.language))
            talks.append(MeasuredTalk(dialogue.profile.id, dialogue.supporter, dialogue.language, values))
        else:
            uncompared.add(dialogue.language)
    return HeldAgainst(reference, likeness_by_supporter(talks, reference.figures), sorted(uncompared))


def uncompared_warnings(against: HeldAgainst) -> list[str]:
    """Return a warning for each language of the run in which the corpus has no talk."""
    return [
        f"The users who speak {language} are held against nobody: {against.reference.source} has no talk in {language}."
        for language in against.uncompared
    ]


def reference_facts(against: HeldAgainst) -> list[tuple[str, str]]:
    """Return the line of a report's facts that says whom the users were held against."""
    return [("Users held against", against.reference.one_line())]
