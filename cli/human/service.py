"""Opens a study with people: its material, its answers, the users that raters talk with, its page, its report."""

import asyncio
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import typer

from cocoon.agents.protocols import SimulatedUser
from cocoon.agents.users.conditions import Condition
from cocoon.api.reporter import say
from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.core.records import Rating
from cocoon.human.desk import Desk
from cocoon.human.items import Material
from cocoon.human.report import human_report
from cocoon.human.server import served
from cocoon.human.store import HumanStore
from cocoon.human.study import load_study
from cocoon.models.by_name import Models
from cocoon.reports.charts.draw import draw
from cocoon.reports.formats.csv_lines import render_csv
from cocoon.reports.formats.html_page import render_html
from cocoon.reports.formats.markdown import render_markdown
from cocoon.reports.tables.records import Report
from cocoon.running.folder import read_run
from cocoon.running.local_parts import local_parts
from cocoon.running.study import Study, open_models
from cocoon.studies.ablation import choices_of

STORE = "human.sqlite"


def opened(study: Path, out: Path, *, begun: bool = False) -> tuple[Material, HumanStore]:
    """The study's material and its answers; `begun`: CocoonError where there are none yet."""
    loaded = load_study(study)
    if begun and not (out / STORE).exists():
        raise CocoonError(f"{out}: holds no study; begin one with `cocoon human serve {study} --out {out}`")
    material = Material.of(loaded)
    store = HumanStore(out / STORE, material.sha)
    store.enrol(loaded.names)
    return material, store


@dataclass
class Users:
    """The simulated users of a study, each condition's opened once."""

    config: StudyConfig
    models: Models
    made: dict[str, SimulatedUser] = field(default_factory=dict)

    def open(self, condition: Condition) -> SimulatedUser:
        """The user of a condition."""
        if condition.name not in self.made:
            self.made[condition.name] = Study(condition.settings(self.config), self.models).user()
        return self.made[condition.name]


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """One server a folder: a second is refused with CocoonError. The lock goes with its process, however that ends."""
    lock = sqlite3.connect(out / "serving.lock", timeout=0, isolation_level=None)
    try:
        lock.execute("begin exclusive")
    except sqlite3.OperationalError:
        lock.close()
        raise CocoonError(f"{out}: is being served by another process; end that one, or use another --out") from None
    try:
        yield
    finally:
        lock.close()


async def serve_study(study: Path, out: Path, port: int) -> None:
    """Serve until Ctrl-C."""
    out.mkdir(parents=True, exist_ok=True)
    with alone(out):
        await _serve(study, out, port)


async def _serve(study: Path, out: Path, port: int) -> None:
    material, store = opened(study, out)
    chats = material.study.chats
    config = StudyConfig(user=chats.user) if chats else StudyConfig()
    models = open_models(config, local_parts())
    users = Users(config, models)
    if chats:
        say("loading the simulated user ...")
        Study(config, models).user()
        say(f"text goes to: {', '.join(models.hosts)}" if models.hosts else "text stays on this machine")
    stop = asyncio.Event()
    desk = Desk(material, store, out, users.open if chats else None, models)
    desk.sweep()
    async with served(desk, port) as url:
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        for rater, token in store.enrol(material.study.names).items():
            typer.echo(f"{rater}\t{url}/r/{token}")
        say("each link is one rater's alone; Ctrl-C ends, the same command goes on")
        await stop.wait()
    await models.aclose()


def write_report(study: Path, out: Path, run: Path | None, ablation: Path | None) -> Report:
    """The study's report, written into its folder as human.md, human.html and tables/."""
    material, store = opened(study, out, begun=True)
    judged = list(read_run(run, "ratings.jsonl", Rating)) if run else []
    made = human_report(material, store, judged, choices_of(ablation) if ablation else [])
    (out / "tables").mkdir(parents=True, exist_ok=True)
    files = {"human.md": render_markdown(made), "human.html": render_html(made)}
    files |= {f"tables/human_{name}.csv": text for name, text in render_csv(made).items()}
    files |= {f"tables/human_{one.id}.svg": draw(one.chart, one.id, standalone=True) for one in made.figures}
    for name, text in files.items():
        write_whole(out / name, [text.encode()])
    return made
