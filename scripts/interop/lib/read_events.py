"""What TensorBoard's own reader finds in a folder: scalars by tag as [step, value], texts by tag."""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

given = json.loads(sys.stdin.read())
events = EventAccumulator(given["folder"], size_guidance={"scalars": 0, "tensors": 0})
events.Reload()
tags = events.Tags()
scalars = {tag: [[one.step, one.value] for one in events.Scalars(tag)] for tag in tags["scalars"]}
texts = {tag: events.Tensors(tag)[-1].tensor_proto.string_val[0].decode() for tag in tags["tensors"]}
print(json.dumps({"scalars": scalars, "texts": texts}))
