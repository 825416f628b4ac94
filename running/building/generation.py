"""One session of building data: items in, records out. What is not kept is stored beside them with its reason.

The same machinery as for conversations: journal, resume, budget, trace. Some records are decided on only when all are
there (a near-duplicate, the lowest share of ratings). They are decided on at the end of every session, over everything
made so far in the order of the items, so that the outcome does not depend on timing or on interruptions.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from langgraph.graph.state import CompiledStateGraph

from cocoon.core.config import RunConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, parse_record, read_objects, write_whole
from cocoon.core.records import Dropped, Profile, Record, Stage
from cocoon.models.batches.queue import batches_of
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller
from cocoon.running.folder import BATCHES, DROPPED, read_run
from cocoon.running.frame import Outcome, Watch, opened_run, run_session, window_of
from cocoon.running.reading.scales import FOLDER, keep_scales
from cocoon.running.resume import refuse_changed_prompts
from cocoon.running.shards.shard import Shard, keep_shard
from cocoon.running.work import Progress, Work

# Keys of the graphs' states to which nodes add; all others they replace.
GATHERED = frozenset({"calls", "answers", "failures"})


@dataclass(frozen=True)
class Item:
    """One thing to be made: its id, and the graph's input."""

    id: str
    given: dict[str, Any]


class Generator(Protocol):
    """What is made and how, one for each kind of data.

    `kept` is the file of what is kept, and `kind` its record. `late` has the reasons that `sieve` gives. `shas` are
    hashes of what the outcome depends on (prompts, a taxonomy), by name, and `roles` are the models by role. What is
    not declared otherwise makes profiles.
    """

    stage: ClassVar[Stage] = "profile"
    kept: ClassVar[str] = "profiles.jsonl"
    kind: ClassVar[type[Record]] = Profile
    late: ClassVar[frozenset[str]] = frozenset()

    @property
    def recursion_limit(self) -> int:
        """Steps that one item's graph may take."""
        return 40

    def graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """Return the compiled graph."""
        ...

    def context(self, caller: Caller) -> Any:
        """Return what its nodes are given."""
        ...

    def made(self, item: Item, state: Mapping[str, Any]) -> Record:
        """Return the record of the final state of an item that its graph did not drop."""
        del item
        return Profile.model_validate(state["profile"])

    def dropped(self, item: Item, state: Mapping[str, Any]) -> Dropped:
        """Return why there is no record, with all that stood when the item was dropped."""
        content = {key: value for key, value in state.items() if key not in ("drop", "seeds")}
        return Dropped(id=item.id, stage=self.stage, content=content, **state["drop"])

    def sieve(self, records: Sequence[Any], folder: Path) -> dict[str, tuple[str, str]]:
        """Id -> (reason, detail) of those records, in the order of their items, that are not kept after all."""
        del records, folder
        return {}

    def notes(self, records: Sequence[Any]) -> list[str]:
        """Return what is to be told of all records that were decided on together."""
        ...

    def shas(self) -> dict[str, str]: ...

    def roles(self) -> dict[str, list[str]]: ...


@dataclass
class Generated(Outcome):
    """How a session of building went. `reasons` counts what was dropped. When nothing was kept, the exit code is 1.

    What a `shard` keeps is decided on later.
    """

    kept: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    shard: str | None = None

    @property
    def exit_code(self) -> int:
        """The exit code of every session, and 1 when nothing was kept."""
        code = super().exit_code
        return code or (0 if self.kept or self.shard else 1)


@dataclass(kw_only=True)
class Generation(Work):
    """The work of one session: walks the items' graphs and files what comes out."""

    generator: Generator

    async def make(self, items: Sequence[Item], done: set[str]) -> None:
        """Make the items that are not `done`, and have not failed in this session."""
        self.progress.dialogues = len(items)
        self.progress.resumed = sum(item.id in done for item in items) - self.progress.done
        done = done | {failure.dialogue for failure in self.folder.failures}
        graph, context = self.generator.graph(), self.generator.context(self.caller)
        await self.admit(self._make(item, graph, context) for item in items if item.id not in done)

    async def _make(self, item: Item, graph: CompiledStateGraph[Any, Any, Any, Any], context: Any) -> None:
        self.caller.admit(item.id)
        try:
            state: dict[str, Any] = dict(item.given)
            async for update in self.walk(graph, item.id, item.given, context, self.generator.recursion_limit):
                gathered = {key: [*state.get(key, []), *update[key]] for key in GATHERED & update.keys()}
                state |= {**update, **gathered}
            outcome = self.generator.dropped if state.get("drop") else self.generator.made
            self._file(outcome(item, state))
            self.progress.done += 1
            self.folder.tried.add(item.id)
        except Exception as error:
            self.failed(item.id, self.generator.stage, error)
        finally:
            self.caller.dismiss(item.id)

    def _file(self, record: Record) -> None:
        if isinstance(record, Dropped):
            self.progress.dropped += 1
            self.folder.add(DROPPED, record)
        else:
            self.folder.add(self.generator.kept, record)


async def generate(
    generator: Generator,
    items: Sequence[Item],
    config: RunConfig,
    models: Models,
    out: Path,
    watch: Watch | None = None,
) -> Generated:
    """Make every item, or those of a shard. The same call again goes on where it stopped.

    A shard keeps what can be decided on only with the records of all shards.
    """
    shard, run_order = Shard.of(config.shard), [item.id for item in items]
    contents = [json.dumps(item.given) for item in items] if shard else []
    if shard is not None:
        items = shard.part_of(items, lambda item: item.id)
    order = [item.id for item in items]
    # Before the folder agrees to anything: a prompt that is not there must not stand in its settings.
    shas = generator.shas()
    with opened_run(out, config.seed, (generator.kept, DROPPED)) as (folder, manifest):
        folder.agree(config)
        keep_shard(out, shard, run_order, order, contents, undecided=True)
        if folder.journal.spent():
            refuse_changed_prompts(out, manifest.prompts, shas)
        manifest.prompts |= shas
        keep_scales(out, [], [name.removeprefix(f"{FOLDER}/") for name in shas if name.startswith(f"{FOLDER}/")])
        manifest.roles = generator.roles()
        batches = batches_of(config, folder.journal, models, out / BATCHES)
        work = Generation(
            folder,
            Caller(folder.journal, seed=config.seed, batches=batches),
            window_of(config.concurrency),
            models.stop,
            Progress(things=generator.kept.removesuffix(".jsonl")),
            generator=generator,
        )

        async def make() -> None:
            await work.make(items, _ids(out, generator.kept) | _ids(out, DROPPED))

        outcome = await run_session(work, manifest, models, lambda: work.in_batches(batches, make), order, watch)
        kept, dropped, notes = decide(generator, out, order) if shard is None else _undecided(generator, out)
    return Generated(**vars(outcome), kept=kept, reasons=reasons_of(dropped), notes=notes, shard=config.shard)


def reasons_of(dropped: Iterable[Dropped]) -> Counter[str]:
    """Return how many records were dropped at which node, for which reason."""
    return Counter(f"{record.node}: {record.reason}" for record in dropped)


def _ids(out: Path, name: str) -> set[str]:
    file = out / name
    return {line["id"] for _, line in read_objects(file, "id")} if file.exists() else set()


Decided = tuple[int, list[Dropped], list[str]]
"""How many records are kept, what is dropped, and what is to be told of all."""


def _undecided(generator: Generator, path: Path) -> Decided:
    """Return what a shard has, which leaves to the merged run what needs the records of all shards."""
    kind: Any = generator.kind
    kept = sum(1 for _ in read_run(path, generator.kept, kind))
    reasons = ", ".join(sorted(generator.late))
    note = f"{reasons}: decided on when the shards are merged, because it needs the records of all"
    return kept, list(read_run(path, DROPPED, Dropped)), [note]


def decide(generator: Generator, path: Path, order: Sequence[str]) -> Decided:
    """Decide on all that was made, and write what is kept and what is not."""
    position = {name: number for number, name in enumerate(order)}
    early: list[Dropped] = []
    kind: Any = generator.kind
    records: dict[str, Any] = {record.id: record for record in read_run(path, generator.kept, kind)}
    for record in read_run(path, DROPPED, Dropped):
        if record.reason in generator.late:
            records.setdefault(
                record.id, parse_record(record.content, generator.kind, f"{path / DROPPED}: {record.id!r}")
            )
        else:
            early.append(record)
    ordered = sorted(records.values(), key=lambda record: (position.get(record.id, len(position)), record.id))
    out = generator.sieve(ordered, path)
    late = [_late(generator, record, *out[record.id]) for record in ordered if record.id in out]
    kept = [record for record in ordered if record.id not in out]
    dropped = sorted([*early, *late], key=lambda record: (position.get(record.id, len(position)), record.id))
    write_whole(path / generator.kept, map(dump_line, kept))
    write_whole(path / DROPPED, map(dump_line, dropped))
    return len(kept), dropped, generator.notes(ordered)


def _late(generator: Generator, record: Any, reason: str, detail: str) -> Dropped:
    if reason not in generator.late:
        raise CocoonError(f"reason {reason!r} is not one of {', '.join(sorted(generator.late))}")
    content = record.model_dump(mode="json")
    stage = "profile" if generator.stage == "profile" else "script"
    return Dropped(id=record.id, stage=stage, node="sieve", reason=reason, detail=detail, content=content)


def reasons_line(reasons: Mapping[str, int]) -> str:
    """Return what was dropped and why, in one line, the most frequent first."""
    ordered: Iterable[tuple[str, int]] = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{number} {reason}" for reason, number in ordered)
