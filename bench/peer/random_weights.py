"""Writes a checkpoint of random bf16 weights: python3 random_weights.py FOLDER_WITH_CONFIG FOLDER.

It is written a few gigabytes at a time, so that it takes little memory and the time that the disk takes."""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

SHARD_BYTES = 4 * 2**30
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

source, target = Path(sys.argv[1]), Path(sys.argv[2])
target.mkdir(parents=True, exist_ok=True)
config = AutoConfig.from_pretrained(source)
with torch.device("meta"):
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
tied = "lm_head.weight" if config.tie_word_embeddings else None

places = {}
shard = {}
count = 0


def flush():
    global shard, count
    count += 1
    name = f"model-{count:05}.safetensors"
    save_file(shard, target / name, metadata={"format": "pt"})
    places.update(dict.fromkeys(shard, name))
    shard = {}


size = 0
for name, parameter in model.state_dict().items():
    if name == tied:
        continue
    if parameter.dim() > 1:
        value = torch.randn(parameter.shape, dtype=torch.bfloat16, device=DEVICE) * config.initializer_range
    else:
        value = torch.full(parameter.shape, 0.0 if name.endswith("bias") else 1.0, dtype=torch.bfloat16)
    shard[name] = value.cpu()
    size += value.nbytes
    if size > SHARD_BYTES:
        flush()
        size = 0
flush()
index = {"metadata": {"total_size": 0}, "weight_map": places}
(target / "model.safetensors.index.json").write_text(json.dumps(index))
shutil.copy(source / "config.json", target / "config.json")
