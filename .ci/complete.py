"""Exits with 1 and names what is missing where the environment lacks something that cocoon's extras ask for.

python .ci/complete.py local dev ...
"""

import sys
from collections.abc import Iterator, Sequence
from importlib import metadata

from packaging.requirements import Requirement

OURS = "cocoon-esc"


def lacking(package: str, extras: Sequence[str], seen: set[tuple[str, str]]) -> Iterator[str]:
    """Yield every requirement of a package with some extras, and of those below it, that is not met."""
    for text in metadata.requires(package) or []:
        requirement = Requirement(text)
        wanted = any(
            requirement.marker is None or requirement.marker.evaluate({"extra": name}) for name in ("", *extras)
        )
        if not wanted or (requirement.name, str(sorted(requirement.extras))) in seen:
            continue
        seen.add((requirement.name, str(sorted(requirement.extras))))
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"{text} (for {package})"
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{text} (for {package}), and {version} is installed"
        yield from lacking(requirement.name, sorted(requirement.extras), seen)


if __name__ == "__main__":
    missing = list(lacking(OURS, sys.argv[1:], set()))
    for line in missing:
        print(f"[setup]     missing: {line}")
    sys.exit(bool(missing))
