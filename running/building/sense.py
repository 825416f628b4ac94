"""What `cocoon profiles judge` makes: profiles with a judge's levels in them, those without sense dropped.

With planted faults the judge itself is measured: every profile is read again with the last wish of another person, and
with memories of another person. These copies are never kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from langgraph.graph.state import CompiledStateGraph

from cocoon.agents.judges.sense import SENSE_PROMPT, SenseJudge
from cocoon.agents.writers.asking import Asker
from cocoon.core.errors import CocoonError
from cocoon.core.prompts import prompt_shas
from cocoon.core.records import Dropped, Profile
from cocoon.evaluation.sense import SENSELESS, in_words, sense_notes, sense_problem
from cocoon.evaluation.statistics.estimates import wilson
from cocoon.graphs.sense import SenseContext, build_sense
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller, Settings
from cocoon.running.building.config import ProfileJudgeConfig
from cocoon.running.building.generation import Generator, Item

PLANTED = "planted"
Fault = Literal["wish", "memories"]
FAULTS: tuple[Fault, ...] = get_args(Fault)


@dataclass
class ProfileReader(Generator):
    """Has a judge read profiles for sense."""

    config: ProfileJudgeConfig
    models: Models
    profiles: Sequence[Profile]
    late = SENSELESS | {PLANTED}

    def items(self) -> list[Item]:
        """One item a profile, and one for each planted fault where they are wanted."""
        copies = self._planted() if self.config.planted else ()
        return [
            Item(profile.id, {"item": profile.id, "profile": profile.model_dump(mode="json")})
            for profile in (*self.profiles, *copies)
        ]

    def _planted(self) -> Iterator[Profile]:
        for profile in self.profiles:
            others = [other for other in self.profiles if other.language == profile.language]
            other = others[(others.index(profile) + 1) % len(others)]
            if other is profile:
                raise CocoonError(
                    f"a fault of profile {profile.id!r} is taken from another person, and there is none in language "
                    f"{profile.language!r}; leave out --planted, or read more profiles"
                )
            for fault in FAULTS:
                yield with_fault(profile, other, fault)

    def graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """Return the graph of one reading."""
        return build_sense()

    def context(self, caller: Caller) -> SenseContext:
        """Return the judge."""
        judge, folder = self.config.judge, self.config.prompt_folder
        asker = Asker(self.models.open(judge.model), Settings.of(judge), folder, judge.floor)
        return SenseContext(caller, SenseJudge(asker))

    def dropped(self, item: Item, state: Mapping[str, Any]) -> Dropped:
        """Return why a profile was not read, with the profile."""
        return Dropped(id=item.id, stage=self.stage, content=item.given, **state["drop"])

    def sieve(self, records: Sequence[Profile], folder: Path) -> dict[str, tuple[str, str]]:
        """Return the profiles that make too little sense, and all planted copies with what the judge made of them."""
        del folder
        problems = {record.id: self._problem(record) for record in records}
        planted = {record.id for record in records if fault_of(record)}
        dropped = {name: problem for name, problem in problems.items() if problem and name not in planted}
        return dropped | {name: (PLANTED, (problems[name] or ("", "not found"))[1]) for name in planted}

    def _problem(self, profile: Profile) -> tuple[str, str] | None:
        return sense_problem(profile, self.config.least_plausible, self.config.least_relevance)

    def notes(self, records: Sequence[Profile]) -> list[str]:
        """Return the judge's figures, and how many planted faults it found."""
        originals = [record for record in records if not fault_of(record)]
        notes = sense_notes(originals, self.config.judge.model)
        for fault in FAULTS:
            copies = [record for record in records if fault_of(record) == fault]
            if copies:
                missing = len(self.profiles) - len(copies)
                hits = wilson(sum(self._problem(copy) is not None for copy in copies), len(copies), missing)
                notes.append(f"Found of planted {fault} of another person: {in_words(hits, 'copies')}")
        if self.config.planted and originals:
            alarms = wilson(sum(self._problem(profile) is not None for profile in originals), len(originals))
            notes.append(f"Dropped of the profiles as they are: {in_words(alarms, 'profiles')}")
        return notes

    def shas(self) -> dict[str, str]:
        """Return the hashes of the prompts."""
        return prompt_shas([SENSE_PROMPT, "judge/repair"], self.config.prompt_folder)

    def roles(self) -> dict[str, list[str]]:
        """Return the judge."""
        return {"judge": [self.config.judge.model]}


def with_fault(profile: Profile, other: Profile, fault: Fault) -> Profile:
    """Return a copy with the last wish, or with the later half of the memories, of another person."""
    changes: dict[str, Any]
    if fault == "wish":
        last = profile.chain[-1].model_copy(update={"need": other.chain[-1].need})
        # The memories quote the need, which would give the fault away.
        memories = [
            memory.model_copy(update={"text": memory.text.replace(profile.chain[-1].need, last.need)})
            for memory in profile.memory
        ]
        changes = {"need": last.need, "chain": [*profile.chain[:-1], last], "memory": memories}
    else:
        half = len(profile.memory) // 2
        strange = [memory.model_copy(update={"chain_node": None}) for memory in other.memory[half:]]
        changes = {"memory": [*profile.memory[:half], *strange]}
    return profile.model_copy(update={"id": f"{profile.id}.{PLANTED}-{fault}", **changes})


def fault_of(profile: Profile) -> Fault | None:
    """Return the fault that was planted into a copy, or None for a profile as it is."""
    return next((fault for fault in FAULTS if profile.id.endswith(f".{PLANTED}-{fault}")), None)
