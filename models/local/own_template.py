"""Chat templates that come from a file: one of the user's own, or the one inside a GGUF file, read before it is used.

Templates are rendered by transformers, in its sandbox.
"""

from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.models.local.libraries import first_line, require_libraries

_IN_GGUF = "tokenizer.chat_template"
_HINT = "give one that works: local:BASE+template=FILE.jinja"


def read_template(file: str) -> str:
    """Return the chat template in a file. Raises CocoonError if it cannot be read, or cannot render a user's turn."""
    path = Path(file).expanduser()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CocoonError(f"+template={file}: cannot be read ({first_line(error)}); give a jinja file") from None
    check_template(text, f"+template={file}")
    return text


def check_template(text: str, where: str) -> None:
    """Raise CocoonError for a chat template that cannot render a user's turn with what the user says."""
    from jinja2 import TemplateError
    from transformers.utils.chat_template_utils import render_jinja_template

    turn = [{"role": "user", "content": "USER-TURN"}]
    marks: dict[str, Any] = {"bos_token": "", "eos_token": "", "pad_token": "", "unk_token": ""}
    try:
        rendered, _ = render_jinja_template(
            conversations=[turn], chat_template=text, add_generation_prompt=True, enable_thinking=False, **marks
        )
    except (TemplateError, ValueError, TypeError) as error:
        raise CocoonError(f"{where}: its chat template cannot be rendered ({first_line(error)}); {_HINT}") from None
    if "USER-TURN" not in rendered[0]:
        raise CocoonError(f"{where}: its chat template leaves out what the user says; {_HINT}")


def check_packed_template(gguf: Path) -> None:
    """Raise CocoonError for a GGUF file without a chat template that works. Unpacking it would be in vain."""
    require_libraries("gguf")
    from gguf import GGUFReader

    try:
        field = GGUFReader(gguf).get_field(_IN_GGUF)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise CocoonError(f"{str(gguf)!r} cannot be read as a GGUF chat model: {first_line(error)}") from None
    if field is None:
        raise CocoonError(f"{str(gguf)!r} has no chat template; {_HINT}")
    check_template(str(field.contents()), repr(str(gguf)))
