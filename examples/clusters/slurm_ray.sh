#!/bin/bash
# One run on several nodes, whose parts Ray gives out. The folder must be on a file system that all nodes share.
#   sbatch slurm_ray.sh
# The same line goes on where it stopped.
#SBATCH --job-name=cocoon
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=08:00:00
# For local models, one replica on each GPU:
##SBATCH --gpus-per-node=4
set -euo pipefail

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address="$head:6379"
# Nobody else on these nodes may give tasks to this Ray. srun hands the variables on, also those with your keys.
RAY_AUTH_TOKEN=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0

srun ray symmetric-run --address "$address" --min-nodes "$SLURM_JOB_NUM_NODES" --num-cpus "$SLURM_CPUS_PER_TASK" \
  -- env RAY_ADDRESS="$address" cocoon simulate --config study.yaml --engine ray --shard any/16 --out runs/study
