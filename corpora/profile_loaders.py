"""The profile loaders by name, and what all of them share: unique ids and a report of every repair."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from cocoon.core.errors import CocoonError
from cocoon.core.records import Profile
from cocoon.core.text import plain_name
from cocoon.corpora.loaders.dialogues import cactus, extes, patienthub, sage
from cocoon.corpora.loaders.profiles import cocoon_paper, esc_eval, esc_judge, interactive_agents, own_jsonl
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.foreign_values import each_value
from cocoon.corpora.reading.layout import Records, opened
from cocoon.corpora.reading.read_keys import KeyLedger
from cocoon.corpora.reading.repair import ReadProfile, Repair, RepairNote, RepairReport

Kind = Literal[
    "esc-eval", "cocoon", "extes", "cactus", "sage", "esc-judge", "interactive-agents", "patienthub", "jsonl"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_KIND_OF: dict[str, Kind] = {plain_name(kind): kind for kind in KINDS}


@dataclass(frozen=True)
class ProfileLayout:
    """How profiles of one kind are read: from which records, and how one record becomes a profile."""

    read: Callable[[ForeignRecord, Draft], ReadProfile]
    records: Records = each_value


PROFILE_LAYOUTS: dict[Kind, ProfileLayout] = {
    "esc-eval": ProfileLayout(esc_eval.read_esc_eval),
    "cocoon": ProfileLayout(cocoon_paper.read_cocoon_paper),
    "extes": ProfileLayout(extes.read_extes_profile),
    "cactus": ProfileLayout(cactus.read_cactus_profile),
    "sage": ProfileLayout(sage.read_sage_profile),
    "esc-judge": ProfileLayout(esc_judge.read_esc_judge),
    "interactive-agents": ProfileLayout(interactive_agents.read_interactive_agent, interactive_agents.requests_of),
    "patienthub": ProfileLayout(patienthub.read_patienthub_character),
    "jsonl": ProfileLayout(own_jsonl.read_own_profile),
}
_CORPORA: dict[Kind, Corpus] = {
    "extes": extes.CORPUS,
    "cactus": cactus.CORPUS,
    "sage": sage.CORPUS,
    "esc-judge": esc_judge.CORPUS,
    "patienthub": patienthub.CORPUS,
}


def load_foreign_profiles(
    kind: str, path: Path, limit: int | None = None, *, skip_unreadable: bool = False
) -> tuple[list[Profile], RepairReport]:
    """Return the profiles of a file (the first `limit`) and the report of the repairs.

    Equal records are merged. If a second record has the same id but differs, it gets another id. Raises CocoonError for
    an unknown kind, and for the first record that cannot be read, naming the file, the record or line, and the key,
    or leaves it out and counts it where `skip_unreadable`.
    """
    known = _KIND_OF.get(plain_name(kind))
    if known is None:
        raise CocoonError(f"profile kind {kind!r} is not known; the kinds are {', '.join(KINDS)}")
    layout, corpus = PROFILE_LAYOUTS[known], _CORPORA.get(known, Corpus(known, "", known, "", "none"))
    report, ledger = RepairReport(file=str(path), kind=kind), KeyLedger()
    profiles: dict[str, Profile] = {}
    for number, (where, value) in enumerate(layout.records(path), 1):
        report.read += 1
        try:
            read = layout.read(*opened(value, where, number, corpus, ledger))
        except CocoonError as error:
            if not skip_unreadable:
                raise
            report.leave_out(str(error))
            continue
        for note in read.notes:
            report.add(note)
        _add_profile(read.profile, where, profiles, report)
        if limit is not None and len(profiles) >= limit:
            break
    report.kept, report.unread = len(profiles), ledger.unread
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
