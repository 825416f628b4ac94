"""Batches under signals: nothing asked twice, few batches, and the ratings of live calls.

    python -m cocoon.benchmarks.batches --dialogues 1000 --moments 20 [--signal TERM]

judges so many dialogues by seven ratings each against a batch endpoint at which calls fail and expire, sends the
command a signal at points from the first walk to the last import, and lets the same command finish. It prints a line of
figures and exits with 1 where one of them is wrong.
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


def plan(moments: int) -> list[tuple[str, str, float]]:
    """Return where the signal comes: at a request of that kind, before or after it, and so many seconds later.

    Without a kind it comes that many seconds after the start.
    """
    points: list[tuple[str, str, float]] = [("", "", 2.0), ("", "", 4.0)]
    points += [(moment, when, 0.0) for moment in MOMENTS for when in ("before", "after")]
    points += [("GET /v1/files/", "after", delay) for delay in (0.02, 0.1, 0.3, 0.6, 1.0, 1.5)]
    points += [(moment, when, 0.0) for moment in MOMENTS for when in ("after", "before")]
    points += [(moment, "after", delay) for moment in MOMENTS for delay in (0.05, 0.2)]
    return points[:moments]


def ended(endpoint: BatchEndpoint, command: list[str], point: tuple[str, str, float], number: int) -> bool:
    """Start the command, send it a signal at a point, and return whether that ended it."""
    moment, when, delay = point
    environment = os.environ | {"PYTHONPATH": str(ROOT / ".static"), "COCOON_API_KEY": "none"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def send(name: str, phase: str) -> None:
        if moment and name.startswith(moment) and phase == when and not reached and process.poll() is None:
            reached.append(time.monotonic())
            if not delay:
                process.send_signal(number)
                if number == signal.SIGKILL:
                    process.wait()

    reached: list[float] = [] if moment else [time.monotonic()]
    sent = not delay
    endpoint.hook = send
    while process.poll() is None:
        if not sent and reached and time.monotonic() - reached[0] >= delay:
            sent = True
            process.send_signal(number)
        time.sleep(0.005)
    endpoint.hook = lambda *_: None
    return process.wait() in (-number, 128 + number)


def finished(command: list[str]) -> None:
    """Run the command to its end."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / ".static"), "COCOON_API_KEY": "none"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)


def measure(
    folder: Path, number: int, moments: int, sent: signal.Signals, say: Callable[[str], None]
) -> dict[str, Any]:
    """Return the figures of one comparison.

    A command that is asked to stop finishes what it is at, so that fewer signals meet it before it is done. Then the
    rest of the moments come in a folder of their own, at an endpoint of its own.
    """
    talks = folder / "talks.jsonl"
    talks.write_bytes(b"".join(map(dump_line, dialogues(number, 8))))
    points, sessions = plan(moments), list[dict[str, Any]]()
    while points:
        with batch_endpoint(Faults(failing=0.05, expired=0.05)) as endpoint:
            out = folder / f"batch-{len(sessions)}"
            batch = [*judging(endpoint, talks), "--out", str(out), "--batch"]
            ends = 0
            while points and ended(endpoint, batch, points.pop(0), sent):
                ends += 1
            say(f"{sent.name} ended it {ends} times, {len(points)} moments are left")
            finished(batch)
            twice = sum(count > 1 for count in endpoint.answered.values())
            figures = {"ended": ends, "batches": len(endpoint.batches), "calls": len(endpoint.answered)}
            sessions.append(figures | {"asked_twice": twice, "asked_live": endpoint.single, "ratings": ratings(out)})
            if not points:
                say("live ...")
                finished([*judging(endpoint, talks), "--out", str(folder / "live")])
    return {
        "dialogues": number,
        "ratings": len(sessions[0]["ratings"]),
        "signal": sent.name,
        "folders": len(sessions),
        **{name: sum(each[name] for each in sessions) for name in ("ended", "calls", "asked_twice", "asked_live")},
        "batches": max(each["batches"] for each in sessions),
        "equal": all(each["ratings"] == ratings(folder / "live") for each in sessions),
    }


def judging(endpoint: BatchEndpoint, talks: Path) -> list[str]:
    """Return the command that judges the dialogues."""
    judge = [sys.executable, "-m", "cocoon.cli.main", "judge", str(talks), "--judge", f"{endpoint.url}#bench", "--json"]
    scales = ["--scales", "success,basic,comfort,rac,aels,alliance", "--scale-file", str(SCALE)]
    return [*judge, *scales, "-o", "batch_every=0.05"]


def ratings(out: Path) -> list[Any]:
    """Return the ratings of a folder without names of judge and calls, which hold the address."""
    return [{**rating, "judge": "", "calls": []} for _, rating in read_lines(out / "ratings.jsonl")]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=1000, help="dialogues to judge")
    parser.add_argument("--moments", type=int, default=20, help="points at which the signal comes")
    parser.add_argument("--signal", choices=["KILL", "TERM"], default="KILL", help="what is sent")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sent = signal.Signals[f"SIG{options.signal}"]
        figures = measure(
            Path(folder), options.dialogues, options.moments, sent, lambda text: print(text, file=sys.stderr)
        )
    print(json.dumps(figures))
    right = figures["equal"] and not figures["asked_twice"] and not figures["asked_live"] and figures["batches"] <= 3
    raise SystemExit(0 if right else 1)


if __name__ == "__main__":
    main()
