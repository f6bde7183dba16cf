"""Optimizer steps of transformers and PEFT as their trainer makes them: bf16 weights, f32 adapters under autocast, SDPA,
fused AdamW, gradients clipped; padded batches, or rows packed one after another with positions that begin again."""

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from cuda_common import DEVICE, IGNORED, Rows, Stopwatch, labels_of, read_job, try_each

job = read_job()

config = AutoConfig.from_pretrained(job["model"])
with torch.device(DEVICE):
    base = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16, attn_implementation="sdpa")
lora = LoraConfig(
    r=job["rank"], lora_alpha=job["alpha"], lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
)
model = get_peft_model(base, lora)
model.config.use_cache = False
model.train()
trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(trainable, lr=job["learningRate"], fused=DEVICE == "cuda")


def padded(rows):
    length = max(len(row["ids"]) for row in rows)
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    labels = torch.full_like(ids, IGNORED)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        count = len(row["ids"])
        ids[i, :count] = torch.tensor(row["ids"])
        labels[i, :count] = torch.tensor(labels_of(row))
        mask[i, :count] = 1
    batch = {"input_ids": ids, "labels": labels}
    # Rows of one length need no mask, and SDPA is faster without.
    return batch if bool(mask.all()) else batch | {"attention_mask": mask}


def packed(rows):
    labels = [labels_of(row) for row in rows]
    for row in labels:
        row[0] = IGNORED
    return {
        "input_ids": torch.tensor([[token for row in rows for token in row["ids"]]]),
        "labels": torch.tensor([[label for row in labels for label in row]]),
        "position_ids": torch.tensor([[i for row in rows for i in range(len(row["ids"]))]]),
    }


def measure(attempt):
    if attempt.get("recompute"):
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    else:
        model.gradient_checkpointing_disable()
    source = Rows(job, attempt["workload"])
    collate = packed if "maxTokens" in attempt else padded
    watch = Stopwatch()
    steps = []
    for step in range(job["warmUp"] + job["steps"]):
        rows = source.take(attempt["batch"])
        batch = {name: tensor.to(DEVICE) for name, tensor in collate(rows).items()}
        watch.start()
        with torch.autocast(DEVICE, dtype=torch.bfloat16):
            loss = model(**batch, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds = watch.stop()
        if step >= job["warmUp"]:
            tokens = sum(len(row["ids"]) for row in rows)
            steps.append((len(rows), tokens, batch["input_ids"].numel(), seconds, loss.item()))
    return steps


try_each(job, measure)
