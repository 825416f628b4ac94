"""Local specs with adapters and controls, from their text to chats on one base."""

import asyncio
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from cocoon.core.errors import CallFailedError, CocoonError
from cocoon.models.by_name import Models
from cocoon.models.local.base import LocalBase
from cocoon.models.local.control import RowColumns
from cocoon.models.local.decoding.writer import generate_replies
from cocoon.models.local.model import LocalChat, describe
from cocoon.models.local.sampling import ReplyRow
from cocoon.models.local.weights import model_hash
from cocoon.running.local_parts import local_parts
from cocoon.steering.control.control import Control
from cocoon.tests.commands import cocoon
from cocoon.tests.models.local import tiny_models as tiny
from cocoon.tests.models.local.watched import watch
from cocoon.tests.steering.steered import direction_for, left_padded, saved_adapter, saved_direction, tiny_family

TALK = [
    SystemMessage("Listen."),
    AIMessage("You look tired."),
    HumanMessage("I am so tired."),
    AIMessage("It is heavy."),
]


TALK += [HumanMessage("Yes.")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, two adapters and two directions."""
    folder = tmp_path_factory.mktemp("specs")
    tiny.tiny_folder(folder / "m")
    saved_adapter(folder / "one", seed=1)
    saved_adapter(folder / "two", seed=2)
    saved_direction(folder / "d.safetensors", tiny.tiny_network())
    saved_direction(folder / "other.safetensors", tiny.tiny_network(), seed=9)
    return folder


def spec_of(place: Path, *parts: str) -> str:
    """A local spec with parts of the folder."""
    return "".join([f"local:{place}/m", *(f"+{part.replace('=', f'={place}/', 1)}" for part in parts)])


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Models:
    """A run's models, in float32."""
    monkeypatch.setattr("cocoon.models.local.weights.best_dtype", lambda _: "float32")
    return Models(parts=local_parts())


def chat_of(models: Models, spec: str) -> LocalChat:
    """The opened chat, which must be local."""
    chat = models.open(spec).chat
    assert isinstance(chat, LocalChat)
    return chat


async def test_specs_on_one_base_share_weights_and_a_batch(
    place: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = [spec_of(place), spec_of(place, "steer=d.safetensors:2"), spec_of(place, "steer=d.safetensors:-2")]
    specs += [spec_of(place, "steer=other.safetensors:2"), spec_of(place, "adapter=one")]
    specs += [spec_of(place, "adapter=two", "steer=d.safetensors:2")]
    chats = [chat_of(models, spec) for spec in specs]
    assert len({id(chat.weights.network) for chat in chats}) == 1
    assert [models.open(spec).label for spec in specs] == specs
    fresh = [chat_of(Models(parts=local_parts()), spec) for spec in specs]
    alone = [str((await chat.ainvoke(TALK, max_tokens=12)).content) for chat in fresh]
    assert len(set(alone)) == len(specs), "every part changes what is said"
    peaks = watch(monkeypatch, chats[0].base.batcher, len(chats))
    together = await asyncio.gather(*(chat.ainvoke(TALK, max_tokens=12) for chat in chats))
    assert [str(reply.content) for reply in together] == alone
    assert peaks == [4, 1, 1], "all coefficients are written together, and each adapter alone"
    assert together[1].response_metadata["model_name"] == specs[1].removeprefix("local:")


async def test_a_base_answers_as_before_once_adapters_are_loaded(place: Path, models: Models) -> None:
    plain = chat_of(models, spec_of(place))
    ids = torch.tensor([[5, 9, 30, 41]])
    with torch.no_grad():
        before = plain.weights.network(ids).logits
    adapted = chat_of(models, spec_of(place, "adapter=one"))
    await adapted.ainvoke("Hi", max_tokens=2)
    with torch.no_grad():
        assert torch.equal(plain.weights.network(ids).logits, before)
    assert model_hash(plain.weights.network) == model_hash(tiny.tiny_network())


async def test_an_adapter_says_what_its_merged_weights_say(place: Path, models: Models) -> None:
    from peft import PeftModel

    adapted = chat_of(models, spec_of(place, "adapter=one"))
    ids = adapted.weights.template.ids([{"role": "user", "content": "I am tired."}])
    network = tiny.tiny_network()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        merged: Any = PeftModel.from_pretrained(network, str(place / "one")).merge_and_unload()
    written = merged.generate(
        input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), do_sample=False, max_new_tokens=8
    )
    said = merged and adapted.weights.tokenizer.decode(written[0, len(ids) :], skip_special_tokens=True)
    reply = await adapted.ainvoke("I am tired.", max_tokens=8)
    assert str(reply.content) == said.rstrip("\ufffd")


async def test_a_call_may_set_its_own_coefficient(place: Path, models: Models) -> None:
    chat = chat_of(models, spec_of(place, "steer=d.safetensors:2"))
    plain = await chat_of(models, spec_of(place)).ainvoke(TALK, max_tokens=10)
    assert (await chat.ainvoke(TALK, max_tokens=10, coefficient=0.0)).content == plain.content
    assert (await chat.ainvoke(TALK, max_tokens=10)).content != plain.content
    with pytest.raises(CocoonError, match="a coefficient needs a direction"):
        await chat_of(models, spec_of(place)).ainvoke("Hi", coefficient=0.5)
    with pytest.raises(CocoonError, match="'coefficient'"):
        await chat.ainvoke("Hi", coefficient=float("nan"))


def test_the_manifest_tells_what_was_laid_over_the_base(place: Path, models: Models) -> None:
    facts = models.open(spec_of(place, "adapter=one", "steer=d.safetensors:0.5") + "+layers=1+mode=norm").facts
    assert facts["steer"]["coefficient"] == 0.5
    assert (facts["steer"]["layers"], facts["steer"]["mode"], facts["steer"]["tokens"]) == ("1", "norm", "reply")
    assert len(facts["steer"]["direction"]) == len(facts["adapter"]["adapter"]) == 64


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("missing", "is not there"),
        ("pickled", "is no safetensors file"),
        ("nan", "NaN"),
        ("family", "made for a model of 3 layers of width 32"),
        ("hash", "model hash"),
        ("layers=7", r"layers \[7\] are not in this direction"),
        ("mode=twist", r"\+mode=twist: is not known; choose add, norm, ablate"),
        ("tokens=all", r"\+tokens=all: is not known"),
    ],
)
def test_a_direction_that_does_not_fit_is_refused(
    place: Path, models: Models, tmp_path: Path, damage: str, words: str
) -> None:
    file, end = tmp_path / "d.safetensors", ""
    network = tiny_family("Llama") if damage == "family" else tiny.tiny_network()
    if damage == "hash":
        network.model.norm.weight.data[0] = 1.5
    if damage == "pickled":
        torch.save({"vectors": torch.ones(2, 32)}, file)
    elif damage != "missing":
        saved_direction(file, network)
    if damage == "nan":
        _spoil(file)
    if "=" in damage:
        end = f"+{damage}"
    with pytest.raises(CocoonError, match=words) as caught:
        models.open(f"local:{place}/m+steer={file}:0.5{end}")
    assert "\n" not in str(caught.value)


def _spoil(file: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(file, framework="pt") as tensors:
        told = tensors.metadata()
    held = load_file(file)
    held["vectors"][0, 0] = float("nan")
    save_file(held, file, told)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("missing", "has no adapter_config.json"),
        ("pickled", "has no adapter_model.safetensors"),
        ("kind", "only LORA adapters"),
        ("saved", "'modules_to_save' changes the base"),
        ("nan", "holds NaN"),
        ("base", "it was trained on another base"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(
    place: Path, models: Models, tmp_path: Path, damage: str, words: str
) -> None:
    folder = tmp_path / "a"
    if damage != "missing":
        saved_adapter(folder)
        _damage(folder, damage)
    with pytest.raises(CocoonError, match=words) as caught:
        models.open(f"local:{place}/m+adapter={folder}")
    assert "\n" not in str(caught.value)
    assert not hasattr(models.bases[f"{place}/m"].weights.network, "peft_config"), "the base is untouched"


def _damage(folder: Path, damage: str) -> None:
    from safetensors.torch import load_file, save_file

    file, config = folder / "adapter_model.safetensors", folder / "adapter_config.json"
    held = load_file(file)
    if damage == "pickled":
        file.unlink()
        torch.save(held, folder / "adapter_model.bin")
    elif damage in ("kind", "saved"):
        told = {"peft_type": "IA3"} if damage == "kind" else {"modules_to_save": ["lm_head"]}
        config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | told), "utf-8")
    else:
        first = next(name for name in held if "lora_A" in name)
        held[first] = torch.full((4, 32 if damage == "nan" else 48), float("nan") if damage == "nan" else 1.0)
        save_file(held, file)


def test_parts_need_someone_who_opens_them(place: Path) -> None:
    with pytest.raises(CocoonError, match=r"\+steer=.*cannot be opened here"):
        Models().open(spec_of(place, "steer=d.safetensors:1"))


async def test_history_is_unsteered_unless_earlier_replies_are_asked_for(place: Path) -> None:
    """`replies` computes the history as if the steered states of every earlier turn had been kept."""
    base = LocalBase.load(str(place / "m"), dtype="float32", device="cpu")
    network, template = base.weights.network, base.weights.template
    first = [{"role": "system", "content": "Listen."}, {"role": "user", "content": "I am so tired."}]
    direction = direction_for(network)
    reply, replies = Control(direction, tokens="reply"), Control(direction, tokens="replies")
    row = ReplyRow(template.ids(first), 6, control=reply, coefficient=1.5)
    generate_replies(base.weights, [row])
    written = base.weights.tokenizer.decode(row.tokens)
    talk = [*first, {"role": "assistant", "content": "It is heavy."}, {"role": "user", "content": "Yes."}]
    assert written != "It is heavy."
    ids, spans = template.ids(talk), template.earlier_replies(talk)
    ((begin, end),) = spans
    assert base.weights.tokenizer.decode(ids[begin:end]) == "It is heavy."
    assert ids[:begin] == template.ids(first)
    keep: dict[str, Any] = {}
    for name, control, places in [
        ("plain", reply, [RowColumns(0, len(ids) + 1)]),
        ("history", replies, [RowColumns(0, len(ids) + 1, tuple(spans))]),
        ("kept", reply, [RowColumns(0, begin)]),
    ]:
        with control.applied(network, [1.5], places), torch.no_grad():
            keep[name] = network(**left_padded([ids]), output_hidden_states=True).hidden_states[-1][0]
    assert torch.equal(keep["history"][: begin - 1], keep["plain"][: begin - 1])
    assert torch.allclose(keep["history"][begin - 1 : end], keep["kept"][begin - 1 : end], atol=1e-5)
    assert not torch.allclose(keep["history"][end:], keep["plain"][end:], atol=1e-3), "later turns see steered states"


async def test_a_chat_steers_earlier_replies_where_asked(place: Path, models: Models) -> None:
    spec = spec_of(place, "steer=d.safetensors:2")
    said = {
        tokens: await chat_of(models, f"{spec}+tokens={tokens}").ainvoke(TALK, max_tokens=12)
        for tokens in ("reply", "replies")
    }
    assert said["reply"].content != said["replies"].content


async def test_a_template_that_hides_earlier_replies_says_so(tmp_path: Path) -> None:
    folder = tiny.tiny_folder(tmp_path / "m", tiny.CHATML, adds_bos=False)
    network = tiny.tiny_network()
    base = LocalBase.load(str(folder), dtype="float32")
    chat = LocalChat.on(base, "m", control=Control(direction_for(network), tokens="replies"), coefficient=1.0)
    with pytest.raises(CallFailedError, match="earlier replies cannot be found"):
        await chat.ainvoke([AIMessage("You look tired."), HumanMessage("I am.")], max_tokens=2)


def test_the_hash_is_the_same_for_every_number_format() -> None:
    hashes = {
        model_hash(tiny_family("Llama").to(kind))  # pyright: ignore[reportArgumentType]
        for kind in (torch.float32, torch.bfloat16, torch.float16)
    }
    assert len(hashes) == 1
    assert model_hash(tiny_family("Qwen2")) not in hashes


async def test_a_streamed_reply_is_the_whole_one_in_pieces(place: Path, models: Models) -> None:
    chat = chat_of(models, spec_of(place))
    drawn: list[dict[str, Any]] = [{"temperature": 0.0}, {"temperature": 1.0, "seed": 4}]
    for settings in drawn:
        whole = await chat.ainvoke(TALK, max_tokens=30, **settings)
        chunks = [chunk async for chunk in chat.astream(TALK, max_tokens=30, **settings)]
        assert "".join(str(chunk.content) for chunk in chunks) == whole.content
        assert len(chunks) > 5
        last: Any = chunks[-1]
        assert last.response_metadata["finish_reason"] == whole.response_metadata["finish_reason"]
        assert last.usage_metadata == whole.usage_metadata


async def test_a_stop_word_never_shows_in_a_stream(place: Path, models: Models) -> None:
    chat = chat_of(models, spec_of(place))
    whole = str((await chat.ainvoke(TALK, max_tokens=30)).content)
    word = whole[5:8]
    chunks = [str(chunk.content) async for chunk in chat.astream(TALK, max_tokens=30, stop=[word])]
    assert "".join(chunks) == whole.partition(word)[0]


def test_facts_of_a_plain_model_hold_no_parts(place: Path, models: Models) -> None:
    assert not {"steer", "adapter"} & describe(chat_of(models, spec_of(place))).keys()


def test_a_run_is_simulated_with_steered_supporters_and_resumed_only_with_the_same_direction(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocoon.models.local.weights.best_dtype", lambda _: "float32")
    tiny.tiny_folder(tmp_path / "m", context=8192)
    saved_direction(tmp_path / "d.safetensors", tiny.tiny_network())
    (tmp_path / "user.jsonl").write_text('"Hm."\n"It is work."\n', "utf-8")
    steered = [f"local:{tmp_path}/m+steer={tmp_path}/d.safetensors:{dose}" for dose in ("0.5", "-0.5")]
    told = [word for spec in (f"local:{tmp_path}/m", *steered) for word in ("--supporter", spec)]
    line = ["simulate", "--profiles", "shipped:en", "-n", "1", "--rounds", "2", *told]
    line += ["--user", f"scripted:{tmp_path}/user.jsonl", "--user-kind", "prompted"]
    out = tmp_path / "run"
    done = cocoon(*line, "--out", str(out), "--json")
    assert done.code == 0, done.err
    dialogues = [json.loads(text) for text in (out / "dialogues.jsonl").read_text("utf-8").splitlines()]
    assert len({dialogue["supporter"] for dialogue in dialogues}) == 3
    assert len({json.dumps(dialogue["turns"]) for dialogue in dialogues}) == 3, "each dose says something else"
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert [manifest["models"][spec]["steer"]["coefficient"] for spec in steered] == [0.5, -0.5]
    again = cocoon(*line, "--out", str(out), "--json")
    assert (again.code, again.json["calls"]) == (0, 0)
    saved_direction(tmp_path / "d.safetensors", tiny.tiny_network(), seed=77)
    changed = cocoon(*line, "--out", str(out), "--json")
    assert changed.code == 2
    assert "its steer is another file than the run was made with" in changed.err
