"""4-bit checkpoints in transformers and bitsandbytes: {model, sequences, output, quantize?} on stdin. With `quantize`
(true: scales in 8 bits) the model is quantised first and saved there. Logits of the dequantised model go to `output`;
prints their shapes and sha256 of every dequantised weight in f32."""

import hashlib
import json
import sys

import bitsandbytes as bnb
import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

torch.set_num_threads(2)


def quantize(model: str, nested: bool, folder: str) -> None:
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=nested,
        bnb_4bit_compute_dtype=torch.float32,
    )
    options = dict(quantization_config=config, dtype="auto", device_map="cpu")
    AutoModelForCausalLM.from_pretrained(model, **options).save_pretrained(folder)


def sha256(weight) -> str:
    values = bnb.functional.dequantize_4bit(weight.data, weight.quant_state)
    return hashlib.sha256(values.float().contiguous().numpy().tobytes()).hexdigest()


def main() -> None:
    task = json.load(sys.stdin)
    folder = task["model"]
    if task.get("quantize") is not None:
        folder = task["quantized"]
        quantize(task["model"], task["quantize"], folder)
    options = dict(dtype=torch.float32, device_map="cpu", attn_implementation="eager")
    model = AutoModelForCausalLM.from_pretrained(folder, **options).eval()
    modules = {name: module for name, module in model.named_modules() if isinstance(module, bnb.nn.Linear4bit)}
    weights = {f"{name}.weight": sha256(module.weight) for name, module in modules.items()}
    model = model.dequantize(torch.float32)
    shapes = []
    with open(task["output"], "wb") as out, torch.no_grad():
        for ids in task["sequences"]:
            logits = model(input_ids=torch.tensor([ids])).logits[0].float().contiguous()
            shapes.append(list(logits.shape))
            out.write(logits.numpy().tobytes())
    print(json.dumps({"shapes": shapes, "weights": weights}))


main()
