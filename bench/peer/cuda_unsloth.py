"""Optimizer steps of Unsloth with TRL's SFTTrainer: packing on, and what Unsloth's notebooks recommend otherwise."""

import os

# Compiled code is kept away from the working directory; a token's loss is all that is asked for.
os.environ.setdefault("UNSLOTH_COMPILE_LOCATION", "/tmp/unsloth_compiled_cache")

import unsloth  # noqa: F401, I001 (it must be imported before what it changes)
import shutil
import subprocess
import sys
from pathlib import Path

import torch
from datasets import Dataset
from transformers import TrainerCallback
from unsloth import FastLanguageModel

from cuda_common import DEVICE, Rows, Stopwatch, labels_of, read_job, try_each

MAX_LENGTH = 2048
# Its own checkpointing moves activations to the host, which a CPU has no use for.
RECOMPUTE = "unsloth" if DEVICE == "cuda" else True
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

job = read_job()


def checkpoint():
    """A folder with random weights of the real shape; Unsloth loads nothing else."""
    folder = Path(job["scratch"]) / f"weights-{job['shape']}"
    if not (folder / "tokenizer.json").exists():
        script = Path(__file__).with_name("random_weights.py")
        subprocess.run([sys.executable, str(script), job["model"], str(folder)], check=True)
        # Any tokenizer does: the rows are token ids already.
        nano = Path(__file__).parents[2] / "models/fettle-nano"
        for name in ("tokenizer_config.json", "chat_template.jinja", "tokenizer.json"):
            shutil.copy(nano / name, folder / name)
    return str(folder)


model, tokenizer = FastLanguageModel.from_pretrained(
    checkpoint(),
    max_seq_length=MAX_LENGTH,
    dtype=torch.bfloat16,
    load_in_4bit=job["method"] == "qlora",
    use_gradient_checkpointing=RECOMPUTE,
)
model = FastLanguageModel.get_peft_model(
    model,
    r=job["rank"],
    target_modules=LINEARS,
    lora_alpha=job["alpha"],
    lora_dropout=0,
    bias="none",
    use_gradient_checkpointing=RECOMPUTE,
    random_state=1,
)


# Unsloth changes the trainer while a model is loaded.
from trl import SFTConfig, SFTTrainer  # noqa: E402


class Clock(TrainerCallback):
    """Times steps from the batch in hand to the updated parameters."""

    def __init__(self):
        self.watch = Stopwatch()
        self.seconds = []

    def on_step_begin(self, *_args, **_kwargs):
        self.watch.start()

    def on_step_end(self, *_args, **_kwargs):
        self.seconds.append(self.watch.stop())


def measure(attempt):
    count = job["warmUp"] + job["steps"]
    source = Rows(job, attempt["workload"])
    # As many rows as fill the packs of all steps.
    tokens_wanted = count * attempt["batch"] * MAX_LENGTH * 1.1
    rows = []
    while sum(len(row["ids"]) for row in rows) < tokens_wanted:
        rows += source.take(8)
    dataset = Dataset.from_dict({"input_ids": [row["ids"] for row in rows], "labels": [labels_of(row) for row in rows]})
    recompute = bool(attempt.get("recompute"))
    FastLanguageModel.for_training(model, use_gradient_checkpointing=RECOMPUTE if recompute else False)
    clock = Clock()
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=dataset,
        callbacks=[clock],
        args=SFTConfig(
            output_dir=str(Path(job["scratch"]) / "unsloth"),
            per_device_train_batch_size=attempt["batch"],
            gradient_accumulation_steps=1,
            max_steps=count,
            learning_rate=job["learningRate"],
            lr_scheduler_type="constant",
            optim="adamw_8bit",
            weight_decay=0.001,
            bf16=DEVICE == "cuda",
            packing=True,
            max_length=MAX_LENGTH,
            gradient_checkpointing=recompute,
            logging_strategy="no",
            save_strategy="no",
            report_to="none",
            dataset_num_proc=1,
            use_cpu=DEVICE == "cpu",
        ),
    )
    work = []
    training_step = trainer.training_step

    def counted(model, inputs, *args, **kwargs):
        ids = inputs["input_ids"]
        lengths = inputs.get("packed_seq_lengths")
        positions = inputs.get("position_ids")
        if lengths is not None:
            examples = int((lengths > 1).sum())
        elif positions is not None:
            examples = int((positions == 0).sum())
        else:
            examples = ids.shape[0]
        tokens = ids.numel() if inputs.get("attention_mask") is None else int(inputs["attention_mask"].sum())
        loss = training_step(model, inputs, *args, **kwargs)
        work.append((examples, tokens, ids.numel(), loss))
        return loss

    trainer.training_step = counted
    trainer.train()
    steps = [
        (examples, tokens, computed, seconds, float(loss))
        for (examples, tokens, computed, loss), seconds in zip(work, clock.seconds, strict=True)
    ]
    return steps[job["warmUp"] :]


try_each(job, measure)
