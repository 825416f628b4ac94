"""Small studies with people that the tests of the rating page share."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from cocoon.agents.users.conditions import COMPONENTS, Condition
from cocoon.agents.users.prompted import PromptedUser
from cocoon.core.jsonl import dump_line
from cocoon.core.records import Dialogue, Profile, Turn
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.human.desk import Desk
from cocoon.human.items import Material
from cocoon.human.store import HumanStore
from cocoon.human.study import HumanStudy
from cocoon.models.by_name import Models
from cocoon.models.scripted import ScriptedChat
from cocoon.tests.conversations import ROOT

HOSTILE = "<script>document.title='broken'</script><img src=x onerror=alert(1)> javascript:alert(1) \u202eabc"
PAPER = "full,no-memory"
TOPIC = "chat:topic:full:no-memory"
QUESTIONS = ("role_consistency", "human_likeness", "psychological_complexity")


def both(text: str) -> dict[str, str]:
    return {"en": text, "zh": f"{text}（中文）"}


def dialogue(name: str, user: str = "Not much, really.") -> Dialogue:
    profile = Profile(id=name, language="en", emotion="sad", feeling="I am sad", need="I want to be heard")
    turns = [Turn(role="supporter", content="You seem sad."), Turn(role="user", content=user)]
    return Dialogue(id=name, profile=profile, supporter="s", language="en", turns=turns)


def study(folder: Path, *, parts: str = "likert pairs chats", raters: Any = 2, **changes: Any) -> HumanStudy:
    """A study of three dialogues, two pairs and one topic, with its files in `folder`."""
    told: dict[str, Any] = {name: both(name) for name in ("title", "consent", "content_warning", "help_line")}
    if "likert" in parts:
        file = folder / "dialogues.jsonl"
        file.write_bytes(
            b"".join(dump_line(dialogue(f"d{number}", HOSTILE if number == 1 else "Hm.")) for number in range(3))
        )
        told["likert"] = {"dialogues": str(file), "scales": ["basic"]}
    if "pairs" in parts:
        for condition in PAPER.split(","):
            place = folder / "ablation" / "conditions" / condition
            place.mkdir(parents=True, exist_ok=True)
            made = [dialogue(f"t{number}", f"I am the {condition} one.") for number in range(2)]
            (place / "dialogues.jsonl").write_bytes(b"".join(map(dump_line, made)))
        told["pairs"] = {"run": str(folder / "ablation"), "conditions": PAPER}
    if "chats" in parts:
        file = folder / "profiles.jsonl"
        file.write_bytes(dump_line(dialogue("topic").profile))
        told["chats"] = {"profiles": str(file), "conditions": PAPER, "rounds": 2, "per_rater": 1}
    return HumanStudy.model_validate({**told, "raters": raters, **changes})


def answers(messages: list[BaseMessage], _: dict[str, Any]) -> str:
    """A simulated user that counts its turns."""
    return f"Answer {sum(one.type == 'ai' for one in messages) + 1}."


def desk(folder: Path, given: HumanStudy, chat: ScriptedChat | None = None) -> Desk:
    models = Models()
    user = PromptedUser(models.wrap("scripted:user", chat or ScriptedChat(script=answers)))

    def open_user(condition: Condition) -> PromptedUser:
        assert condition.name in COMPONENTS
        return user

    store = HumanStore(folder / "study" / "human.sqlite", "sha")
    store.enrol(given.names)
    return Desk(Material.of(given), store, folder / "study", open_user)


def as_yaml(given: HumanStudy) -> str:
    """The study as the file a researcher writes (JSON is YAML)."""
    return json.dumps(given.model_dump(mode="json"), ensure_ascii=False)


def spoken_with(given: HumanStudy, spec: str) -> HumanStudy:
    """The study with chats with a model at an endpoint."""
    assert given.chats is not None
    user = given.chats.user.model_copy(update={"model": spec})
    return given.model_copy(update={"chats": given.chats.model_copy(update={"user": user})})


async def serving(
    file: Path, out: Path, port: int = 0, raters: int = 2
) -> tuple[asyncio.subprocess.Process, dict[str, str]]:
    """The command in a process of its own, and the links of its raters."""
    command = ["human", "serve", str(file), "--out", str(out), "--port", str(port)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cocoon.cli.main",
        *command,
        stdout=PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT / ".static")},
    )
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode().split() for _ in range(raters)]
    return process, dict((rater, link) for rater, link in lines)


def agree(made: Desk, rater: str) -> None:
    """Consent."""
    made.consent(rater, made.material.study.consent_sha)


def rate(made: Desk, rater: str, item: str, value: int) -> None:
    """Give every item of the scale one value, and be done."""
    for name in load_scale("basic").item_ids:
        made.answer(rater, item, f"basic:{name}", value)
    made.answer(rater, item, "done", True)


def prefer(made: Desk, rater: str, item: str, winner: str) -> None:
    """Choose a condition, wherever it stands."""
    shown = next(one for one in made.material.assigned(rater) if one.item == item)
    straight = {"full": "first", "no-memory": "second", "tie": "tie"}
    turned = {"full": "second", "no-memory": "first", "tie": "tie"}
    for question in QUESTIONS:
        made.answer(rater, item, question, (turned if shown.swapped else straight)[winner])
    made.answer(rater, item, "done", True)
