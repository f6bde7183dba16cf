"""DoRA, rsLoRA and trained biases by PEFT: [{job, model, ...}] on stdin.

`make`: {config, output}: an adapter whose factors, magnitudes and biases are random.
`gradients`: {adapter, sequences, output}: gradients of the mean cross-entropy of the next token over all sequences, of
everything that is trained, by PEFT's names without prefix; one that is 0 and has none is left out.
"""

import json
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

torch.set_num_threads(2)


def make(model, task: dict) -> None:
    torch.manual_seed(1)
    peft = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **task["config"]))
    with torch.no_grad():
        for name, parameter in peft.named_parameters():
            if parameter.requires_grad and ("magnitude" in name or name.endswith(".bias")):
                parameter.add_(0.2 * torch.randn_like(parameter))
    peft.save_pretrained(task["output"])


def gradients(model, task: dict) -> None:
    peft = PeftModel.from_pretrained(model, task["adapter"], is_trainable=True)
    targets = sum(len(ids) - 1 for ids in task["sequences"])
    for ids in task["sequences"]:
        logits = peft(input_ids=torch.tensor([ids])).logits[0, :-1]
        (torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="sum") / targets).backward()
    found = {}
    for name, parameter in peft.named_parameters():
        if parameter.grad is None:
            continue
        name = name.removeprefix("base_model.model.").replace(".default", "")
        found[name.replace("magnitude_vector.weight", "magnitude_vector")] = parameter.grad
    save_file(found, task["output"])


for task in json.load(sys.stdin):
    loaded = AutoModelForCausalLM.from_pretrained(task["model"], dtype=torch.float32, attn_implementation="eager")
    {"make": make, "gradients": gradients}[task["job"]](loaded, task)
print("{}")
