"""YAML of users: read with errors in one line, whatever the text is."""

from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from cocoon.core.errors import CocoonError
from cocoon.core.text import printable_line

MOST_NODES = 100_000
# What PyYAML raises beside its own errors: too deep, a number of thousands of digits, a date that does not exist, a tag
# that does not fit its text.
_OTHER = (RecursionError, ValueError, KeyError, IndexError, AttributeError, TypeError)


def read_yaml(file: Path | Traversable) -> Any:
    """Return the value of a YAML file. Raises CocoonError that names the file."""
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise CocoonError(f"{file}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError as error:
        raise CocoonError(f"{file}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    return parse_yaml(text, str(file))


def read_shipped_yaml(file: Traversable) -> Any:
    """Return the value of a YAML file of this package, by libyaml where that is there. It checks nothing."""
    return yaml.load(file.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def parse_yaml(text: str, where: str) -> Any:
    """Return the value of a YAML text. Raises CocoonError that begins with `where`.

    A text whose references (`*name`) stand for more than MOST_NODES values is refused: a few lines could fill the
    memory.
    """
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > MOST_NODES:
            raise CocoonError(f"{where}: stands for more than {MOST_NODES:,} values; make it smaller")
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise CocoonError(f"{where}: not YAML ({printable_line(str(error), 160)})") from None
    except _OTHER as error:
        what = "it is too deep" if isinstance(error, RecursionError) else printable_line(str(error), 120)
        raise CocoonError(f"{where}: not YAML that can be read ({what})") from None


def _refuse_twins(node: yaml.MappingNode) -> None:
    """Raise an error for a key that occurs twice. PyYAML would silently keep the last one."""
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} occurs twice", node.start_mark)


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node stands for, those behind its references counted at each of them."""
    if id(node) not in known:
        known[id(node)] = 1
        children: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            children = list(node.value)
        elif isinstance(node, yaml.MappingNode):
            children = [child for pair in node.value for child in pair]
            _refuse_twins(node)
        known[id(node)] += sum(_size(child, known) for child in children)
    return known[id(node)]
