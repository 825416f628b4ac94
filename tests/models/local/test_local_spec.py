"""How a `local:` spec is read, before any model is opened."""

import pytest

from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import LocalSpec, read_local_spec


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("smollm2", LocalSpec("smollm2")),
        ("owner/name-1.7B", LocalSpec("owner/name-1.7B")),
        ("m+adapter=runs/a b", LocalSpec("m", "runs/a b")),
        ("m+steer=d.safetensors:0.04", LocalSpec("m", None, "d.safetensors", 0.04)),
        ("m+steer=C:\\d.safetensors:-3e-2", LocalSpec("m", None, "C:\\d.safetensors", -0.03)),
        ("a+b.gguf+adapter=x+y+steer=d:0", LocalSpec("a+b.gguf", "x+y", "d", 0.0)),
        ("m+template=chat.jinja", LocalSpec("m", template="chat.jinja")),
        ("m+template=t+steer=d:1", LocalSpec("m", None, "d", 1.0, {}, "t")),
        ("m+steer=d:1+layers=3-5+mode=norm", LocalSpec("m", None, "d", 1.0, {"layers": "3-5", "mode": "norm"})),
    ],
)
def test_a_local_spec_is_read(text: str, spec: LocalSpec) -> None:
    assert read_local_spec(text) == spec


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("m+ster=d:1", r"unknown part '\+ster='; did you mean '\+steer='"),
        ("m+steer=d", "write .steer=PATH:COEF"),
        ("m+steer=d:nan", "finite number"),
        ("m+steer=d:inf", "finite number"),
        ("m+steer=:0.1", "write .steer=PATH:COEF"),
        ("m+adapter=", r"'\+adapter=' is empty"),
        ("m+adapter=a+adapter=b", "given twice"),
        ("m+layers=3", "says how to steer"),
        ("+steer=d:1", "names no base"),
    ],
)
def test_a_local_spec_that_cannot_be_read_is_an_error(text: str, words: str) -> None:
    with pytest.raises(CocoonError, match=words) as caught:
        read_local_spec(text)
    assert "\n" not in str(caught.value)
