"""Run folders and sides that the tests of comparisons share."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cocoon.core.jsonl import dump_line
from cocoon.core.records import ChainStep, Dialogue, Profile, Rating, Turn, Verdict
from cocoon.evaluation.comparison.sides import Side, name_sides, sides_of
from cocoon.evaluation.scales.scoring import load_scale, score
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER

HASHES = {"en": "eee", "zh": "zzz"}


def person(name: str, language: Any = "en", need: str | None = "N", **changes: Any) -> Profile:
    """A profile; all of one id have the same feeling."""
    chain = [ChainStep(need=need)] if need else []
    return Profile(id=name, language=language, feeling=f"feeling of {name}", need=need, chain=chain, **changes)


def talk(profile: Profile, supporter: str, sample: int = 0) -> Dialogue:
    return Dialogue(
        id=f"{supporter}/{profile.language}/{profile.id}/{sample}",
        profile=profile,
        supporter=supporter,
        sample=sample,
        language=profile.language,
        turns=[Turn(role="supporter", content="hello")],
    )


def head(dialogue: Dialogue, scale: str, **changes: Any) -> dict[str, Any]:
    base = {
        "dialogue": dialogue.id,
        "profile": dialogue.profile.id,
        "supporter": dialogue.supporter,
        "sample": dialogue.sample,
        "scale": scale,
        "judge": "gpt-x",
        "prompt_id": "judge/scale" if scale == "comfort" else f"judge/{scale}",
        "prompt_sha": HASHES[dialogue.language] + (".aaa" if scale == "comfort" else ""),
    }
    return base | changes


def comforted(dialogue: Dialogue, value: int | None, **changes: Any) -> Rating:
    """A comfort rating with one value in every item, so that Aff is the value; none is a rating of nothing."""
    scale = load_scale("comfort")
    items: dict[str, int | None] = dict.fromkeys(scale.item_ids, value)
    return Rating(items=items, dimensions=score(scale, items), **head(dialogue, "comfort", **changes))


def judged(dialogue: Dialogue, named: bool | None, mode: str = PAPER, **changes: Any) -> Rating:
    missing = None if named is not None else "unreadable"
    return Rating(verdict=Verdict(success=named, missing=missing), **head(dialogue, mode, **changes))


Told = Mapping[str, Sequence[bool | int | None]]
"""Profile -> one value a dialogue: a boolean is a verdict of the paper mode, a number a comfort rating."""


def run_of(supporter: str, told: Told, language: str = "en", **changes: Any) -> tuple[list[Dialogue], list[Rating]]:
    """The dialogues and ratings of a supporter; none is a dialogue that nobody rated."""
    dialogues: list[Dialogue] = []
    ratings: list[Rating] = []
    for name, values in told.items():
        for sample, value in enumerate(values):
            dialogues.append(talk(person(name, language), supporter, sample))
            if isinstance(value, bool):
                ratings += [judged(dialogues[-1], value, mode, **changes) for mode in (PAPER, ATTRIBUTED)]
            elif value is not None:
                ratings.append(comforted(dialogues[-1], value, **changes))
    return dialogues, ratings


def sides(*given: tuple[str, Told], **changes: Any) -> list[Side]:
    """Sides of one run each."""
    made = [side for name, told in given for side in sides_of(f"runs/{name}", *run_of(name, told, **changes))]
    name_sides(made)
    return made


def write_run(folder: Path, dialogues: Iterable[Dialogue], ratings: Iterable[Rating]) -> Path:
    folder.mkdir(parents=True)
    (folder / "dialogues.jsonl").write_bytes(b"".join(map(dump_line, dialogues)))
    (folder / "ratings.jsonl").write_bytes(b"".join(map(dump_line, ratings)))
    return folder
