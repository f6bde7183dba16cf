"""What W&B's own reader finds in a .wandb file: of each kind of record, the values by name."""
import json
import sys

from wandb.proto import wandb_internal_pb2
from wandb.sdk.internal.datastore import DataStore

given = json.loads(sys.stdin.read())
store = DataStore()
store.open_for_scan(given["path"])
found = {"history": [], "stats": [], "summary": {}, "config": {}}


def values(items):
    return {(item.nested_key[0] if getattr(item, "nested_key", None) else item.key): json.loads(item.value_json) for item in items}


while (data := store.scan_data()) is not None:
    record = wandb_internal_pb2.Record()
    record.ParseFromString(data)
    kind = record.WhichOneof("record_type")
    if kind == "run":
        found["run"] = [record.run.run_id, record.run.project, list(record.run.tags)]
        found["config"] = values(record.run.config.update)
    elif kind == "history":
        found["history"].append([record.history.step.num, values(record.history.item)])
    elif kind == "stats":
        found["stats"].append(values(record.stats.item))
    elif kind == "summary":
        found["summary"].update(values(record.summary.update))
    elif kind == "exit":
        found["exit"] = record.exit.exit_code
print(json.dumps(found))
