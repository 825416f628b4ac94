"""The line that starts vLLM for a study: its base with the adapters beside it, the directions, and the lengths."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cocoon.core.config import StudyConfig, resolve, resolve_as
from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import SERVED_DIRECTIONS, LocalSpec, read_local_spec
from cocoon.core.outside.yaml_text import read_yaml
from cocoon.core.records import Record
from cocoon.core.sampling import SamplingConfig
from cocoon.core.settings import flag
from cocoon.core.verb_settings import VerbSettings
from cocoon.models.local.weights import model_folder
from cocoon.running.estimate import CHARACTERS, JUDGEMENT, SYSTEM
from cocoon.studies.reproduce.config import UNTRAINED, ReproduceConfig, study_of
from cocoon.studies.reproduce.rows import PROFILES, adapter_of
from cocoon.training.adapters.card import adapter_folder

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks of adapters among which vLLM takes its largest."""
BASE = "base"
LAST_PORT = 65535
_PORT = "--port"
_STEP = 256
_QUIET = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}


class ServePlanConfig(Record):
    """How a study's models are served."""

    port: int = flag(8000, "The server's port; it listens on this machine alone.", ge=1, le=LAST_PORT)
    replicas: int = flag(1, "So many servers alike, each on a GPU of its own, at ports that follow.", ge=1)
    directions: list[str] = flag(
        [], "Directions beside those of the study: a file, or a folder such as SWEEP/directions.", metavar="PATH"
    )
    length: int | None = flag(None, "Most tokens of a prompt with its reply; otherwise what the study needs.", ge=1)


SERVE_PLAN = VerbSettings("serve-plan", ServePlanConfig)


class ServePlan(Record):
    """A server for a study: the command with its environment, and which spec each of the study's models has there.

    With several `replicas` the command is that of the first, and every spec names all of them.
    """

    environment: dict[str, str]
    command: list[str]
    specs: dict[str, str]
    replicas: int = 1

    @property
    def line(self) -> str:
        """The command line for a shell, that of the first replica."""
        return self.lines[0]

    @property
    def lines(self) -> list[str]:
        """The command line of every replica. Where there are several, each sees one GPU."""
        at = self.command.index(_PORT) + 1
        return [
            _line(
                self.environment | ({"CUDA_VISIBLE_DEVICES": str(number)} if self.replicas > 1 else {}),
                [*self.command[:at], str(int(self.command[at]) + number), *self.command[at + 1 :]],
            )
            for number in range(self.replicas)
        ]


def _line(environment: Mapping[str, str], command: Sequence[str]) -> str:
    return shlex.join(["env", *(f"{name}={value}" for name, value in environment.items()), *command])


@dataclass(frozen=True)
class _Row:
    """A model of the study at the server: under which name, and which part of its spec says how to steer."""

    name: str
    spec: str
    parts: LocalSpec

    @property
    def served(self) -> str:
        """Return the name of the model with how it is steered."""
        return self.name + self.spec[self.spec.find("+steer=") :] if self.parts.steer else self.name


def study_to_serve(file: Path, options: Sequence[str], out: Path | None) -> tuple[StudyConfig, str]:
    """Return the study of a YAML file with local models, and the name of its base at a server.

    Of a reproduction in the folder `out` these are its rows in all languages. Raises CocoonError for one without it.
    """
    if "rows" not in (read_yaml(file) or {}):
        return resolve(file, options).config, BASE
    if out is None:
        raise CocoonError(f"{file} is a reproduction: name the folder of its adapters with --out")
    config = resolve_as(ReproduceConfig, file, options).config.model_copy(update={"served": None})
    adapters = {row.name: adapter_of(row, out) for row in config.rows}
    studies = [study_of(config, language, adapters, out / PROFILES) for language in config.languages]
    supporters = {supporter.name: supporter for study in studies for supporter in study.supporters}
    return studies[0].model_copy(update={"supporters": list(supporters.values())}), UNTRAINED


def plan_server(config: StudyConfig, base: str, assumed: ServePlanConfig) -> ServePlan:
    """Return the server of a study whose models are local ones. `base` is what theirs is called there.

    No model is loaded. Raises CocoonError for a study without a local model, for one with several bases, and for an
    adapter that is missing or that vLLM cannot serve.
    """
    rows = list(_rows(config, base))
    models = sorted({row.parts.base for row in rows})
    if len(models) != 1:
        names = ", ".join(f"local:{model}" for model in models) or "none"
        raise CocoonError(f"a server has one base, and the local models of this study have {names}; name local:BASE")
    folder, _ = model_folder(models[0])
    adapters = {row.name: adapter_folder(Path(row.parts.adapter)) for row in rows if row.parts.adapter}
    directions = [row.parts.steer for row in rows if row.parts.steer] + assumed.directions
    ports = range(assumed.port, assumed.port + assumed.replicas)
    if ports[-1] > LAST_PORT:
        raise CocoonError(f"--port {assumed.port} --replicas {assumed.replicas}: there is no port above {LAST_PORT}")
    address = ",".join(f"http://127.0.0.1:{port}/v1" for port in ports)
    length = min(assumed.length or length_of(config), _context(folder))
    command = ["vllm", "serve", str(folder.absolute()), "--served-model-name", base]
    command += ["--host", "127.0.0.1", _PORT, str(assumed.port)]
    command += ["--max-model-len", str(length), "--enable-prefix-caching"]
    command += [*_with_adapters(adapters), *(["--enforce-eager"] if directions else ())]
    return ServePlan(
        environment={**_QUIET, **(_steering(directions) if directions else {})},
        command=command,
        specs={row.spec: f"{address}#{row.served}" for row in rows},
        replicas=assumed.replicas,
    )


def _rows(config: StudyConfig, base: str) -> Iterator[_Row]:
    """Yield the study's local models, each adapter under the name of the first supporter that has it."""
    names: dict[str, str] = {}
    named = [(supporter.model, supporter.name) for supporter in config.supporters]
    others = (config.user.model, config.user.appraiser, config.judge.model)
    for spec, name in [*named, *((other, "") for other in others if other)]:
        if not spec.startswith("local:"):
            continue
        parts = read_local_spec(spec.removeprefix("local:"))
        if parts.adapter is None:
            yield _Row(base, spec, parts)
            continue
        row = names.setdefault(parts.adapter, _file_name(name or Path(parts.adapter).name))
        yield _Row(row, spec, parts)


def _file_name(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() or letter in "._" else " " for letter in name).split())


def _with_adapters(adapters: Mapping[str, Path]) -> list[str]:
    if not adapters:
        return []
    rank = max(_rank(folder) for folder in adapters.values())
    largest = next((number for number in RANKS if number >= rank), None)
    if largest is None:
        raise CocoonError(
            f"an adapter has rank {rank}, and vLLM serves up to {RANKS[-1]}; merge it (cocoon train merge)"
        )
    modules = [f"{name}={folder.absolute()}" for name, folder in adapters.items()]
    sizes = ["--max-loras", str(len(adapters)), "--max-lora-rank", str(largest)]
    return ["--enable-lora", *sizes, "--lora-modules", *modules]


def _rank(folder: Path) -> int:
    file = folder / "adapter_config.json"
    if not file.is_file():
        raise CocoonError(f"{folder} holds no adapter; train it first (cocoon reproduce --stages import,train)")
    settings = json.loads(file.read_text("utf-8"))
    return max([settings["r"], *settings.get("rank_pattern", {}).values()])


def _steering(directions: Sequence[str]) -> dict[str, str]:
    paths = dict.fromkeys(str(Path(path).expanduser().absolute()) for path in directions)
    return {SERVED_DIRECTIONS: ":".join(paths), "VLLM_USE_V2_MODEL_RUNNER": "0"}


def _context(folder: Path) -> int:
    """Return the longest row that the model was made for."""
    settings = json.loads((folder / "config.json").read_text("utf-8"))
    text = settings.get("text_config", settings)
    return int(text.get("max_position_embeddings") or text.get("max_sequence_length") or 1 << 30)


def length_of(config: StudyConfig) -> int:
    """Return the tokens of the longest prompt of a study with its reply, if every turn is as long as it may be.

    Characters of the shipped prompts are counted as in a dry run, at twice the tokens, as a language of few
    characters to the token needs them.
    """
    supporter = max(_most(one) for one in config.supporters)
    talk = config.rounds * (supporter + _most(config.user))
    judging = JUDGEMENT if config.judge.model else 0
    replies = [supporter, _most(config.user), _most(config.judge) if config.judge.model else 0]
    needed = talk + 2 * max(SYSTEM, judging) // CHARACTERS + max(replies)
    return -(-needed // _STEP) * _STEP


def _most(config: SamplingConfig) -> int:
    return config.call_tokens or config.max_tokens
