"""A run in the form that the trace page shows: summaries for the list, and each dialogue with its ratings and calls.

Reads a run folder, finished or not, or a file of dialogues from elsewhere. Nothing is written to it.
"""

import contextlib
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record
from cocoon.core.outside.events import checked_event
from cocoon.core.records import Dialogue, Dropped, Failure, Profile, Rating, Turn
from cocoon.evaluation.facts import DialogueFacts, facts_of
from cocoon.evaluation.scales.records import Scale
from cocoon.running.folder import UNDER_WAY, TurnUnderWay
from cocoon.running.manifest import RunManifest, read_manifest
from cocoon.running.reading.calls import Calls, calls_of
from cocoon.running.reading.lines import LineIndex
from cocoon.running.reading.scales import scales_of
from cocoon.running.reading.summary import failed_summary, file_of, summary_of, summary_under_way
from cocoon.running.reading.whole import path_of, rating_of, turns_of

QUIET = 120.0
"""Seconds without a new line after which a run that was not closed counts as killed."""
State = Literal["finished", "running", "stopped"]
Summary = dict[str, Any]


class RunReader:
    """One run. Call `refresh` before reading. A summary is kept until a line of its dialogue changes."""

    def __init__(self, path: Path, scale_files: Sequence[Path] = ()) -> None:
        self.path = path
        self._folder = path.is_dir()
        if not self._folder and not path.is_file():
            raise CocoonError(f"{path} is neither a run folder nor a file of dialogues; check the path")
        run_files = [name for name in ("dialogues.jsonl", "profiles.jsonl", "manifest.json") if (path / name).exists()]
        if self._folder and not run_files:
            raise CocoonError(f"{path} has no run; give a folder that a command wrote, or a file of dialogues")
        self.of_profiles = "profiles.jsonl" in run_files and "dialogues.jsonl" not in run_files
        main = path / ("profiles.jsonl" if self.of_profiles else "dialogues.jsonl")
        self.dialogues = LineIndex(main if self._folder else path, "id")
        folder = path if self._folder else Path("/nonexistent")
        self.ratings = LineIndex(folder / "ratings.jsonl", "dialogue")
        self.failures = LineIndex(folder / "failures.jsonl", "dialogue")
        self.dropped = LineIndex(folder / "dropped.jsonl", "id")
        self.trace = LineIndex(folder / "trace.jsonl", "dialogue", checked_event)
        self.under_way = LineIndex(folder / UNDER_WAY, "id")
        self.journal = path / "journal.sqlite" if self._folder else None
        self.scales: dict[str, Scale] = scales_of([path], scale_files)
        self._summaries: dict[str, tuple[int, int, Summary]] = {}
        self._facts: dict[str, tuple[int, DialogueFacts]] = {}
        self._held: tuple[int, Dialogue] | None = None
        self.serial = 0
        """A number that grows with every new summary. `summaries(since)` gives the later ones."""

    @property
    def name(self) -> str:
        """Return the name of the run."""
        return self.path.name or self.path.absolute().name

    def refresh(self, *, trace: bool = True) -> None:
        """Read what was written since the last time.

        The list needs no `trace`, which has the most lines.
        """
        # Dialogues come last: what has left the file of those under way is then among them.
        for index in (self.under_way, self.ratings, self.failures, self.dropped, self.dialogues):
            index.refresh()
        if trace:
            self.trace.refresh()

    def names(self) -> list[str]:
        """Return the ids of the dialogues, in the order of the file."""
        return list(self.dialogues.places)

    def listed(self) -> list[str]:
        """Return the ids of the dialogues, then of those under way, those that were never finished, those dropped."""
        indices = (self.dialogues, self.under_way, self.failures, self.dropped)
        return list(dict.fromkeys(name for index in indices for name in index.places))

    def manifest(self) -> RunManifest | None:
        """Return the run's manifest, where it has one."""
        return read_manifest(self.path) if self._folder else None

    def state(self) -> State:
        """Return whether the run is finished, still running, or stopped without an end."""
        manifest = self.manifest()
        if manifest is None or not manifest.sessions or manifest.sessions[-1].ended is not None:
            return "finished"
        files = [index.path for index in (self.dialogues, self.under_way, self.ratings, self.trace)]
        last = max((path.stat().st_mtime for path in files if path.exists()), default=manifest.sessions[-1].started)
        return "running" if time.time() - max(last, manifest.sessions[-1].started) < QUIET else "stopped"

    def _mark(self, name: str) -> int:
        marks = [index.mark(name) for index in (self.dialogues, self.ratings, self.failures, self.dropped)]
        marks.append(self.under_way.mark(name) if name not in self.dialogues.places else frozenset())
        return zlib.crc32(repr([sorted(mark) for mark in marks]).encode())

    def advance(self, seconds: float | None = None) -> int:
        """Summarise what is new or changed, for about `seconds`, and return how many dialogues are still to be read."""
        until = None if seconds is None else time.monotonic() + seconds
        names = self.listed()
        for done, name in enumerate(names, 1):
            if name in self._summaries and self._summaries[name][0] == self._mark(name):
                continue
            self.summary(name)
            if until is not None and time.monotonic() > until:
                return len(names) - done
        return 0

    def summary(self, name: str) -> Summary:
        """Return what the list shows about a dialogue."""
        mark = self._mark(name)
        if name not in self._summaries or self._summaries[name][0] != mark:
            self.serial += 1
            base = {"id": name, "file": file_of(name), "mark": mark, "failures": self._failures(name)}
            self._summaries[name] = (mark, self.serial, base | self._summarise(name))
        return self._summaries[name][2]

    def _summarise(self, name: str) -> Summary:
        if name not in self.dialogues.places:
            begun = self._begun_dialogue(name)
            return failed_summary(name) if begun is None else summary_under_way(begun)
        return summary_of(self.dialogue(name), self.facts(name), self.ratings_of(name))

    def summaries(self, since: int = 0) -> list[Summary]:
        """Return the summaries written after `since`, in the order of the run."""
        entries = (self._summaries.get(name) for name in self.listed())
        return [entry[2] for entry in entries if entry is not None and entry[1] > since]

    def dialogue(self, name: str) -> Dialogue:
        """Return one dialogue. A profile becomes a dialogue without turns.

        Raises CocoonError for an unknown id.
        """
        mark = hash((name, self.dialogues.mark(name)))
        if self._held is None or self._held[0] != mark:
            lines = list(self.dialogues.of(name))
            if not lines:
                raise CocoonError(f"{self.path}: has no dialogue {name!r}")
            self._held = (mark, self._parsed(lines[-1], f"{self.dialogues.path}: {name!r}"))
        return self._held[1]

    def _parsed(self, line: Any, where: str) -> Dialogue:
        if not self.of_profiles:
            return parse_record(line, Dialogue, where)
        profile = parse_record(line, Profile, where)
        return Dialogue(id=profile.id, profile=profile, supporter="", language=profile.language, turns=[])

    def ratings_of(self, name: str) -> list[Rating]:
        """Return the ratings of a dialogue, each once."""
        ratings = [parse_record(line, Rating, f"{self.ratings.path}: {name!r}") for line in self.ratings.of(name)]
        by_key = {(rating.scale, rating.judge, rating.vote, rating.prompt_sha): rating for rating in ratings}
        return list(by_key.values())

    def facts(self, name: str) -> DialogueFacts:
        """Return what charts need of a dialogue."""
        mark = hash(self.dialogues.mark(name))
        if name not in self._facts or self._facts[name][0] != mark:
            self._facts[name] = (mark, facts_of(self.dialogue(name)))
        return self._facts[name][1]

    def _failures(self, name: str) -> list[str]:
        failed = [parse_record(line, Failure, str(self.failures.path)) for line in self.failures.of(name)]
        put_aside = [parse_record(line, Dropped, str(self.dropped.path)) for line in self.dropped.of(name)]
        dropped = [f"{record.node}: {record.reason}: {record.detail}" for record in put_aside]
        return [*(f"{failure.node}: {failure.reason}: {failure.message}" for failure in failed), *dropped]

    def _begun_dialogue(self, name: str) -> Dialogue | None:
        """Return a dialogue under way as far as it has come. Begun anew, it counts from there."""
        begun: Dialogue | None = None
        where = f"{self.under_way.path}: {name!r}"
        # The file goes when the run comes to its end, which may be now.
        with contextlib.suppress(FileNotFoundError):
            for line in self.under_way.of(name):
                if "turn" not in line:
                    begun = parse_record(line, Dialogue, where)
                elif begun is not None:
                    begun.turns.append(parse_record(line, TurnUnderWay, where).turn)
        return begun

    def words(self, name: str) -> str:
        """Return everything that was said in a dialogue, for a search."""
        dialogue = self.dialogue(name) if name in self.dialogues.places else self._begun_dialogue(name)
        return "\n".join(turn.content for turn in dialogue.turns) if dialogue else ""

    def _dropped_dialogue(self, name: str) -> Dialogue | None:
        """Return a dropped dialogue, as far as its lines form a dialogue."""
        for line in self.dropped.of(name):
            with contextlib.suppress(KeyError, TypeError, ValidationError):
                profile = Profile.model_validate(line["content"]["profile"])
                turns = [Turn.model_validate(turn) for turn in line["content"]["turns"]]
                return Dialogue(id=name, profile=profile, supporter="", language=profile.language, turns=turns)
        return None

    def calls(self, name: str) -> Calls:
        """Return the prompts and replies of a dialogue's calls."""
        return calls_of(self.journal, name)

    def whole(self, name: str, calls: Calls) -> dict[str, Any]:
        """Return one dialogue with everything but the texts of its calls.

        `calls` gives the reasons that judges wrote.
        """
        common = {"id": name, "failures": self._failures(name), "path": path_of(self.trace.of(name))}
        if name in self.dialogues.places:
            dialogue = self.dialogue(name)
        else:
            dialogue = self._begun_dialogue(name) or self._dropped_dialogue(name)
        if dialogue is None:
            return {**common, "turns": [], "ratings": [], "profile": None}
        ratings = self.ratings_of(name)
        return {
            **dialogue.model_dump(mode="json", exclude={"turns"}),
            "turns": turns_of(dialogue, ratings),
            "ratings": [
                rating_of(rating, self.scales.get(rating.scale), dialogue.language, calls) for rating in ratings
            ],
            **common,
        }
