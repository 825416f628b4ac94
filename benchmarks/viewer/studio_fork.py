"""Forks a conversation in LangGraph's development server, replays both futures, and draws the history.

    python -m cocoon.benchmarks.viewer.studio_fork --out docs/images/studio-fork.svg

This needs the command `langgraph` (see docs/how-to/studio.md). It starts `langgraph dev` with the lines below as models
and drives it over HTTP, as Studio does. A model gives its next line at every call, so a replay that asked a model again
would show other words.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records, write_whole
from cocoon.core.records import Profile
from cocoon.graphs.drawing.draw import Drawing, Edge, Node
from cocoon.graphs.drawing.svg import to_svg

ROOT = Path(__file__).resolve().parents[2]
GRAPH = "conversation"
ROUNDS = 3
START_SECONDS = 60
EDITED = "You keep looking at that clock."
LINES = {
    "user": [
        "It is only work.",
        "There is a deadline, that is all.",
        "I said that I am fine.",
        "You noticed. At four they decide.",
        "If they say no, what am I good for?",
    ],
    "supporter": [
        "You look tired today.",
        "Deadlines can wear one down.",
        "You would like to be left in peace.",
        "Something of yours is at stake.",
        "So it is about more than a date.",
    ],
}
LONGEST_LABEL = 44


@dataclass(frozen=True)
class Future:
    """One way on from a checkpoint: its whole talk, and the words of a replay from the same checkpoint."""

    checkpoint: str
    words: list[str]
    replayed: list[str]


@dataclass(frozen=True)
class Fork:
    """A thread with two futures, and its history as the server tells it, newest state first."""

    thread: str
    first: Future
    second: Future
    history: list[dict[str, Any]]


@contextlib.contextmanager
def langgraph_server(command: str, folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Run `langgraph dev` on every graph of langgraph.json, and yield its address.

    It runs in `folder`, where it keeps its threads. `settings` are environment variables. Raises CocoonError if it does
    not start.
    """
    config = json.loads((ROOT / "langgraph.json").read_text("utf-8"))
    config["graphs"] = {name: str(ROOT / path) for name, path in config["graphs"].items()}
    (folder / "langgraph.json").write_text(json.dumps(config), "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    quiet = {"LANGSMITH_TRACING": "false", "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [command, "dev", "--no-browser", "--no-reload", "--port", str(port)],
            cwd=folder,
            env={**os.environ, **quiet, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_up(process, address, log)
            yield address
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_up(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/ok", timeout=2):
            return
        time.sleep(0.2)
    raise CocoonError(f"langgraph dev did not start within {START_SECONDS} s: {log.read_text('utf-8')[-800:]}")


def scripted_settings(folder: Path, lines: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Write the models' lines into `folder` and return the environment variables that name them."""
    for name, replies in lines.items():
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, replies)), "utf-8")
    spec = {name: f"scripted:{folder}/{name}.jsonl" for name in lines}
    return {
        "COCOON_CACHE": str(folder / "cache"),
        "COCOON_ROUNDS": str(ROUNDS),
        "COCOON_SUPPORTERS": json.dumps([{"model": spec["supporter"]}]),
        "COCOON_USER__MODEL": spec["user"],
        "COCOON_USER__APPRAISER": "rule",
    }


async def fork_at(client: LangGraphClient, profile: Profile, turn: int, words: str) -> Fork:
    """Have a conversation, say other `words` at one of the supporter's turns (counted from 1), and go on from there.

    Both futures are then replayed from the checkpoint where they part.
    """
    thread = (await client.threads.create())["thread_id"]
    values = await client.runs.wait(thread, GRAPH, input={"profile": profile.model_dump(mode="json")})
    first_words = words_of(values)
    before = await _state_before(client, thread, turn)
    edited = {"turns": [{"role": "supporter", "content": words}]}
    update = await client.threads.update_state(thread, edited, as_node="supporter", checkpoint=before["checkpoint"])
    after: Any = update["checkpoint"]
    second_words = words_of(await _run_from(client, thread, after))
    first_again = words_of(await _run_from(client, thread, before["checkpoint"]))
    second_again = words_of(await _run_from(client, thread, after))
    history: Any = await client.threads.get_history(thread, limit=1000)
    return Fork(
        thread,
        Future(before["checkpoint"]["checkpoint_id"], first_words, first_again),
        Future(after["checkpoint_id"], second_words, second_again),
        history,
    )


async def _state_before(client: LangGraphClient, thread: str, turn: int) -> dict[str, Any]:
    history: Any = await client.threads.get_history(thread, limit=1000)
    for state in history:
        if state["next"] == ["supporter"] and len(state["values"]["turns"]) == turn - 1:
            return state
    raise CocoonError(f"turn {turn} is not a reply of the supporter in thread {thread}; name another turn")


async def _run_from(client: LangGraphClient, thread: str, checkpoint: Any) -> Any:
    """Go on from a checkpoint with the state that it holds."""
    return await client.runs.wait(thread, GRAPH, input=None, checkpoint=checkpoint)


def words_of(values: Any) -> list[str]:
    """Return what was said in a state of a conversation."""
    return [turn["content"] for turn in values["turns"]]


def draw_history(history: Sequence[Mapping[str, Any]], name: str) -> Drawing:
    """Return the talks of a thread as a tree, from the states of its history.

    A box is a turn after all turns before it, so that a replay with equal words adds no box.
    """
    nodes: dict[tuple[str, ...], Node] = {}
    edges: list[Edge] = []
    for state in reversed(history):
        turns = state["values"].get("turns", [])
        talk = tuple(turn["content"] for turn in turns)
        if not talk or talk in nodes:
            continue
        speaker = "edited" if state["metadata"]["source"] == "update" else turns[-1]["role"]
        label = f"{len(talk)} {speaker}: {talk[-1]}"
        short = label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
        nodes[talk] = Node(f"n{len(nodes)}", short, label, "step" if len(talk) > 1 else "start")
        if len(talk) > 1:
            edges.append(Edge(nodes[talk[:-1]].id, nodes[talk].id))
    return Drawing(name, list(nodes.values()), edges)


async def _fork_and_draw(address: str, out: Path) -> None:
    profile = next(iter(read_records(ROOT / "examples/profiles/en.jsonl", Profile)))
    fork = await fork_at(get_client(url=address), profile, 3, EDITED)
    for future in (fork.first, fork.second):
        print(*future.words, sep="\n  ")
        print("replayed with equal words" if future.words == future.replayed else "REPLAYED WITH OTHER WORDS")
    write_whole(out, [to_svg(draw_history(fork.history, "One thread, two futures")).encode()])
    print(f"written: {out}")


def main() -> None:
    """Run `langgraph dev` with scripted models, fork one conversation in it, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images/studio-fork.svg")
    options = parser.parse_args()
    command = shutil.which("langgraph")
    if command is None:
        raise CocoonError("the command langgraph is not on the PATH; see docs/how-to/studio.md on how to install it")
    with tempfile.TemporaryDirectory() as folder:
        settings = scripted_settings(Path(folder), LINES)
        with langgraph_server(command, Path(folder), settings) as address:
            asyncio.run(_fork_and_draw(address, options.out))


if __name__ == "__main__":
    main()
