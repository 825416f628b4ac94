"""The example of a simulated user of one's own, in everything that a simulated user takes part in."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cocoon.core.jsonl import read_records
from cocoon.core.records import Dialogue
from cocoon.running.manifest import read_manifest
from cocoon.tests.commands import cocoon
from cocoon.tests.examples.examples_on_scripts import OWN, copied, scripted
from cocoon.tests.human.human_study_cases import as_yaml, serving, study
from cocoon.tests.models.local.tiny_models import tiny_folder, tiny_network
from cocoon.tests.steering.steered import direction_for

USER = "python:user.py:Wary"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    copied(OWN / "user.py", tmp_path, scripted(tmp_path, "It is what it is."))
    scripted(tmp_path, "I see.", "Do you?", "I see.", name="supporter")
    return tmp_path


def dialogues(run: str) -> list[Dialogue]:
    return list(read_records(Path(run) / "dialogues.jsonl", Dialogue))


def memories(dialogue: Dialogue) -> list[Any]:
    return [turn.memory["calm"] for turn in dialogue.turns if turn.memory is not None]


def test_it_has_at_most_thirty_lines_and_a_memory() -> None:
    lines = [line for line in (OWN / "user.py").read_text("utf-8").splitlines() if line.strip()]
    assert len(lines) <= 30 and any("memory" in line for line in lines)


def test_it_is_simulated_and_its_memory_is_kept() -> None:
    given = ["--profiles", "shipped:en", "-n", "1", "--rounds", "4", "--supporter", "scripted:supporter.jsonl"]
    done = cocoon("simulate", *given, "--user", USER, "--out", "run")
    assert done.code == 0, done.err
    (dialogue,) = dialogues("run")
    # The opening asks nothing, the third reply of the supporter does.
    assert memories(dialogue) == [1, 2, 0, 1]
    assert cocoon("report", "run").code == 0 and "user.py" in Path("run/report.md").read_text("utf-8")


def test_a_person_can_chat_with_it() -> None:
    given = ["--profile", "shipped:en", "--user", USER, "--out", "run"]
    done = cocoon("chat", *given, typed="I have time.\nWhat is it?\n/state\n/quit\n")
    assert done.code == 0, done.err
    (dialogue,) = dialogues("run")
    assert memories(dialogue) == [1, 2, 0] and dialogue.user_kind == "Wary"
    assert "'calm': 0" in done.out


async def test_people_talk_with_it_in_a_study(folder: Path) -> None:
    given = json.loads(as_yaml(study(folder, parts="chats")))
    given["chats"]["user"] = {"model": USER}
    (folder / "study.yaml").write_text(json.dumps(given), "utf-8")
    out = folder / "people"
    process, links = await serving(folder / "study.yaml", out)
    try:
        async with aiohttp.ClientSession() as session:
            url, token = links["r1"].split("/r/")

            async def state() -> Any:
                async with session.get(f"{url}/api/{token}/state") as answer:
                    return await answer.json()

            async def post(what: str, body: Any) -> Any:
                async with session.post(f"{url}/api/{token}/{what}", json=body) as answer:
                    return await answer.json()

            await post("consent", {"sha": (await state())["sha"]})
            item = (await state())["item"]["id"]
            said = [await post("chat", {"item": item, "which": which}) for which in (0, 1)]
            said.append(await post("chat", {"item": item, "which": 0, "text": "I have time.", "turn": 0}))
    finally:
        process.terminate()
        await process.wait()
    assert all("It is what it is." in json.dumps(one) for one in said), said


@pytest.mark.slow
def test_it_is_steered_at_in_a_sweep(folder: Path) -> None:
    base = f"local:{tiny_folder(folder / 'tiny', context=2048)}"
    direction_for(tiny_network()).save(folder / "d.safetensors")
    copied(OWN / "user.py", folder, base)
    judge = scripted(folder, json.dumps({"items": {str(number): 4 for number in range(1, 11)}}), name="judge")
    done = cocoon(
        *("steer", "sweep", "--model", base, "--direction", "d.safetensors", "--coefficient", "0.02"),
        *(
            "--out",
            "sweep",
            "--profiles",
            "shipped:en",
            "-n",
            "1",
            "--rounds",
            "1",
            "--user",
            USER,
            "--no-placebo",
            "--repeng",
            "0",
        ),
        *("--judge", judge, "--scales", "comfort", "-o", "form_pairs=0"),
    )
    assert done.code == 0, done.err
    assert {len(dialogue.turns) for dialogue in dialogues("sweep/users/own")} == {3}
    manifest = read_manifest(Path("sweep/users/own"))
    assert manifest is not None and manifest.agents["user"][0].kind == "Wary"
    assert "own" in Path("sweep/sweep.md").read_text("utf-8")
