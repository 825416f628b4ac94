#!/bin/bash
# One part of a run in each task of an array. Submit it, and merge when all have ended:
#   sbatch --wait slurm_array.sh && cocoon merge runs/study-{1..8} --out runs/study
# The same sbatch line goes on with parts that were stopped.
#SBATCH --job-name=cocoon
#SBATCH --array=1-8
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
#SBATCH --time=08:00:00
# Two minutes before the time is up, calls under way are finished and saved.
#SBATCH --signal=TERM@120
set -euo pipefail

# exec, so that the signal reaches cocoon and not a shell around it.
exec srun cocoon simulate --config study.yaml --shard "$SLURM_ARRAY_TASK_ID/8" --out "runs/study-$SLURM_ARRAY_TASK_ID"
