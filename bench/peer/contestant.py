"""The contestant's side of bench/harness/contestant.ts, for Python."""

import json
import resource
import sys
import time

WARM_UP = 3


def read_job():
    with open(sys.argv[1]) as file:
        return json.load(file)


def serve(batches, step):
    """`step(batch)` does the work of one batch and returns its loss, or None."""
    count = 0

    def run():
        nonlocal count
        count += 1
        return step(batches[(count - 1) % len(batches)])

    loss = run()
    for _ in range(WARM_UP - 1):
        run()
    answer(loss=loss)
    for line in sys.stdin:
        seconds = []
        for _ in range(json.loads(line)["steps"]):
            begin = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - begin)
        answer(seconds=seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer(peakBytes=peak if sys.platform == "darwin" else peak * 1024)


def answer(**values):
    print(json.dumps({key: value for key, value in values.items() if value is not None}), flush=True)
