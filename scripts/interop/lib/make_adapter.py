"""Adapters made by PEFT, with random factors: [{model, config, output}] on stdin."""

import json
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

for task in json.load(sys.stdin):
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(task["model"], dtype=torch.float32)
    peft = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **task["config"]))
    peft.save_pretrained(task["output"])
print("{}")
