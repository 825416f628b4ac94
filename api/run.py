"""A run folder in Python: its dialogues, ratings and failures, its tables, and the report."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Failure, Language, Rating
from cocoon.models.ledger import Ledger
from cocoon.reports.tables.records import Report, Table, cell_fields
from cocoon.running.folder import existing_run, read_config, read_run
from cocoon.running.frame import Outcome
from cocoon.running.manifest import RunManifest, read_manifest

if TYPE_CHECKING:
    import pandas

    from cocoon.api.dialogue_page import DialoguePage


class Run:
    """A run folder. `run[0]` is its first dialogue, and `run.show(0)` shows it in a notebook.

    A run that stands alone in a cell shows itself as its main table.

    Open one that is there with `cocoon.Run("runs/first")`. `outcome` is how the last session of this process went.
    """

    def __init__(
        self,
        path: str | Path,
        outcome: Outcome | None = None,
        ledger: Ledger | None = None,
        config: StudyConfig | None = None,
    ) -> None:
        self.path = Path(path)
        self.outcome = outcome
        self._ledger = ledger
        self._config = config
        if outcome is None:
            existing_run(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, {len(self)} dialogues, {len(self.ratings)} ratings)"

    def __len__(self) -> int:
        return len(self.dialogues)

    def __getitem__(self, index: int | str) -> Dialogue:
        """Return a dialogue by its position or its id."""
        if isinstance(index, int):
            return self.dialogues[index]
        for dialogue in self.dialogues:
            if dialogue.id == index:
                return dialogue
        raise KeyError(index)

    def __iter__(self) -> Iterator[Dialogue]:
        return iter(self.dialogues)

    @cached_property
    def dialogues(self) -> list[Dialogue]:
        """The dialogues, in the run's order."""
        return list(read_run(self.path, "dialogues.jsonl", Dialogue))

    @cached_property
    def ratings(self) -> list[Rating]:
        """The ratings, in the run's order."""
        return list(read_run(self.path, "ratings.jsonl", Rating))

    @cached_property
    def failures(self) -> list[Failure]:
        """What could not be made, with the reasons."""
        return list(read_run(self.path, "failures.jsonl", Failure))

    @property
    def manifest(self) -> RunManifest | None:
        """What exactly the run was made with, None for a folder without a manifest."""
        return read_manifest(self.path)

    @property
    def config(self) -> StudyConfig | None:
        """The settings of the run, None for a folder that was only judged."""
        return self._config or read_config(self.path)

    @property
    def stopped_by(self) -> CocoonError | None:
        """What ended the last session of this process early, None where it came to its end."""
        return self.outcome.stopped_by if self.outcome else None

    def refresh(self) -> "Run":
        """Read the files anew, after another process has worked on them."""
        for name in ("dialogues", "ratings", "failures"):
            self.__dict__.pop(name, None)
        return self

    def summary(self) -> dict[str, Any]:
        """Return how the last session went: dialogues, failures, calls, tokens, cost, what stopped it."""
        outcome, ledger = self.outcome, self._ledger
        if outcome is None or ledger is None:
            return {"out": str(self.path), "dialogues": len(self), "failed": len(self.failures)}
        progress = outcome.progress
        return {
            "out": str(self.path),
            "dialogues": progress.done + progress.resumed,
            "failed": outcome.failures,
            "calls": progress.calls,
            "replayed": progress.replayed,
            "tokens_in": ledger.tokens_in,
            "tokens_cached": ledger.tokens_cached,
            "tokens_out": ledger.tokens_out,
            "cost": None if ledger.cost is None else round(ledger.cost, 4),
            "stopped": str(outcome.stopped_by) if outcome.stopped_by else None,
        }

    def judge(self, judge: object = None, scales: str | Sequence[str] | None = None, **settings: Any) -> "Run":
        """Rate the dialogues and return the run. See `cocoon.judge`."""
        from cocoon.api.simulation import judge as rate

        rated = rate(self.path, judge, scales, **settings)
        self.outcome = rated.outcome
        return self.refresh()

    async def judge_async(
        self, judge: object = None, scales: str | Sequence[str] | None = None, **settings: Any
    ) -> "Run":
        """Rate the dialogues and return the run. See `cocoon.judge_async`."""
        from cocoon.api.simulation import judge_async

        rated = await judge_async(self.path, judge, scales, **settings)
        self.outcome = rated.outcome
        return self.refresh()

    def rated_by_people(
        self,
        files: Sequence[str | Path],
        names: Mapping[str, str] | None = None,
        scale_files: Sequence[str | Path] = (),
    ) -> int:
        """Take ratings that people gave elsewhere, and return how many are new. See `cocoon.human.imported`."""
        from cocoon.human.imported import import_ratings

        return import_ratings(self.path, list(map(Path, files)), names, list(map(Path, scale_files)))

    def report(self, language: Language = "en", scale_files: Sequence[str | Path] = ()) -> "WrittenReport":
        """Write report.html, report.md, trace/, tables/ and figures/ into the folder, and return the report."""
        from cocoon.api.reporting import report

        return WrittenReport(self.path, report(self.path, scale_files=scale_files, language=language))

    def table(self, name: str = "main") -> "pandas.DataFrame":
        """Return a table of the report as a data frame: a row for each supporter, judge and measure.

        Columns are the table's keys, `measure`, `value`, `low`, `high` (of the interval), `n`, `missing` and `remark`.
        """
        from cocoon.api.reporting import build_run_report

        tables = {table.id: table for table in build_run_report(self.path).tables}
        if name not in tables:
            raise CocoonError(f"{self.path} has no table {name!r}. It has {', '.join(tables)}.")
        return frame_of(tidy_rows(tables[name]))

    def frame(self, name: str = "dialogues") -> "pandas.DataFrame":
        """Return a tidy table of the run: dialogues, turns, ratings, items, calls or failures, a row each."""
        from cocoon.api.reporting import tidy_table

        return frame_of(tidy_table(self.path, name))

    def show(self, index: int | str = 0, *, language: Language = "en", height: int = 760) -> "DialoguePage":
        """Return a dialogue, by its position or its id, as a page that a notebook shows in `height` pixels.

        It has the hidden user, the words with the judge's evidence, and the supporter's thoughts, side by side.
        """
        from cocoon.api.dialogue_page import DialoguePage
        from cocoon.running.reading.reader import RunReader
        from cocoon.viewer.single import dialogue_page

        name = self[index].id
        return DialoguePage(name, dialogue_page(RunReader(self.path), name, language), height)

    def _repr_html_(self) -> str:
        from cocoon.api.reporting import build_run_report
        from cocoon.reports.formats.html_page import render_html

        report = build_run_report(self.path)
        main = [table for table in report.tables if table.id == "main"]
        return render_html(Report(title=report.title, warnings=report.warnings, tables=main))


class WrittenReport:
    """A report with the folder that it was written into. `open()` shows report.html in the browser."""

    def __init__(self, path: Path, report: Report) -> None:
        self.path = path
        self.report = report

    def __repr__(self) -> str:
        return f"WrittenReport({str(self.path / 'report.html')!r})"

    def open(self) -> None:
        """Open report.html in the browser."""
        import webbrowser

        webbrowser.open((self.path / "report.html").resolve().as_uri())


def tidy_rows(table: Table) -> list[dict[str, Any]]:
    """Return a table with a row for every cell: its keys, `measure`, value, low, high, n, missing, remark."""
    return [
        dict(zip(table.keys, row.labels, strict=True)) | {"measure": measure} | cell_fields(row.cells.get(measure))
        for row in table.rows
        for measure in table.measures
    ]


def frame_of(rows: Sequence[dict[str, Any]]) -> "pandas.DataFrame":
    """Return rows as a data frame. Raises CocoonError where pandas is not installed."""
    try:
        import pandas
    except ImportError:
        raise CocoonError(
            "A data frame needs pandas, which is not installed: pip install pandas. "
            "Without it, `cocoon export RUN --to tables` writes the same rows as CSV."
        ) from None
    return pandas.DataFrame(list(rows))
