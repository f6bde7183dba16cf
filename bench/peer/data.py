"""Contestant: a JSONL file becomes tokens and labels with Hugging Face datasets and tokenizers, as their guides do it.

Rows are read by load_dataset, rendered by the chat template as transformers renders it, tokenised in batches by the Rust
tokenizers, in as many processes as there are threads; labels are -100 before the answer. Nothing is packed.
"""

import json
import os
import resource
import sys
import time

job = json.load(open(sys.argv[1]))
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_DATASETS_CACHE"] = job["cache"]
os.environ["HF_HUB_OFFLINE"] = "1"

import datasets  # noqa: E402
from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

datasets.disable_progress_bars()


def chat_template(folder):
    path = os.path.join(folder, "chat_template.jinja")
    if os.path.exists(path):
        return open(path, encoding="utf-8").read()
    return json.load(open(os.path.join(folder, "tokenizer_config.json"), encoding="utf-8"))["chat_template"]


started = time.perf_counter()
tokenizer = Tokenizer.from_file(os.path.join(job["model"], "tokenizer.json"))
# What transformers' apply_chat_template sets.
environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
template = environment.from_string(chat_template(job["model"]))


def encode(batch):
    texts, spans = [], []
    for text, label in zip(batch["text"], batch["label"]):
        prompt = [
            {"role": "system", "content": job["system"]},
            {"role": "user", "content": job["user"] + text},
        ]
        answer = {"role": "assistant", "content": '{"category":"%s"}' % label}
        texts.append(template.render(messages=[*prompt, answer], add_generation_prompt=False))
        begin = len(template.render(messages=prompt, add_generation_prompt=True))
        spans.append((begin, len(texts[-1].rstrip("\n"))))
    ids, labels = [], []
    for encoding, (begin, end) in zip(tokenizer.encode_batch(texts, add_special_tokens=False), spans):
        ids.append(encoding.ids)
        learnt = [to > begin and start < end for start, to in encoding.offsets]
        labels.append([id if is_learnt else -100 for id, is_learnt in zip(encoding.ids, learnt)])
    return {"input_ids": ids, "labels": labels}


rows = datasets.load_dataset("json", data_files=job["file"], split="train")
read = time.perf_counter()
encoded = rows.map(encode, batched=True, num_proc=job["threads"], remove_columns=rows.column_names)
done = time.perf_counter()
times = os.times()
cpu = times.user + times.system + times.children_user + times.children_system

tokens = targets = 0
for batch in encoded.with_format("arrow").iter(10_000):
    tokens += len(batch["input_ids"].combine_chunks().flatten())
    targets += sum(1 for id in batch["labels"].combine_chunks().flatten().to_pylist() if id != -100)
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(
    json.dumps(
        {
            "rows": len(encoded),
            "tokens": tokens,
            "targets": targets,
            "seconds": done - started,
            "cpuSeconds": cpu,
            "stages": {"read": read - started, "tokenise": done - read},
            "peakBytes": (own + job["threads"] * child) * 1024,
        }
    )
)
