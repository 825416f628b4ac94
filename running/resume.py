"""What a run folder already holds, and whether it was made with what is given now."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from cocoon.agents.judges.ratings import is_current
from cocoon.agents.protocols import Judge
from cocoon.core.errors import ReplayMismatchError
from cocoon.core.jsonl import read_objects
from cocoon.core.records import AgentFacts, Rating
from cocoon.running.folder import read_run
from cocoon.running.runner import Task, Wanted


def refuse_changed_prompts(out: Path, before: dict[str, str], now: dict[str, str]) -> None:
    """Raise ReplayMismatchError when prompts that dialogues are made with have changed since the run started.

    `before` and `now` map names to hashes. The journal would report only the calls that it replays, and finished
    dialogues would silently be mixed with others made with another prompt.
    """
    changed = sorted(name for name, sha in now.items() if before.get(name, sha) != sha)
    if changed:
        raise ReplayMismatchError(
            f"{out}: the run was started with another text of prompt {', '.join(map(repr, changed))}; "
            "undo the change, give the folder of the earlier texts as -o prompts=FOLDER, or use another --out"
        )


def refuse_changed_agents(out: Path, before: Iterable[AgentFacts], now: Iterable[AgentFacts]) -> None:
    """Raise ReplayMismatchError naming the file when the Python code of an agent has changed since the run started."""
    files_before = {facts.name: facts.source.files for facts in before if facts.source}
    for facts in now:
        files = facts.source.files if facts.source else {}
        for file, sha in files.items():
            if files_before.get(facts.name, {}).get(file, sha) != sha:
                raise ReplayMismatchError(
                    f"{out}: agent {facts.name!r} was made with another version of {file} when the run was started. "
                    "Undo the change, or use another --out."
                )


def done_dialogues(out: Path, todo: Iterable[Task]) -> set[str]:
    """Return the ids of the dialogues that are there.

    Raises ReplayMismatchError for one made with another profile of the same id.
    """
    profiles = {task.dialogue: task.profile for task in todo}
    done: set[str] = set()
    for number, line in read_objects(out / "dialogues.jsonl", "id"):
        name = line["id"]
        if name in profiles and line.get("profile") != profiles[name].model_dump(mode="json"):
            raise ReplayMismatchError(
                f"{out / 'dialogues.jsonl'}, line {number}: dialogue {name!r} was made with another profile "
                f"{profiles[name].id!r} than the one given now; undo the change or use another --out"
            )
        done.add(name)
    return done


def lacking(out: Path, names: Iterable[str], wanted: list[Wanted], judges: Sequence[Judge]) -> dict[str, list[Wanted]]:
    """Return what each dialogue still lacks of the wanted ratings, made with these judges' models and prompts."""
    if not wanted:
        return {}
    by_scale = {judge.name: judge for judge in judges}
    have: dict[str, set[Wanted]] = {}
    for rating in read_run(out, "ratings.jsonl", Rating):
        judge = by_scale.get(rating.scale)
        if judge is not None and is_current(judge, rating):
            have.setdefault(rating.dialogue, set()).add((rating.scale, rating.vote))
    missing = {name: [rating for rating in wanted if rating not in have.get(name, set())] for name in names}
    return {name: ratings for name, ratings in missing.items() if ratings}
