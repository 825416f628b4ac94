"""The verbs in the cells of a real notebook kernel: under its running loop, with progress, shown, interrupted."""

import asyncio
from pathlib import Path

import pytest
from jupyter_core.utils import ensure_async

from cocoon.tests.notebooks import displayed, kernel, printed, run_cell

SIMULATE = """
import cocoon

def echo(messages):
    return f"You said: {messages[-1]['content']}"

run = cocoon.simulate(
    profiles="shipped:en", limit=2, rounds=2, supporter={"mine": echo}, user="scripted:user.jsonl",
    appraiser="rule", form_pairs=0, out="run",
)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "user.jsonl").write_text('"It is nothing."\n')
    return tmp_path


async def test_a_cell_simulates_under_the_kernels_loop_and_shows_progress(folder: Path) -> None:
    async with kernel(folder) as client:
        outputs = await run_cell(client, SIMULATE)
        (line,) = displayed(outputs)
        assert "2/2 dialogues" in line and "calls" in line
        assert "text stays on this machine" in printed(outputs) and "2 of 2 dialogues" in printed(outputs)
        assert printed(outputs, "stderr") == ""
        (page,) = displayed(await run_cell(client, "run.show(0)"), "text/html")
        assert page.startswith("<iframe srcdoc=") and "You said: It is nothing." not in page.split("srcdoc")[0]
        (record,) = displayed(await run_cell(client, "type(run[0]).__name__"))
        assert record == "'Dialogue'"
        (table,) = displayed(await run_cell(client, "run.frame('turns')"), "text/html")
        assert "You said: It is nothing." in table


async def test_a_cell_may_await_the_twin_and_be_quiet(folder: Path) -> None:
    source = SIMULATE.replace("run = cocoon.simulate(", "run = await cocoon.simulate_async(progress=False, ")
    async with kernel(folder) as client:
        assert await run_cell(client, source) == []
        # Another cell with the same function is the same agent.
        assert displayed(await run_cell(client, f"# Once more.\n{source}\nrun.summary()['calls']")) == ["0"]


CLASS = """
class Mine:
    patience = 2
    async def respond(self, client, view, memory):
        return cocoon.Utterance(content=f"I am the user, {self.patience}."), None

run = cocoon.simulate(
    profiles="shipped:en", limit=1, rounds=1, supporter={"Mine": echo}, user=Mine(), out="own", progress=False
)
"""


@pytest.mark.slow
async def test_a_class_of_a_cell_is_known_by_its_own_text(folder: Path) -> None:
    async with kernel(folder) as client:
        await run_cell(client, SIMULATE)
        words = "[turn.content for turn in run[0].turns][1:3]"
        shown = await run_cell(client, CLASS + words)
        assert displayed(shown) == ["['I am the user, 2.', 'You said: I am the user, 2.']"]
        assert displayed(await run_cell(client, f"# Again.{CLASS}len(run)")) == ["1"]
        with pytest.raises(Exception, match=r"settings|changed"):
            await run_cell(client, CLASS.replace("patience = 2", "patience = 3"))


@pytest.mark.slow
async def test_an_interrupted_cell_stops_cleanly_and_the_same_cell_goes_on(folder: Path) -> None:
    slow = SIMULATE.replace("def echo(messages):", "import time\ndef echo(messages):\n    time.sleep(0.5)")
    slow = slow.replace("rounds=2", "rounds=8").replace("limit=2", "limit=1")
    async with kernel(folder) as client:
        running = asyncio.create_task(run_cell(client, slow))
        while not (folder / "run" / "trace.jsonl").exists():
            await asyncio.sleep(0.1)
        assert client.km is not None
        await asyncio.sleep(1)
        await ensure_async(client.km.interrupt_kernel())
        with pytest.raises(Exception, match="KeyboardInterrupt"):
            await running
        outputs = await run_cell(client, slow)
        assert "1 of 1 dialogue" in printed(outputs) and "(0 from the journal)" not in printed(outputs)
