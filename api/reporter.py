"""What a verb tells people while it works: where text goes, how far it is, how it ended, what to do next."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from cocoon.api.progress import TrainingWatcher, Watcher, people_stream
from cocoon.core.config import RunConfig
from cocoon.core.verb_settings import unnamed_note
from cocoon.models.by_name import Models
from cocoon.running.building.generation import Generated, reasons_line
from cocoon.running.frame import Outcome, Watch

if TYPE_CHECKING:
    from cocoon.training.adapters.card import Card


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

    def unnamed(self, config: RunConfig, *, but: str = "") -> None:
        """Say which roles fall to the embedded model because nobody named theirs. `but` is named elsewhere."""
        if note := unnamed_note(config, but=but):
            self.say(note)

    def hosts(self, models: Models) -> None:
        """Say where text will go before anything is sent."""
        self.text_goes_to(models.routes)

    def text_goes_to(self, hosts: Sequence[str]) -> None:
        """Say which hosts get text."""
        self.say(f"text goes to: {', '.join(hosts)}" if hosts else "text stays on this machine")

    def training(self) -> "AbstractContextManager[TrainingWatcher | None]":
        """Return what shows the steps of a training inside the block."""
        return nullcontext() if self._quiet else TrainingWatcher(self._stream)

    def next(self, step: str) -> None:
        """Say what to do next."""
        self.say(f"next: {step}")

    def talked(
        self, outcome: Outcome, out: Path, summary: dict[str, Any], *, judged: bool, shard: str | None = None
    ) -> None:
        """Say how a session of conversations or ratings went, and what to do next."""
        self.say(
            f"{summary['dialogues']} of {count(outcome.progress.dialogues, 'dialogue')} in {out}/dialogues.jsonl, "
            f"{summary['calls']} calls ({summary['replayed']} from the journal)"
        )
        self._failures(outcome, out)
        if outcome.stopped_by:
            self.say(f"cocoon: {outcome.stopped_by}")
        elif shard is not None:
            self.next(shard_step(shard))
        elif summary["dialogues"]:
            self.next(f"cocoon report {out}" if judged else f"cocoon judge {out} --judge SPEC")

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
            self.next(next_step)

    def trained(self, card: "Card", base: str, out: Path) -> None:
        """Say how a training went, and what to do next."""
        if card.best_loss is not None:
            before = f" (before: {card.loss_before:.4f})" if card.loss_before is not None else ""
            self.say(f"{card.steps} steps; validation loss {card.best_loss:.4f} at step {card.best_step}{before}")
            if card.loss_before is not None and card.best_loss >= card.loss_before:
                self.say("no checkpoint validates better than the base alone: this adapter has learnt nothing of use")
        self.say(f"adapter and card in {out}; losses in {out}/losses.svg")
        self.next(f"cocoon simulate --supporter '{base}+adapter={out}' ...")

    def _failures(self, outcome: Outcome, out: Path) -> None:
        if outcome.failures:
            self.say(f"{outcome.failures} failed, see {out}/failures.jsonl; the same command tries them again")


def shard_step(shard: str) -> str:
    """Return what follows a shard."""
    return f"cocoon merge SHARD ... --out RUN, when all shards are done (this was {shard})"


def say(text: str) -> None:
    """Print a line for people, on stderr."""
    Reporter().say(text)


def count(number: int, thing: str) -> str:
    """Return a number with its thing, in the plural where it is one."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
