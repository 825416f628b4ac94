"""Files of forms that ship with the package: regular expressions, one a line, with named parts."""

import re
from collections.abc import Mapping
from importlib.resources.abc import Traversable

from cocoon.core.jsonl import RecordT, parse_record
from cocoon.core.outside.yaml_text import read_shipped_yaml

_PART = re.compile(r"\{([a-z_]+)\}")


def read_forms(folder: Traversable, *names: str, kind: type[RecordT]) -> RecordT:
    """Return the record whose keys are in one or several files of a folder."""
    keys = {key: value for name in names for key, value in read_shipped_yaml(folder / name).items()}
    return parse_record(keys, kind, ", ".join(names))


def with_parts(form: str, parts: Mapping[str, str]) -> str:
    """Return a form with every `{name}` replaced by the part of that name, those within parts too."""
    while _PART.search(form):
        form = _PART.sub(lambda part: parts[part[1]], form)
    return form
