"""Chat models by name: `openai:gpt-4o`, `http://127.0.0.1:8000/v1#qwen`, `local:smollm2`, `scripted:FILE`.

Every one is a LangChain `BaseChatModel`. A `Model` adds what a run must know about it: label, host, pool.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel

from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import read_local_spec, read_served_spec, refuse_secrets, split_addresses
from cocoon.core.outside.python_code import load_object
from cocoon.core.progress import working
from cocoon.models.ledger import Ledger
from cocoon.models.local.control import Adapter, Parts
from cocoon.models.pool import Pool
from cocoon.models.remote.server_load import ServerLoad, SharesLoad
from cocoon.models.scripted import ScriptedChat, is_scripted

if TYPE_CHECKING:
    from cocoon.models.local.base import LocalBase
    from cocoon.models.local.model import LocalChat

SPEC_HELP = (
    "openai:NAME, http://HOST:PORT/v1[,http://OTHER:PORT/v1...]#NAME[+steer=PATH:COEF], "
    "local:NAME-OR-PATH[+template=FILE][+adapter=PATH][+steer=PATH:COEF] "
    "(local:smollm2 is embedded), python:FILE.py:NAME, scripted:FILE"
)
LOCAL_BATCH = 16
_KINDS = ("openai", "http", "https", "local", "python", "scripted")


@dataclass
class Model:
    """A chat model as a run uses it.

    `label` is the spec as every record has it. `host` is where the model sends text (None: the text stays in this
    process). `rung` is the best rung of the structured-output ladder that the endpoint has not refused, and `learnt`
    what else it does not accept (`models/remote/capabilities.py`). `formats` are the rungs under which it has given
    words, and `blanks` counts its empty replies by rung.
    """

    label: str
    chat: BaseChatModel
    pool: Pool
    host: str | None = None
    rung: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    learnt: set[str] = field(default_factory=set)
    formats: set[int] = field(default_factory=set)
    blanks: Counter[int] = field(default_factory=Counter)

    def draws(self, temperature: float | None) -> bool:
        """Return whether two equal calls may get two replies. A server may not take the temperature that was asked."""
        return temperature is None or temperature > 0 or "temperature" in self.learnt

    @property
    def capabilities(self) -> dict[str, Any]:
        """What was learnt of the endpoint, for the manifest."""
        return {"learnt": sorted(self.learnt), "rung": self.rung} if self.learnt or self.rung else {}

    def recall(self, capabilities: Mapping[str, Any]) -> None:
        """Take what an earlier session learnt as known."""
        self.learnt.update(capabilities.get("learnt", []))
        self.rung = max(self.rung, capabilities.get("rung", 0))

    def note_larger(self) -> None:
        """Note that words came only when a call was let take more tokens. Later calls get as many at once."""
        self.learnt.add("thinks")


def host_of(spec: str) -> str | None:
    """Return the host that a spec's model would talk to, without opening it, or None for a model in this process."""
    kind, _, _ = spec.partition(":")
    if kind in ("http", "https"):
        return ", ".join(map(_netloc, split_addresses(spec.partition("#")[0])))
    if kind == "openai":
        return _netloc(os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com")
    return None


def host_of_chat(chat: BaseChatModel) -> str | None:
    """Return the host that a chat model of the user's own names as its address, None where it names none."""
    for name in ("openai_api_base", "base_url", "endpoint"):
        address = getattr(chat, name, None)
        if isinstance(address, str) and (host := _netloc(address)):
            return host
    return None


def _netloc(address: str) -> str:
    try:
        return urlsplit(address).netloc.rpartition("@")[2]
    except ValueError:
        raise CocoonError(
            f"address {address!r} is not understood; write one such as http://127.0.0.1:8000/v1"
        ) from None


def open_chat(
    spec: str, parts: Parts | None = None, bases: "dict[str, LocalBase] | None" = None
) -> tuple[BaseChatModel, str | None]:
    """Return the chat model that a spec names, and the host it talks to (None: in this process).

    `parts` opens the adapter and the control of a local spec. `bases` has the bases that are already loaded, and a new
    one is added to it. Raises CocoonError for a spec that cannot be read, a missing key, or what cannot be loaded.
    """
    check_spec(spec)
    kind, _, rest = spec.partition(":")
    if kind == "local":
        return open_local(rest, parts, {} if bases is None else bases), None
    if kind == "scripted":
        return ScriptedChat.from_file(Path(rest)), None
    if kind == "python":
        chat, _ = load_object(spec)
        if not isinstance(chat, BaseChatModel):
            raise CocoonError(f"model {spec!r} must be a LangChain chat model here, and is {type(chat).__name__}.")
        return chat, host_of_chat(chat)
    return _open_remote(kind, rest, spec)


def check_spec(spec: str) -> None:
    """Raise CocoonError for a spec that cannot be read, as far as that shows without a key and without loading it."""
    refuse_secrets(spec)
    kind, _, rest = spec.partition(":")
    if kind not in _KINDS or not rest:
        raise CocoonError(f"model {spec!r} is not understood; write {SPEC_HELP}")
    if kind == "local":
        read_local_spec(rest)
    elif kind == "scripted":
        ScriptedChat.from_file(Path(rest))
    elif kind in ("http", "https"):
        read_served_spec(_address_and_name(spec)[1])


def _facts(spec: str, chat: Any) -> dict[str, Any]:
    """Return what a manifest says of a model: exact weights, adapter, direction, as far as this process knows them."""
    if not spec.startswith("local:"):
        return dict(getattr(chat, "facts", {}))
    from cocoon.models.local.model import describe

    return describe(chat)


def open_local(text: str, parts: Parts | None, bases: "dict[str, LocalBase]") -> "LocalChat":
    """Return the local model of a spec without its `local:`, on the base in `bases`, which is loaded if missing."""
    from cocoon.models.local.base import LocalBase
    from cocoon.models.local.model import LocalChat

    named = read_local_spec(text)
    # A base under another template speaks otherwise, and is loaded on its own.
    key = f"{named.base}+template={named.template}" if named.template else named.base
    if key not in bases:
        with working(f"loading local:{key}"):
            bases[key] = LocalBase.load(named.base, batch_size=LOCAL_BATCH, template=named.template)
    base = bases[key]
    adapter = base.adapter(named.adapter, parts) if named.adapter else None
    control = base.control(named.steer, named.options, parts) if named.steer else None
    if adapter is not None and control is not None:
        check_thoughts(f"local:{text}", adapter, control.facts().get("at"))
    return LocalChat.on(base, text, adapter=adapter, control=control, coefficient=named.coefficient)


def check_thoughts(spec: str, adapter: Adapter, at: str | None) -> None:
    """Raise CocoonError where sentences are to be steered as they begin, and the adapter thinks before it speaks."""
    if at == "starts" and adapter.facts().get("thoughts") == "inline":
        raise CocoonError(
            f"model {spec!r}: the adapter writes its thoughts before it speaks, and where spoken sentences begin among "
            "their tags is not told apart; steer at every token (+at=every, --at every)"
        )


def _open_remote(kind: str, rest: str, spec: str) -> tuple[BaseChatModel, str]:
    from cocoon.models.remote.endpoint import EndpointChat, open_endpoint

    if kind == "openai":
        chat = open_endpoint(rest, None)
        return chat, chat.host
    url, name = _address_and_name(spec)
    named, kind_of_chat, fields = read_served_spec(name), EndpointChat, dict[str, Any]()
    if named.steer is not None:
        from cocoon.models.remote.steered import SteeredEndpointChat, steering_arguments

        kind_of_chat, fields = SteeredEndpointChat, {"arguments": steering_arguments(named)}
    servers = [open_endpoint(named.base, address, kind_of_chat, **fields) for address in split_addresses(url)]
    if len(servers) == 1:
        return servers[0], servers[0].host
    from cocoon.models.remote.replicas import ReplicatedChat

    chat = ReplicatedChat(servers=servers)
    return chat, chat.host


def _address_and_name(spec: str) -> tuple[str, str]:
    url, _, name = spec.partition("#")
    if ",http" in name:
        raise CocoonError(f"model {spec!r}: write all addresses first, http://A/v1,http://B/v1#NAME")
    if not name or not all(map(_netloc, split_addresses(url))):
        raise CocoonError(f"model {spec!r}: write the server's address and the model's name, as {SPEC_HELP}")
    return url, name


@dataclass
class Models:
    """The models of one run: each spec opened once, each local base loaded once, one pool per endpoint, one ledger.

    `parts` opens the adapters and controls of local specs. `on_stop` are told when no new request is to start.
    """

    connections: int = 32
    timeout: float = 60.0
    patience: float = 900.0
    ledger: Ledger = field(default_factory=Ledger)
    opened: dict[str, Model] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    loads: dict[tuple[str, ...], ServerLoad] = field(default_factory=dict)
    parts: Parts | None = None
    bases: "dict[str, LocalBase]" = field(default_factory=dict)
    on_stop: list[Callable[[Exception | None], None]] = field(default_factory=list)

    def open(self, spec: str) -> Model:
        """Return the model named by `spec`, opened at its first use."""
        if spec not in self.opened:
            chat, host = open_chat(spec, self.parts, self.bases)
            self.opened[spec] = self.wrap(spec, chat, host)
            self.opened[spec].facts |= _facts(spec, chat)
        return self.opened[spec]

    def wrap(self, label: str, chat: BaseChatModel, host: str | None = None) -> Model:
        """Return any LangChain chat model as a run's model, with the pool of its host (or one of its own)."""
        if self.ledger.limits.money is not None and host and label not in self.ledger.prices:
            raise CocoonError(f"--budget-money cannot be kept without a price for {label!r}; add it to prices")
        where = host or label
        if isinstance(chat, SharesLoad):
            # Several models at the same servers know of each other's requests.
            chat.share_load(self.loads.setdefault(chat.addresses, chat.load))
        if where not in self.pools:
            # A local reply waits for its batch and a slow processor: only a remote call has a time limit.
            timeout = self.timeout if host else 24 * 3600.0
            self.pools[where] = Pool(
                self.connections, timeout=timeout, patience=self.patience, budget=self.ledger, name=where
            )
        learnt: set[str] = getattr(chat, "learnt", set())
        facts: dict[str, Any] = {"scripted": True} if is_scripted(chat) else {}
        model = Model(label, chat, self.pools[where], host, facts=facts, learnt=learnt)
        self.opened[label] = model
        return model

    @property
    def hosts(self) -> list[str]:
        """Hosts that the opened models talk to."""
        return sorted({model.host for model in self.opened.values() if model.host})

    @property
    def routes(self) -> list[str]:
        """Hosts that the opened models talk to, each with the proxy that the text goes through."""
        return sorted({getattr(model.chat, "route", model.host) for model in self.opened.values() if model.host})

    def stop(self, reason: Exception | None = None) -> None:
        """Start no new request anywhere."""
        for pool in self.pools.values():
            pool.stop(reason)
        for stop in self.on_stop:
            stop(reason)

    async def aclose(self) -> None:
        """Close what the models hold open."""
        for model in self.opened.values():
            close = getattr(model.chat, "aclose", None)
            if close is not None:
                await close()
