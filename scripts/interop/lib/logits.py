"""Logits of transformers (and PEFT): [{model, adapter?, sequences, output}] on stdin; f32 logits go to `output`, one
sequence after the other. Prints the shapes of every task."""

import json
import sys

import torch
from transformers import AutoModelForCausalLM

torch.set_num_threads(2)


def logits_of(task: dict) -> list:
    model = AutoModelForCausalLM.from_pretrained(task["model"], dtype=torch.float32, attn_implementation="eager")
    if task.get("adapter"):
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, task["adapter"])
    model.eval()
    shapes = []
    with open(task["output"], "wb") as out, torch.no_grad():
        for ids in task["sequences"]:
            logits = model(input_ids=torch.tensor([ids])).logits[0].float().contiguous()
            shapes.append(list(logits.shape))
            out.write(logits.numpy().tobytes())
    return shapes


print(json.dumps([logits_of(task) for task in json.load(sys.stdin)]))
