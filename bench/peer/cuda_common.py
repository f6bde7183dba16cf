"""The Python side of bench/cuda: a job is read, its tries are measured, one JSON object a line is printed."""

import gc
import json
import math
import statistics
import subprocess
import sys
import time

import torch

IGNORED = -100
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def read_job():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    if DEVICE == "cuda":
        torch.cuda.init()
    torch.manual_seed(1)
    return job


class Rows:
    """Rows of a workload, taken in turn, from the beginning again after the last."""

    def __init__(self, job, workload):
        with open(job["rows"][workload]) as file:
            self.rows = json.load(file)
        self.next = 0

    def take(self, count):
        taken = [self.rows[(self.next + i) % len(self.rows)] for i in range(count)]
        self.next += count
        return taken


def labels_of(row):
    """Ids with those of the prompt replaced: the loss is on the answer."""
    return [IGNORED] * row["prompt"] + row["ids"][row["prompt"] :]


def settle():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def describe(attempt):
    packed = f", packed to {attempt['maxTokens']}" if "maxTokens" in attempt else ", padded"
    return f"batch {attempt['batch']}{packed}, {'recomputed' if attempt.get('recompute') else 'nothing recomputed'}"


def try_each(job, measure):
    """`measure(attempt)` returns (examples, tokens, computed, seconds, loss) of each timed step."""
    for attempt in job["tries"]:
        gc.collect()
        if DEVICE == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        answer = {"workload": attempt["workload"], "setting": describe(attempt)}
        try:
            answer |= figures(measure(attempt))
        except torch.cuda.OutOfMemoryError as error:
            answer["failure"] = f"out of memory: {str(error).splitlines()[0]}"
        except Exception as error:
            import traceback

            traceback.print_exc()
            answer["failure"] = f"{type(error).__name__}: {error}"
        print(json.dumps({"measurement": answer}), flush=True)


def figures(steps):
    loss = steps[-1][4]
    if loss is not None and not math.isfinite(loss):
        raise ValueError(f"the loss is {loss}")

    def rate(at):
        return statistics.median(step[at] / step[3] for step in steps)

    answer = {
        "stepSeconds": [step[3] for step in steps],
        "examplesPerSecond": rate(0),
        "tokensPerSecond": rate(1),
        "computedPerSecond": rate(2),
    }
    if loss is not None:
        answer["loss"] = loss
    if DEVICE == "cuda":
        answer["peakBytes"] = torch.cuda.max_memory_allocated()
        answer["deviceBytes"] = bytes_in_use()
    return {key: value for key, value in answer.items() if value is not None}


def bytes_in_use():
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        return float(subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0]) * 2**20
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return None


class Stopwatch:
    """Seconds between `start` and `stop`, of work that is over on the card."""

    def start(self):
        settle()
        self.begin = time.perf_counter()

    def stop(self):
        settle()
        return time.perf_counter() - self.begin
