"""Batches under kill -9: nothing asked twice, few batches, and the ratings of live calls.

    python -m cocoon.benchmarks.batches --dialogues 1000 --kills 20

judges so many dialogues by seven ratings each against a batch endpoint at which calls fail and expire, kills the
command at points from the first walk to the last import, and lets the same command finish. It prints a line of figures
and exits with 1 where one of them is wrong.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cocoon.benchmarks.endpoint.batches import BatchEndpoint, Faults, batch_endpoint
from cocoon.core.jsonl import dump_line, read_lines
from cocoon.core.records import Dialogue, Profile, Turn

ROOT = Path(__file__).resolve().parent.parent
SCALE = ROOT / "examples" / "scales" / "alliance.yaml"
MOMENTS = ["POST /v1/files", "GET /v1/batches?", "POST /v1/batches", "GET /v1/batches/", "GET /v1/files/"]
WORDS = ["tired", "alone", "calm", "hopeful", "late", "early", "work", "home", "sleep", "friend", "letter", "winter"]


def dialogues(number: int, rounds: int) -> Iterator[Dialogue]:
    """Yield different dialogues, as long as real ones are."""
    for name in range(number):
        draw = random.Random(name)
        turns = [Turn(role="supporter", content="You look low today.")]
        for _ in range(rounds):
            turns.append(Turn(role="user", content=_words(draw, 25)))
            turns.append(Turn(role="supporter", content=_words(draw, 30)))
        profile = Profile(id=f"p{name}", language="en", feeling=_words(draw, 8), need=_words(draw, 8))
        yield Dialogue(id=f"d{name}", profile=profile, language="en", supporter="s", turns=turns)


def _words(draw: random.Random, number: int) -> str:
    return " ".join(draw.choices(WORDS, k=number)).capitalize() + "."


def plan(kills: int) -> list[tuple[str, str, float]]:
    """Return where the command is killed: at a request of that kind, before or after it, and so many seconds later.

    Without a kind it is killed that many seconds after its start.
    """
    points: list[tuple[str, str, float]] = [("", "", 2.0), ("", "", 4.0)]
    points += [(moment, when, 0.0) for moment in MOMENTS for when in ("before", "after")]
    points += [("GET /v1/files/", "after", delay) for delay in (0.02, 0.1, 0.3, 0.6, 1.0, 1.5)]
    points += [(moment, when, 0.0) for moment in MOMENTS for when in ("after", "before")]
    return points[:kills]


def killed(endpoint: BatchEndpoint, command: list[str], point: tuple[str, str, float]) -> bool:
    """Start the command, kill it at a point, and return whether it lived to be killed."""
    moment, when, delay = point
    environment = os.environ | {"PYTHONPATH": str(ROOT / ".static"), "COCOON_API_KEY": "none"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def kill(name: str, phase: str) -> None:
        if moment and name.startswith(moment) and phase == when and process.poll() is None:
            if not delay:
                process.kill()
                process.wait()
            else:
                reached.append(time.monotonic())

    reached: list[float] = [] if moment else [time.monotonic()]
    endpoint.hook = kill
    while process.poll() is None:
        if delay and reached and time.monotonic() - reached[0] >= delay:
            process.kill()
        time.sleep(0.005)
    endpoint.hook = lambda *_: None
    return process.wait() == -signal.SIGKILL


def finished(command: list[str]) -> None:
    """Run the command to its end."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / ".static"), "COCOON_API_KEY": "none"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)


def measure(folder: Path, number: int, kills: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Return the figures of one comparison."""
    talks = folder / "talks.jsonl"
    talks.write_bytes(b"".join(map(dump_line, dialogues(number, 8))))
    with batch_endpoint(Faults(failing=0.05, expired=0.05)) as endpoint:
        spec = f"{endpoint.url}#bench"
        judge = [sys.executable, "-m", "cocoon.cli.main", "judge", str(talks), "--judge", spec, "--json"]
        judge += ["--scales", "success,basic,comfort,rac,aels,alliance", "--scale-file", str(SCALE)]
        judge += ["-o", "batch_every=0.05"]
        batch = [*judge, "--out", str(folder / "batch"), "--batch"]
        points = plan(kills)
        deaths = [point for point in points if killed(endpoint, batch, point)]
        say(f"killed at {len(deaths)} of {len(points)} points")
        finished(batch)
        twice = sum(count > 1 for count in endpoint.answered.values())
        asked, batches, single = len(endpoint.answered), len(endpoint.batches), endpoint.single
        say("live ...")
        finished([*judge, "--out", str(folder / "live")])
    ratings = [[rating for _, rating in read_lines(folder / way / "ratings.jsonl")] for way in ("batch", "live")]
    return {
        "dialogues": number,
        "ratings": len(ratings[0]),
        "killed": len(deaths),
        "batches": batches,
        "calls": asked,
        "asked_twice": twice,
        "asked_live": single,
        "equal": ratings[0] == ratings[1],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=1000, help="dialogues to judge")
    parser.add_argument("--kills", type=int, default=20, help="points at which the command is killed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.dialogues, options.kills, lambda text: print(text, file=sys.stderr))
    print(json.dumps(figures))
    right = figures["equal"] and not figures["asked_twice"] and not figures["asked_live"] and figures["batches"] <= 3
    raise SystemExit(0 if right else 1)


if __name__ == "__main__":
    main()
