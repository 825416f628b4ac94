"""A dialogue on the terminal: both speakers in colour, the supporter's thoughts, trust as it moves, the evidence."""

import asyncio
import time
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from cocoon.agents.users.trust import PRESETS
from cocoon.api.progress import LIVE_EVERY, Watcher
from cocoon.api.reporter import Reporter
from cocoon.cli.terminal.terminal_text import printable
from cocoon.core.records import Profile, Rating, Role, Turn, UserState
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.models.by_name import Models
from cocoon.reports.tables.records import Cell, Table, cell_lines
from cocoon.running.frame import Watch
from cocoon.running.work import Progress

COLOURS: dict[Role, str] = {"supporter": "cyan", "user": "magenta"}
_HEAD, _LABEL = 10, 9
_MOST = round(max(preset.need_at for preset in PRESETS.values()))
"""Points of trust in the bar: what the hardest user asks for."""
_HOW = {
    "after_reflection": "after a statement of the supporter",
    "after_question": "after a question of the supporter",
    "volunteered": "on their own",
    "leaked": "before it could be known",
}


class DialogueScreen(Reporter):
    """Shows the first dialogue that speaks, turn by turn, and keeps the others for the page.

    `pause` is the time in seconds between two turns of a dialogue that is played from a file.
    """

    def __init__(self, console: Console, pause: float = 0.0) -> None:
        super().__init__()
        self.console = console
        self.dialogue = ""
        self._pause = pause
        self._trust: float | None = None

    def say(self, text: str) -> None:
        """Print a line for people."""
        self._line(Text(text, style="dim"))

    def next(self, step: str) -> None:
        """Say nothing, as the demonstration says itself what comes next."""

    def watch(self) -> Watch:
        """Return what shows how far the session is, below the dialogue."""
        return self._watch if self.console.is_terminal else Watcher()

    async def _watch(self, progress: Progress, models: Models) -> None:
        line = Watcher().line
        with self.console.status("") as status:
            while True:
                status.update(line(progress, models))
                await asyncio.sleep(LIVE_EVERY)

    def spoken(self, dialogue: str, profile: Profile, turn: Turn) -> None:
        """Show a turn of the dialogue that is followed."""
        if not self.dialogue:
            self.dialogue = dialogue
            self._introduce(dialogue, profile)
        if dialogue == self.dialogue:
            self._show(turn, profile)

    def ended(self, dialogue: str) -> None:
        """Say that the words are over."""
        if dialogue == self.dialogue:
            self._line(Text("The talk is over. Judges read it now.", style="dim"))

    def evidence(self, ratings: Sequence[Rating]) -> None:
        """Show what each judge found about the dialogue that was followed, with the words that it goes by."""
        self.console.print()
        judged = [rating for rating in ratings if rating.dialogue == self.dialogue]
        for rating in sorted(judged, key=lambda rating: (rating.verdict is None, rating.scale, rating.judge)):
            finding = _verdict_words(rating) if rating.verdict is not None else _score_words(rating)
            self._line(Text.assemble((f"{rating.judge}, {rating.scale}: ", "bold"), finding))
        self.console.print()

    def table(self, table: Table, measures: Sequence[str]) -> None:
        """Show some measures of a report's table. Keys that are the same in all rows stand in the title."""
        shared = [number for number in range(len(table.keys)) if len({row.labels[number] for row in table.rows}) == 1]
        told = ", ".join(table.rows[0].labels[number] for number in shared) if table.rows else ""
        self._line(Text(f"{table.title} ({told})" if told else table.title, style="bold"))
        grid = Grid(box=SIMPLE_HEAD, pad_edge=False)
        for number, key in enumerate(table.keys):
            if number not in shared:
                grid.add_column(key, min_width=_LABEL, max_width=_LABEL, overflow="fold")
        for measure in measures:
            grid.add_column(measure, justify="right", no_wrap=True)
        for row in table.rows:
            labels = [label for number, label in enumerate(row.labels) if number not in shared]
            cells = [_cell(row.cells.get(measure), table.digits.get(measure, 2)) for measure in measures]
            grid.add_row(*map(Text, labels), *cells)
        self.console.print(grid)
        self.console.print(Text(table.note, style="dim"))

    def _introduce(self, dialogue: str, profile: Profile) -> None:
        self.console.rule(Text(dialogue))
        self._line(Text.assemble(("What the user feels: ", "bold"), profile.feeling))
        hidden = " → ".join(step.need for step in profile.chain)
        self._line(Text.assemble(("Hidden from the supporter: ", "bold"), (hidden, "italic")))
        self.console.print()

    def _show(self, turn: Turn, profile: Profile) -> None:
        time.sleep(self._pause)
        if turn.thought is not None and (turn.thought.analysis or turn.thought.strategy):
            thought = Text(printable(f"{turn.thought.analysis} {turn.thought.strategy}".strip()), style="dim italic")
            self._row(Text("(thinks)", style="dim"), thought)
        self._row(Text(turn.role, style=f"bold {COLOURS[turn.role]}"), Text(printable(" ".join(turn.content.split()))))
        if turn.state is not None:
            self._trusts(turn.state, profile)

    def _row(self, head: Text, words: Text) -> None:
        grid = Grid.grid(padding=(0, 1))
        grid.add_column(width=_HEAD, justify="right")
        grid.add_column(overflow="fold")
        grid.add_row(head, words)
        self.console.print(grid)

    def _trusts(self, state: UserState, profile: Profile) -> None:
        before, self._trust = self._trust, state.trust
        moved = state.trust - before if before is not None else 0
        style = "green" if moved > 0 else "red" if moved < 0 else "dim"
        filled = max(0, min(_MOST, round(state.trust)))
        bar = "▰" * filled + "▱" * (_MOST - filled)
        change = f" ({moved:+g})" if moved else ""
        opened = "".join(f" · opens: {profile.chain[node].need}" for node in state.newly)
        words = Text.assemble((f"{bar} {state.trust:g}{change}", style), (opened, "bold green"))
        self._row(Text("trust", style="dim"), words)

    def _line(self, text: Text) -> None:
        self.console.print(text)


def _cell(cell: Cell, digits: int) -> Text:
    """Return a cell in two lines: the value, then its interval, and in yellow how many values are missing."""
    if not isinstance(cell, Estimate):
        return Text("\n".join(cell_lines(cell, digits)))
    value, *more = cell_lines(cell.model_copy(update={"missing": 0}), digits)
    missing = f"{cell.missing} missing" if cell.missing else ""
    interval = more[0] if cell.low is not None else f"n {cell.n}"
    return Text.assemble(value, ("\n" + interval, "dim"), (f"\n{missing}" if missing else "", "yellow"))


def _score_words(rating: Rating) -> Text:
    """Return the dimensions of a rating, with the reasons for what is missing."""
    scores = ", ".join(
        f"{name.replace('_', ' ')} {'missing' if value is None else f'{value:g}'}"
        for name, value in rating.dimensions.items()
    )
    reasons = "; ".join(f"{'all' if item == '*' else f'item {item}'}: {why}" for item, why in rating.missing.items())
    return Text.assemble(scores, (printable(f" ({reasons})") if reasons else "", "yellow"))


def _verdict_words(rating: Rating) -> Text:
    """Return a verdict as words, with the quote that it goes by or the reason why there is none."""
    verdict = rating.verdict
    if verdict is None or verdict.success is None:
        return Text(f"missing ({verdict.missing if verdict else 'no verdict'})", style="yellow")
    outcome = Text("success" if verdict.success else "no success", style="green" if verdict.success else "red")
    if verdict.named_by is None:
        return outcome
    who = "nobody named the need" if verdict.named_by == "nobody" else f"the {verdict.named_by} named the need"
    how = f", {_HOW[verdict.how]}" if verdict.how and verdict.named_by == "user" else ""
    quote = printable(f"“{verdict.quote}”")
    return Text.assemble(outcome, f": {who}{how}, in turn {verdict.turn}: ", (quote, "italic"))
