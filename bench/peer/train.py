"""Contestant: optimizer steps of transformers and PEFT, set up for speed: SDPA, fused AdamW, no recomputation."""

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from contestant import read_job, serve

IGNORED = -100

job = read_job()

model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32, attn_implementation="sdpa")
if job["method"] == "lora":
    lora = LoraConfig(
        r=job["rank"],
        lora_alpha=job["alpha"],
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(model, lora)
model.train()

trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(trainable, lr=job["learningRate"], weight_decay=job["weightDecay"], fused=True)


def with_labels(rows):
    ids = torch.tensor(rows)
    labels = ids.clone()
    labels[:, : -job["supervised"]] = IGNORED
    return ids, labels


def step(batch):
    ids, labels = batch
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=job["precision"] == "bf16"):
        loss = model(input_ids=ids, labels=labels, use_cache=False).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trainable, job["maxGradNorm"])
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


serve(job, [with_labels(rows) for rows in job["batches"]], step)
