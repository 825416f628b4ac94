"""Open a study with people and serve its page: the material, the answers, and the users that raters talk with."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.agents.protocols import SimulatedUser
from cocoon.agents.users.conditions import Condition
from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.human.desk import Desk
from cocoon.human.items import Material
from cocoon.human.server import served_study
from cocoon.human.store import HumanStore
from cocoon.human.study import load_study
from cocoon.models.by_name import Models
from cocoon.running.local_parts import local_parts
from cocoon.running.study import Study, open_models

STORE = "human.sqlite"


def open_study(study: Path, out: Path, *, started: bool = False) -> tuple[Material, HumanStore]:
    """Return the material of a study file and the answers in its folder.

    Raises CocoonError if the study must have `started` and has no answers yet.
    """
    human_study = load_study(study)
    if started and not (out / STORE).exists():
        raise CocoonError(f"{out}: has no study yet; start it with `cocoon human serve {study} --out {out}`")
    material = Material.of(human_study)
    store = HumanStore(out / STORE, material.sha)
    store.enrol(human_study.names)
    return material, store


@dataclass
class ConditionUsers:
    """The simulated users of a study. The user of each condition is opened once."""

    config: StudyConfig
    models: Models
    by_condition: dict[str, SimulatedUser] = field(default_factory=dict)

    def open(self, condition: Condition) -> SimulatedUser:
        """Return the user of a condition."""
        if condition.name not in self.by_condition:
            self.by_condition[condition.name] = Study(condition.settings(self.config), self.models).user()
        return self.by_condition[condition.name]


@contextmanager
def hold_for_serving(out: Path) -> Iterator[None]:
    """Allow one server for each folder. The lock ends with its process, however that ends.

    Raises CocoonError for a second server.
    """
    lock = sqlite3.connect(out / "serving.lock", timeout=0, isolation_level=None)
    try:
        lock.execute("begin exclusive")
    except sqlite3.OperationalError:
        lock.close()
        raise CocoonError(
            f"{out}: is being served by another process; stop that process, or use another --out"
        ) from None
    try:
        yield
    finally:
        lock.close()


@asynccontextmanager
async def serve_study(study: Path, out: Path, port: int, say: Callable[[str], None]) -> AsyncIterator[dict[str, str]]:
    """Serve a study on 127.0.0.1 for the length of the block, and yield each rater's link.

    `say` gets a line while the simulated user is loaded, and a line about where text will go. Raises CocoonError if
    another process serves the folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    with hold_for_serving(out):
        material, store = open_study(study, out)
        chats = material.study.chats
        config = StudyConfig(user=chats.user) if chats else StudyConfig()
        models = open_models(config, local_parts(), live=True)
        users = ConditionUsers(config, models)
        if chats:
            say("loading the simulated user ...")
            Study(config, models).user()
            say(f"text goes to: {', '.join(models.routes)}" if models.routes else "text stays on this machine")
        desk = Desk(material, store, out, users.open if chats else None, models)
        desk.sweep()
        async with served_study(desk, port) as url:
            tokens = store.enrol(material.study.names)
            yield {rater: f"{url}/r/{token}" for rater, token in tokens.items()}
        await models.aclose()
