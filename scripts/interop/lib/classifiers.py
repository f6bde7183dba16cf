"""Classifiers of transformers and PEFT: makes them, and computes their logits. Jobs in, results out, as JSON."""

import json
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForSequenceClassification


def opened(model, labels=None):
    sizes = {} if labels is None else {"num_labels": labels}
    return AutoModelForSequenceClassification.from_pretrained(
        model, dtype=torch.float32, attn_implementation="eager", **sizes
    )


def disturb(model, names):
    """Values for parameters that begin with zeros or small numbers."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if any(part in name for part in names):
                parameter.normal_(0, 0.1)


def make_model(base, output, labels, problem_type):
    torch.manual_seed(1)
    model = opened(base, len(labels))
    disturb(model, ["score", "classifier", "pooler", "head."])
    model.config.problem_type = problem_type
    model.config.id2label = dict(enumerate(labels))
    model.config.label2id = {name: index for index, name in enumerate(labels)}
    model.save_pretrained(output)


def make_adapter(base, output, labels, targets):
    torch.manual_seed(2)
    config = LoraConfig(task_type="SEQ_CLS", r=4, lora_alpha=8, target_modules=targets)
    model = get_peft_model(opened(base, labels), config)
    disturb(model, ["lora_B", "modules_to_save"])
    model.save_pretrained(output)


def logits(model, sequences, adapter=None, labels=None):
    loaded = opened(model, labels)
    config = loaded.config
    if adapter is not None:
        loaded = PeftModel.from_pretrained(loaded, adapter)
    loaded.eval()
    with torch.no_grad():
        values = [loaded(input_ids=torch.tensor([ids])).logits[0].tolist() for ids in sequences]
    names = [config.id2label[index] for index in range(config.num_labels)]
    return {"logits": values, "labels": names, "problem_type": config.problem_type, "kind": type(config).__name__}


jobs = {"make_model": make_model, "make_adapter": make_adapter, "logits": logits}
print(json.dumps([jobs[job.pop("job")](**job) for job in json.load(sys.stdin)["jobs"]]))
