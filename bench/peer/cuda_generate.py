"""The label of each prompt by greedy generation, as long as the longest label with its end of turn."""

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from cuda_common import DEVICE, Rows, Stopwatch, read_job, try_each

job = read_job()

config = AutoConfig.from_pretrained(job["model"])
with torch.device(DEVICE):
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16, attn_implementation="sdpa")
model.eval()
answer_length = max(len(answer) for answer in job["answers"])


def measure(attempt):
    source = Rows(job, attempt["workload"])
    watch = Stopwatch()
    steps = []
    # A generation takes as long as several steps, so that one is enough to warm up and three to measure.
    for step in range(4):
        prompts = [row["ids"][: row["prompt"]] for row in source.take(attempt["batch"])]
        length = max(len(prompt) for prompt in prompts)
        ids = torch.tensor([[0] * (length - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (length - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        ids, mask = ids.to(DEVICE), mask.to(DEVICE)
        watch.start()
        # Random weights would not end a turn where a trained model does, so the length is fixed.
        model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=False,
            min_new_tokens=answer_length,
            max_new_tokens=answer_length,
            pad_token_id=0,
        )
        seconds = watch.stop()
        if step > 0:
            tokens = sum(len(prompt) for prompt in prompts)
            steps.append((len(prompts), tokens, ids.numel() + answer_length * len(prompts), seconds, None))
    return steps


try_each(job, measure)
