"""`new_file`: a commented file of one's own to start from, which runs as it is."""

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole

_TALK = "cocoon simulate --profiles shipped:en -n 1 --rounds 2 --appraiser rule"


@dataclass(frozen=True)
class Starter:
    """A kind of file: its template, where a file of that kind goes, and the command that tries it.

    `target` and `command` may hold `$name`, `$id` (the name in small letters), `$file` and `$folder`.
    """

    template: str
    target: str
    command: str


KINDS = {
    "supporter": Starter(
        "supporter.py.txt",
        "$id.py",
        f"{_TALK} --supporter python:$file:$name --user local:smollm2 --out runs/$id",
    ),
    "user": Starter(
        "user.py.txt",
        "$id.py",
        "cocoon simulate --profiles shipped:en -n 1 --rounds 2 "
        "--supporter local:smollm2 --user python:$file:$name --out runs/$id",
    ),
    "judge": Starter("judge.py.txt", "$id.py", "cocoon judge RUN --judge python:$file:$name"),
    "scale": Starter(
        "scale.yaml.txt", "$id.yaml", "cocoon judge RUN --judge local:smollm2 --scales $id --scale-file $file"
    ),
    "prompt": Starter(
        "prompt.en.md.txt",
        "prompts/supporter/$id.en.md",
        f"{_TALK} --supporter local:smollm2 --supporter-prompt $id -o prompts=$folder/prompts "
        "--user local:smollm2 --out runs/$id",
    ),
    "study": Starter("study.yaml.txt", "$id.yaml", "cocoon simulate --config $file --out runs/$id"),
    "human": Starter("human.yaml.txt", "$id.yaml", "cocoon human serve $file --out runs/$id"),
}


@dataclass(frozen=True)
class Started:
    """A new file, and the command that tries it. `RUN` in the command stands for a run folder."""

    path: Path
    command: str


def new_file(kind: str, name: str, folder: str | Path = ".") -> Started:
    """Write a file to start from into `folder`, and return its path with the command that tries it.

    `kind` is one of KINDS. Raises CocoonError for another kind, for a name that is no single word, and for a file that
    already exists.
    """
    if kind not in KINDS:
        raise CocoonError(f"{kind!r} is not known. There are {', '.join(KINDS)}.")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise CocoonError(f"{name!r} cannot be a name. Give one word of letters, digits and underscores.")
    starter = KINDS[kind]
    words = {"name": name, "id": _small(name), "folder": str(folder)}
    path = Path(folder) / Template(starter.target).substitute(words)
    if path.exists():
        raise CocoonError(f"{path} already exists. Choose another name, or another --folder.")
    words["file"] = str(path)
    command = Template(starter.command).substitute(words)
    template = resources.files("cocoon.examples").joinpath("templates", starter.template).read_text("utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CocoonError(f"{path.parent} cannot be made ({error.strerror}). Choose another --folder.") from None
    write_whole(path, [Template(template).substitute(words | {"command": command}).encode()])
    return Started(path, command)


def _small(name: str) -> str:
    """Return a name in small letters, with an underscore before each of its words: `CalmOne` is `calm_one`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
