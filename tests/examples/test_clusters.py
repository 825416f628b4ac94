"""The recipes for clusters: they parse, and the commands in them are ours."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from cocoon.running.shards.shard import Shard
from cocoon.tests.cli.test_flags import options_of

FOLDER = Path(__file__).resolve().parent.parent.parent / "examples" / "clusters"
RECIPES = sorted(FOLDER.iterdir())
COMMAND = re.compile(r"cocoon (?:simulate|merge) [^|&;')\n#]*")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_the_commands_of_a_recipe_have_only_flags_that_there_are(recipe: Path) -> None:
    commands = [shlex.split(line) for line in COMMAND.findall(recipe.read_text("utf-8"))]
    assert any("simulate" in words for words in commands)
    for words in commands:
        flags = {word for word in words if word.startswith("--")}
        assert flags - options_of(words[1]) == set()
        for number in (words[words.index("--shard") + 1] for _ in range("--shard" in words)):
            Shard.of(re.sub(r"\$\w+", "1", number))


@pytest.mark.parametrize("recipe", [path for path in RECIPES if path.suffix == ".sh"], ids=lambda path: path.name)
def test_the_scripts_are_valid(recipe: Path) -> None:
    checked = subprocess.run(["bash", "-n", str(recipe)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert recipe.read_text("utf-8").startswith("#!/bin/bash\n")


def test_the_pods_of_the_kubernetes_recipe_share_the_folder_of_the_run() -> None:
    claim, job = yaml.safe_load_all((FOLDER / "kuberay.yaml").read_text("utf-8"))
    cluster = job["spec"]["rayClusterSpec"]
    pods = [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]
    for pod in pods:
        (container,), (volume,) = pod["containers"], pod["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        assert f"cd {container['volumeMounts'][0]['mountPath']} " in job["spec"]["entrypoint"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"] and cluster["authOptions"] == {"mode": "token"}


def test_the_cloud_recipe_is_a_part_for_each_machine_in_a_valid_script() -> None:
    task = yaml.safe_load((FOLDER / "skypilot.yaml").read_text("utf-8"))
    assert task["num_nodes"] == 4 and "$SKYPILOT_NUM_NODES" in task["run"]
    for script in (task["setup"], task["run"]):
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
