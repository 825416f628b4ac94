"""`merge`: the shards of a run put together into the folder that one process would have made."""

from pathlib import Path

from cocoon.api.settings import out_folder
from cocoon.running.shards.merge import Merged, merge_shards

__all__ = ["Merged", "merge"]


def merge(*shards: str | Path, out: str | Path) -> Merged:
    """Put shards together into the run folder that one process would have made, equal but for times.

    `shards` are the folders of all parts, made with `shard="1/4"`, `shard="2/4"` and so on, and `out` is a new folder.
    What needs all of them is decided on now: which of two like profiles stays, which scripts the threshold drops. No
    model is asked. The merged folder goes on, and is judged, reported and verified like any other.

    Raises CocoonError for shards that are missing, given twice, not ended, or made differently.
    """
    return merge_shards([Path(shard) for shard in shards], out_folder(out))
