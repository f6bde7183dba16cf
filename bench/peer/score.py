"""Contestant: the answer to each prompt by greedy generation, as long as the longest label with its end of turn."""

import torch
from transformers import AutoModelForCausalLM

from contestant import read_job, serve

job = read_job()

dtype = torch.bfloat16 if job["precision"] == "bf16" else torch.float32
model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=dtype, attn_implementation="sdpa")
model.eval()
answer_length = max(len(label) for label in job["labels"])


def step(prompts):
    # Random weights would not end a turn where a trained model does, so the length is fixed.
    model.generate(
        input_ids=prompts,
        attention_mask=torch.ones_like(prompts),
        do_sample=False,
        min_new_tokens=answer_length,
        max_new_tokens=answer_length,
    )


serve(job, [torch.tensor(rows) for rows in job["batches"]], step)
