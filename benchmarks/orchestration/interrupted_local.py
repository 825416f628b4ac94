"""kill -9 and SIGTERM at random moments of what runs a model here or serves people, against a run in peace.

    python -m cocoon.benchmarks.orchestration.interrupted_local --moments 20 --verbs sweep train human

`sweep`: a tiny steered model in float32, user and judge at an endpoint that logs every request. `train`: a tiny base,
interrupted after steps of its training. At the end the adapter and every loss must be those of a training in peace.
`human`: ten raters answer while the server is interrupted and started again; what it said it had saved must be there.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from cocoon.benchmarks.orchestration.interrupted import SIGNALS, Interruptions, run_session
from cocoon.benchmarks.orchestration.processes import endpoint, save, table
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.tests.human.human_study_cases import as_yaml, serving, study
from cocoon.tests.human.test_kept_answers import Kept, Rater, stored_answers
from cocoon.tests.models.local.tiny_models import tiny_folder, tiny_network
from cocoon.tests.steering.steered import saved_direction
from cocoon.tests.training.training_cases import logged, talk, write_talks

RATERS, STEPS = 10, 200
Row = list[Any]


def sweep(place: Path, kind: str, moments: int, draw: random.Random) -> Row:
    """A sweep, interrupted after so many requests of its user and its judge."""
    base = tiny_folder(place / "base", context=4096)
    direction = saved_direction(place / "d.safetensors", tiny_network())
    with endpoint(latency=0.02, log=place / "log") as url:
        spec = f"{url}#bench"

        def words(out: Path) -> list[str]:
            return [
                *("steer", "sweep", "--model", f"local:{base}", "--direction", str(direction), "--coefficient", "0.02"),
                *("--profiles", "shipped:en", "-n", "4", "--rounds", "2", "--user", spec, "--judge", spec),
                *("--scales", "comfort,success", "--no-placebo", "--repeng", "0", "--concurrency", "4"),
                *("-o", "form_pairs=0", "-o", "supporters.0.max_tokens=24", "--out", str(out)),
            ]

        trial = Interruptions(words, SIGNALS[kind], spec, place / "log", place / kind, draw, runs="users/*")
        trial.run(moments)
    peace, broken = ((place / kind / name / "sweep.md").read_bytes() for name in ("peace", "run"))
    trial.problems += [] if peace == broken else ["sweep.md differs"]
    return ["sweep", kind, trial.sessions, trial.repeated, "; ".join(trial.problems) or "equal"]


def train(place: Path, kind: str, moments: int, draw: random.Random) -> Row:
    """A training, interrupted after so many of its steps."""
    base = tiny_folder(place / "base", context=1024)
    talks = write_talks(place / "talks.jsonl", [talk(number, 7, thoughts=True, language="en") for number in range(40)])
    problems: list[str] = []

    def steps(out: Path) -> int:
        return max(logged(out, "loss"), default=0) if (out / "losses.jsonl").is_file() else 0

    def session(out: Path, after: int | None) -> bool:
        words = ["train", "--base", f"local:{base}", "--prompt", "plain", "--dialogues", str(talks), "--out", str(out)]
        words += ["--max-steps", str(STEPS), "--evaluate-every", "5", "-o", "data.near_duplicate=null"]
        words += ["-o", "fit.dtype=float32", "-o", "data.validation=0.1", "-o", "fit.accumulate=1"]
        is_due = None if after is None else lambda: steps(out) >= after
        interrupted, wrong = run_session(words, SIGNALS[kind], draw, is_due)
        problems.extend(wrong)
        return interrupted

    session(place / "peace", None)
    sessions = sum(session(place / kind, after) for after in sorted(draw.sample(range(STEPS - 20), moments)))
    session(place / kind, None)
    weights = [(place / name / "adapter_model.safetensors").read_bytes() for name in ("peace", kind)]
    problems += [] if weights[0] == weights[1] else ["the adapter differs"]
    problems += [
        f"{name} differs"
        for name in ("loss", "eval_loss")
        if logged(place / "peace", name) != logged(place / kind, name)
    ]
    return ["train", kind, sessions, "", "; ".join(problems) or "equal"]


async def _rate(place: Path, kind: str, moments: int, draw: random.Random) -> Row:
    given = study(place, parts="likert", raters=RATERS)
    file, out, saved = place / "study.yaml", place / "out", Kept()
    file.write_text(as_yaml(given), "utf-8")
    values = {f"basic:{name}": 1 + number % 9 for number, name in enumerate(load_scale("basic").item_ids)}
    problems: list[str] = []
    sessions = 0
    async with aiohttp.ClientSession() as session:
        for moment in [*range(moments), None]:
            process, links = await serving(file, out, raters=RATERS)
            raters = [Rater(name, link, saved) for name, link in links.items()]
            # One item a session at most, so that there is something left to be answered at the last moment.
            share = dict(list(values.items())[: None if moment is None else 1 + moment * len(values) // (moments + 1)])
            work = [rater.work(session, given.consent_sha, share) for rater in raters]
            working = asyncio.gather(*work, return_exceptions=True)
            if moment is not None:
                await asyncio.sleep(draw.uniform(0.0, 0.1))
                process.send_signal(SIGNALS[kind])
                sessions += 1
            ended = await working
            problems += [repr(one) for one in ended if one is not None and not isinstance(one, aiohttp.ClientError)]
            if moment is None:
                problems += [repr(one) for one in ended if one is not None]
                process.terminate()
            await process.wait()
            lost = saved.items() - stored_answers(out).items()
            problems += [f"lost after moment {moment}: {sorted(lost)[:3]}"] if lost else []
    wanted = {(name, key): value for name in given.names for key, value in values.items()}
    problems += [] if stored_answers(out) == wanted else ["not all that was answered is there"]
    return ["human serve", kind, sessions, "", "; ".join(problems) or "equal"]


def human(place: Path, kind: str, moments: int, draw: random.Random) -> Row:
    """Raters at work, the server interrupted within a tenth of a second of their beginning."""
    return asyncio.run(_rate(place, kind, moments, draw))


TRIALS = {"sweep": sweep, "train": train, "human": human}


def main() -> int:
    """Interrupt, resume, compare. Exit code 1 if anything is off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--verbs", nargs="+", default=list(TRIALS), choices=list(TRIALS))
    parser.add_argument("--signals", nargs="+", default=list(SIGNALS), choices=list(SIGNALS))
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    rows: list[Row] = []
    for verb in options.verbs:
        for kind in options.signals:
            with tempfile.TemporaryDirectory(prefix=f"cocoon-{verb}-") as name:
                trial = partial(TRIALS[verb], Path(name), kind, options.moments)
                rows.append(trial(random.Random(f"{verb}{kind}{options.seed}")))
                print(rows[-1], file=sys.stderr, flush=True)
    print(table(["command", "signal", "sessions interrupted", "requests repeated", "files"], rows))
    print(f"written to {save('interrupted_local', {'options': vars(options), 'rows': rows})}")
    return 1 if any(row[-1] != "equal" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
