"""The profile loaders by name, and what all of them share: unique ids and a report of every repair."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, get_args

from cocoon.core.errors import CocoonError
from cocoon.core.records import Profile
from cocoon.corpora.loaders.dialogues import cactus, extes, sage
from cocoon.corpora.loaders.profiles import cocoon_paper, esc_eval, esc_judge, interactive_agents, own_jsonl
from cocoon.corpora.reading.repair import ReadProfile, Repair, RepairNote, RepairReport

Kind = Literal["esc-eval", "cocoon", "extes", "cactus", "sage", "esc-judge", "interactive-agents", "jsonl"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Loader = Callable[[Path], Iterator[ReadProfile]]
LOADERS: dict[Kind, Loader] = {
    "esc-eval": esc_eval.load_esc_eval,
    "cocoon": cocoon_paper.load_cocoon_paper,
    "extes": extes.load_extes_profiles,
    "cactus": cactus.load_cactus_profiles,
    "sage": sage.load_sage_profiles,
    "esc-judge": esc_judge.load_esc_judge,
    "interactive-agents": interactive_agents.load_interactive_agents,
    "jsonl": own_jsonl.load_own_jsonl,
}


def load_foreign_profiles(kind: str, path: Path, limit: int | None = None) -> tuple[list[Profile], RepairReport]:
    """Return the profiles of a file (the first `limit`) and the report of the repairs.

    Equal records are merged. If a second record has the same id but differs, it gets another id. Raises CocoonError for
    an unknown kind, and for the first record that cannot be read, naming the file, the record or line, and the key.
    """
    loader = next((LOADERS[known] for known in KINDS if known == kind), None)
    if loader is None:
        raise CocoonError(f"profile kind {kind!r} is not known; the kinds are {', '.join(KINDS)}")
    report = RepairReport(file=str(path), kind=kind)
    profiles: dict[str, Profile] = {}
    for where, profile, notes in loader(path):
        report.read += 1
        for note in notes:
            report.add(note)
        _add_profile(profile, where, profiles, report)
        if limit is not None and len(profiles) >= limit:
            break
    report.kept = len(profiles)
    return list(profiles.values()), report


def _add_profile(profile: Profile, where: str, profiles: dict[str, Profile], report: RepairReport) -> None:
    if profiles.get(profile.id) == profile:
        _note(report, where, profile.id, "merged", "the same as an earlier record")
        return
    unused_id = _free_id(profile.id, profiles)
    if unused_id != profile.id:
        _note(report, where, unused_id, "relabelled", f"the id {profile.id!r} is taken by an earlier, different record")
    profiles[unused_id] = profile.model_copy(update={"id": unused_id})


def _free_id(preferred: str, profiles: dict[str, Profile]) -> str:
    number, candidate = 1, preferred
    while candidate in profiles:
        number += 1
        candidate = f"{preferred}-{number}"
    return candidate


def _note(report: RepairReport, where: str, profile: str, repair: Repair, reason: str) -> None:
    report.add(RepairNote(where=where, profile=profile, key="id", repair=repair, reason=reason))
