"""The contestant's side of bench/harness/contestant.ts, for Python."""

import json
import resource
import sys
import time

import torch

WARM_UP = 3
LEAST_STEPS = 3


def peak_bytes():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def read_job():
    """To be called when everything is imported: what is held now is counted as the libraries'."""
    with open(sys.argv[1]) as file:
        job = json.load(file)
    job["idleBytes"] = peak_bytes()
    torch.set_num_threads(job["threads"])
    torch.manual_seed(1)
    return job


def serve(job, batches, step):
    """`step(batch)` does the work of one batch and returns its loss, or None."""
    count = 0

    def run():
        nonlocal count
        count += 1
        return step(batches[(count - 1) % len(batches)])

    loss = run()
    for _ in range(WARM_UP - 1):
        run()
    description = f"torch {torch.__version__}, {torch.get_num_threads()} threads"
    answer(description=description, idleBytes=job["idleBytes"], loss=loss)
    for line in sys.stdin:
        wanted = json.loads(line)["seconds"]
        seconds = []
        while sum(seconds) < wanted or len(seconds) < LEAST_STEPS:
            begin = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - begin)
        answer(seconds=seconds)
    answer(peakBytes=peak_bytes())


def answer(**values):
    print(json.dumps({key: value for key, value in values.items() if value is not None}), flush=True)
