"""Prompts: one Markdown file per prompt and language, with declared inputs, rendered strictly and named by hash."""

import functools
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import jinja2
import jinja2.meta
import jinja2.sandbox
from pydantic import ValidationError

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import explain
from cocoon.core.outside.yaml_text import parse_yaml
from cocoon.core.records import Language, Record


def _without_closing_tag(value: Any) -> Any:
    """Return words that close no tag, because prompts put material between tags."""
    return value.replace("</", "< /") if isinstance(value, str) else value


_ENVIRONMENT = jinja2.sandbox.SandboxedEnvironment(
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,
    finalize=_without_closing_tag,
)


class FrontMatter(Record):
    """What stands above a prompt's text."""

    id: str
    language: Language
    inputs: list[str] = []
    source: str = ""


@dataclass(frozen=True)
class Prompt:
    """A loaded prompt. `sha` (12 hex digits of SHA-256 over the whole file) stands beside every score made with it.

    `id` is the name under which the prompt is loaded, and from the second edition of its text on `@2` and so on.
    """

    id: str
    language: Language
    inputs: frozenset[str]
    source: str
    sha: str
    template: jinja2.Template

    def render(self, **values: Any) -> str:
        """Return the text with its inputs filled in.

        Raises CocoonError when the given inputs are not the declared ones. Values are inserted as they are, but for
        `</`, and never taken for a template.
        """
        if values.keys() != self.inputs:
            wrong = sorted(values.keys() ^ self.inputs)
            raise CocoonError(f"prompt {self.id!r}: inputs given and declared differ in {', '.join(map(repr, wrong))}")
        try:
            return self.template.render(values).strip() if values else self._constant
        except (jinja2.TemplateError, TypeError) as error:
            raise CocoonError(f"prompt {self.id!r} ({self.language}): {error}") from None

    @functools.cached_property
    def _constant(self) -> str:
        """The text of a prompt without inputs."""
        return self.template.render().strip()

    def fill(self, **offered: Any) -> str:
        """Return the text with those of the offered inputs that it declares. Raises CocoonError where it lacks one."""
        return self.render(**{name: value for name, value in offered.items() if name in self.inputs})


def name_of(prompt_id: str) -> str:
    """Return the name under which a prompt is loaded, without its edition."""
    return prompt_id.partition("@")[0]


@functools.cache
def load_prompt(prompt_id: str, language: Language, folder: Path | None = None) -> Prompt:
    """Return the prompt `prompt_id` (such as `supporter/listen`), from `folder` where it has one, else the shipped one.

    Raises CocoonError naming the file for a missing file, a broken head or inputs that are declared and not used.
    """
    name = f"{prompt_id}.{language}.md"
    if folder and not folder.is_dir():
        raise CocoonError(f"The prompts folder {str(folder)!r} does not exist. Fix the setting 'prompts'.")
    own = folder / name if folder else None
    path = own if own and own.is_file() else resources.files("cocoon.prompts").joinpath(name)
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CocoonError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    except OSError:
        raise CocoonError(_not_found(name, folder)) from None
    prompt = parse_prompt(text, str(path))
    if (name_of(prompt.id), prompt.language) != (prompt_id, language):
        raise CocoonError(f"{path}: must say id {prompt_id!r} and language {language!r}, as it is named")
    return prompt


def _not_found(name: str, folder: Path | None) -> str:
    where = f"save it as {folder / name}" if folder else f"save it as FOLDER/{name} and give -o prompts=FOLDER"
    return (
        f"The prompt {name!r} does not exist. To use one of your own, {where}. Shipped: {', '.join(shipped_prompts())}"
    )


def prompt_shas(
    names: Iterable[str], folder: Path | None, languages: Sequence[Language] = get_args(Language)
) -> dict[str, str]:
    """Return hashes of prompts in some languages, by `NAME.LANGUAGE`."""
    return {f"{name}.{language}": load_prompt(name, language, folder).sha for name in names for language in languages}


_RULE = re.compile(r"^---[ \t]*\n", re.MULTILINE)


def parse_prompt(text: str, where: str) -> Prompt:
    """Return a prompt from the text of its file. See `load_prompt`."""
    text = text.replace("\r\n", "\n")
    parts = _RULE.split(text, 2)
    if len(parts) != 3 or parts[0].strip():
        raise CocoonError(f"{where}: must begin with front matter between two lines of ---")
    head = _head(parts[1], where)
    try:
        used = jinja2.meta.find_undeclared_variables(_ENVIRONMENT.parse(parts[2]))
        template = _ENVIRONMENT.from_string(parts[2])
    except jinja2.TemplateSyntaxError as error:
        raise CocoonError(f"{where}, line {error.lineno} of the text: {error.message}") from None
    if used != set(head.inputs):
        raise CocoonError(f"{where}: inputs declared {sorted(head.inputs)} but used {sorted(used)}; make them equal")
    sha = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Prompt(head.id, head.language, frozenset(head.inputs), head.source, sha, template)


def _head(text: str, where: str) -> FrontMatter:
    try:
        return FrontMatter.model_validate(parse_yaml(text, f"{where}: front matter"))
    except ValidationError as error:
        raise CocoonError(f"{where}: front matter: {explain(error, FrontMatter)}") from None


def shipped_prompts() -> list[str]:
    """Return the ids of the prompts that come with the package."""
    root = resources.files("cocoon.prompts")
    names = set()
    for folder in root.iterdir():
        if folder.is_dir():
            names |= {
                f"{folder.name}/{file.name.split('.')[0]}" for file in folder.iterdir() if file.name.endswith(".md")
            }
    return sorted(names)
