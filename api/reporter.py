"""What a verb tells people while it works: where text goes, how far it is, how it ended, what to do next."""

from pathlib import Path
from typing import Any, TextIO

from cocoon.api.progress import Watcher, people_stream
from cocoon.models.by_name import Models
from cocoon.running.building.generation import Generated, reasons_line
from cocoon.running.frame import Outcome, Watch


class Reporter:
    """Prints for people on `stream`, or on stderr (a notebook: stdout). `quiet` prints nothing."""

    def __init__(self, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet

    @classmethod
    def of(cls, progress: "bool | Reporter") -> "Reporter":
        """Return a reporter for the argument `progress` of a verb."""
        return progress if isinstance(progress, Reporter) else cls(quiet=not progress)

    def say(self, text: str) -> None:
        """Print a line."""
        if not self._quiet:
            print(text, file=self._stream or people_stream(), flush=True)

    def watch(self) -> Watch | None:
        """Return what shows the progress of a session."""
        return None if self._quiet else Watcher(self._stream)

    def hosts(self, models: Models) -> None:
        """Say where text will go before anything is sent."""
        self.say(f"text goes to: {', '.join(models.hosts)}" if models.hosts else "text stays on this machine")

    def talked(self, outcome: Outcome, out: Path, summary: dict[str, Any], *, judged: bool) -> None:
        """Say how a session of conversations or ratings went, and what to do next."""
        self.say(
            f"{summary['dialogues']} of {count(outcome.progress.dialogues, 'dialogue')} in {out}/dialogues.jsonl, "
            f"{summary['calls']} calls ({summary['replayed']} from the journal)"
        )
        self._failures(outcome, out)
        if outcome.stopped_by:
            self.say(f"cocoon: {outcome.stopped_by}")
        else:
            self.say(f"next: cocoon report {out}" if judged else f"next: cocoon judge {out} --judge SPEC")

    def built(self, outcome: Generated, out: Path, kept: str, next_step: str) -> None:
        """Say how a session of building went: what was kept, why the rest was not, and what to do next."""
        progress = outcome.progress
        self.say(
            f"{outcome.kept} of {progress.dialogues} in {out}/{kept}, "
            f"{progress.calls} calls ({progress.replayed} from the journal)"
        )
        for note in outcome.notes:
            self.say(note)
        if dropped := sum(outcome.reasons.values()):
            self.say(f"{dropped} dropped, see {out}/dropped.jsonl: {reasons_line(outcome.reasons)}")
        self._failures(outcome, out)
        if outcome.stopped_by:
            self.say(f"cocoon: {outcome.stopped_by}")
        elif outcome.kept:
            self.say(f"next: {next_step}")

    def _failures(self, outcome: Outcome, out: Path) -> None:
        if outcome.failures:
            self.say(f"{outcome.failures} failed, see {out}/failures.jsonl; the same command tries them again")


def say(text: str) -> None:
    """Print a line for people, on stderr."""
    Reporter().say(text)


def count(number: int, thing: str) -> str:
    """Return a number with its thing, in the plural where it is one."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
