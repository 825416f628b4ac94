"""The profile loaders by name, and what holds for all of them: ids differ, and every repair is told."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, get_args

from cocoon.core.errors import CocoonError
from cocoon.core.records import Profile
from cocoon.corpora import cactus, cocoon_paper, esc_eval, esc_judge, extes, interactive_agents, own_jsonl, sage
from cocoon.corpora.repair import Repair, RepairNote, RepairReport

Kind = Literal["esc-eval", "cocoon", "extes", "cactus", "sage", "esc-judge", "interactive-agents", "jsonl"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Loader = Callable[[Path], Iterator[tuple[str, Profile, list[RepairNote]]]]
LOADERS: dict[Kind, Loader] = {
    "esc-eval": esc_eval.load,
    "cocoon": cocoon_paper.load,
    "extes": extes.load_profiles,
    "cactus": cactus.load_profiles,
    "sage": sage.load_profiles,
    "esc-judge": esc_judge.load,
    "interactive-agents": interactive_agents.load,
    "jsonl": own_jsonl.load,
}


def load_profiles(kind: str, path: Path, limit: int | None = None) -> tuple[list[Profile], RepairReport]:
    """The profiles of a file (the first `limit`) and the report of what had to be mended.

    Equal records are merged; a second record of one id gets another id. Raises CocoonError for an unknown kind, and
    for the first record that cannot be read, with file, record or line, and key.
    """
    loader = next((LOADERS[known] for known in KINDS if known == kind), None)
    if loader is None:
        raise CocoonError(f"profile kind {kind!r} is not known; there are {', '.join(KINDS)}")
    report = RepairReport(file=str(path), kind=kind)
    kept: dict[str, Profile] = {}
    for where, profile, notes in loader(path):
        report.read += 1
        for note in notes:
            report.add(note)
        _keep(profile, where, kept, report)
        if limit is not None and len(kept) >= limit:
            break
    report.kept = len(kept)
    return list(kept.values()), report


def _keep(profile: Profile, where: str, kept: dict[str, Profile], report: RepairReport) -> None:
    if kept.get(profile.id) == profile:
        _note(report, where, profile.id, "merged", "the same as an earlier record")
        return
    free = _free_id(profile.id, kept)
    if free != profile.id:
        _note(report, where, free, "relabelled", f"the id {profile.id!r} is taken by an earlier, different record")
    kept[free] = profile.model_copy(update={"id": free})


def _free_id(wanted: str, kept: dict[str, Profile]) -> str:
    number, free = 1, wanted
    while free in kept:
        number += 1
        free = f"{wanted}-{number}"
    return free


def _note(report: RepairReport, where: str, profile: str, repair: Repair, reason: str) -> None:
    report.add(RepairNote(where=where, profile=profile, key="id", repair=repair, reason=reason))
