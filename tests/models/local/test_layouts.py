"""Models of other makers: their layers, templates and ends of turn, on tiny random models of each shape."""

from pathlib import Path
from typing import Any

import gguf
import pytest

from cocoon.core.errors import CocoonError
from cocoon.models.by_name import open_local
from cocoon.models.local.embedded import cache_folder
from cocoon.models.local.model import LocalChat, describe
from cocoon.models.local.template import reply_end
from cocoon.models.local.weights import load_weights
from cocoon.running.local_parts import local_parts
from cocoon.tests.models.local import tiny_models as tiny
from cocoon.tests.models.local.chat_styles import NEVER_ENDS
from cocoon.tests.steering.steered import saved_direction, tiny_family

_OPEN, _CLOSE = "<|im_start|>", "<|im_end|>"
# In the manner of each maker, with the control tokens of the tiny tokenizer.
GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    f"{_OPEN}{{{{ 'model' if m.role == 'assistant' else m.role }}}}\n{{{{ m.content | trim }}}}{_CLOSE}\n{{% endfor %}}"
    f"{{% if add_generation_prompt %}}{_OPEN}model\n{{% endif %}}"
)
MISTRAL = (
    "{{ bos_token }}{% set first = messages[0].role == 'system' %}"
    "{% set talk = messages[1:] if first else messages %}"
    "{% for m in talk %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if m.role == 'user' %}[INST] {% if first and loop.last %}{{ messages[0].content }}\n\n{% endif %}"
    "{{ m.content }} [/INST]{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
)
QWEN = (
    f"{{% for m in messages %}}{_OPEN}{{{{ m.role }}}}\n{{{{ m.content }}}}{_CLOSE}\n{{% endfor %}}"
    f"{{% if add_generation_prompt %}}{_OPEN}assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
SHAPES = [("Gemma2", GEMMA), ("Gemma3Text", GEMMA), ("Mistral", MISTRAL), ("Qwen2", QWEN), ("Qwen3", QWEN)]
TALK: Any = [
    {"role": "system", "content": "Be kind."},
    {"role": "assistant", "content": "You look tired."},
    {"role": "user", "content": "I am."},
]


def folder_of(folder: Path, family: str, template: str | None, *, ends: Any = 2, eos: str = _CLOSE) -> Path:
    """A model folder of a family, as the hub would give it."""
    network, tokenizer = tiny_family(family), tiny.tiny_tokenizer(template)
    network.generation_config.eos_token_id = ends
    network.save_pretrained(folder)
    tokenizer.eos_token = eos
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("family", "template"), SHAPES)
def test_a_model_of_another_shape_is_opened_and_steered_from_its_spec(
    tmp_path: Path, family: str, template: str
) -> None:
    base = folder_of(tmp_path / "m", family, template)
    direction = saved_direction(tmp_path / "d.safetensors", tiny_family(family))
    bases: dict[str, Any] = {}
    plain, steered = (
        open_local(f"{base}{part}", local_parts(), bases) for part in ("", f"+steer={direction}:0.9+tokens=reply")
    )
    ids = plain.weights.template.ids(TALK)
    assert ids.count(0) == 1 and ids[0] == 0
    prompt = plain.weights.tokenizer.decode(ids)
    assert all(words in prompt for words in ("Be kind.", "You look tired.", "I am."))
    said = [chat.invoke([(m["role"], m["content"]) for m in TALK], max_tokens=12).content for chat in (plain, steered)]
    assert said[0] != said[1]
    assert len(bases) == 1


def test_every_end_of_turn_that_the_settings_name_ends_a_reply(tmp_path: Path) -> None:
    endless = LocalChat.load(str(folder_of(tmp_path / "a", "Llama", tiny.WITH_BOS)), dtype="float32")
    words = endless.invoke("Hi", max_tokens=8)
    spoken = endless.weights.tokenizer(str(words.content), add_special_tokens=False)["input_ids"]
    end = spoken[3]
    ending = LocalChat.load(str(folder_of(tmp_path / "b", "Llama", tiny.WITH_BOS, ends=[2, end])), dtype="float32")
    assert ending.weights.eos == sorted([2, end])
    short = ending.invoke("Hi", max_tokens=8)
    assert short.response_metadata["finish_reason"] == "stop"
    assert len(str(short.content)) < len(str(words.content))


def test_the_end_of_turn_in_the_template_is_known_though_the_settings_name_another(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "m", "Llama", tiny.CHATML, ends=3, eos="<pad>")
    assert load_weights(str(folder), "cpu", "float32").eos == [2, 3]


def test_a_template_of_ones_own_takes_the_place_of_the_models(tmp_path: Path) -> None:
    folder, file = folder_of(tmp_path / "m", "Llama", None), tmp_path / "own.jinja"
    with pytest.raises(CocoonError, match=r"no chat template that works.*\+template=FILE"):
        load_weights(str(folder), "cpu", "float32")
    file.write_text(QWEN, "utf-8")
    chat = open_local(f"{folder}+template={file}", local_parts(), {})
    assert describe(chat)["template"] == chat.weights.template.sha256[:12]
    prompt = chat.weights.tokenizer.decode(chat.weights.template.ids(TALK))
    assert "<think>" in prompt and "You look tired." in prompt


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{% for m in messages %}", "cannot be rendered"),
        ("{{ messages.__class__.__mro__[1].__subclasses__() }}", "cannot be rendered"),
        ("Hello!", "leaves out what the user says"),
    ],
)
def test_a_template_that_does_not_work_is_one_line_before_anything_is_loaded(
    tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "own.jinja"
    file.write_text(text, "utf-8")
    with pytest.raises(CocoonError, match=words) as caught:
        load_weights(str(tmp_path / "no-such-model.gguf"), "cpu", "float32", str(file))
    assert "\n" not in str(caught.value)
    with pytest.raises(CocoonError, match="cannot be read"):
        load_weights("smollm2", "cpu", "float32", str(tmp_path / "none.jinja"))


@pytest.mark.parametrize(("template", "words"), [(None, "has no chat template"), ("{% if %}", "cannot be rendered")])
def test_a_gguf_file_without_a_template_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str | None, words: str
) -> None:
    monkeypatch.setenv("COCOON_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(gguf.GGUFWriter, "add_chat_template", lambda writer, _: _set(writer, template))
    file, own = tiny.tiny_gguf(tmp_path / "tiny.gguf"), tmp_path / "own.jinja"
    with pytest.raises(CocoonError, match=words):
        load_weights(str(file), "cpu", "float32")
    assert not (cache_folder() / "models").exists(), "nothing was unpacked"
    own.write_text(tiny.CHATML, "utf-8")
    assert load_weights(str(file), "cpu", "float32", str(own)).template_file == str(own)


def _set(writer: gguf.GGUFWriter, template: str | None) -> None:
    if template is not None:
        writer.add_string("tokenizer.chat_template", template)


def test_a_template_that_never_ends_a_turn_has_no_end_of_its_own() -> None:
    assert reply_end(tiny.tiny_tokenizer(None)) is None
    assert reply_end(tiny.tiny_tokenizer(NEVER_ENDS)) is None
    assert reply_end(tiny.tiny_tokenizer(tiny.CHATML)) == 2
