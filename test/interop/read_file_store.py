"""Reads an experiment of a tracking store with MLflow's own client. Prints its runs as JSON, in order of their names.

Arguments: the store's URI, the experiment's name.
"""
import json
import math
import os
import sys

from mlflow.tracking import MlflowClient


def number(value):
    return value if math.isfinite(value) else ("NaN" if math.isnan(value) else str(value))


def artifacts(client, run_id, path=None):
    for entry in client.list_artifacts(run_id, path):
        if entry.is_dir:
            yield from artifacts(client, run_id, entry.path)
        else:
            with open(client.download_artifacts(run_id, entry.path), encoding="utf-8") as file:
                yield entry.path, file.read()


def points(client, run_id, key):
    history = sorted(client.get_metric_history(run_id, key), key=lambda point: point.step)
    return [{"value": number(p.value), "step": p.step, "timestampMs": p.timestamp} for p in history]


def kept(client, run, names):
    return {
        "experiment": sys.argv[2],
        "name": run.info.run_name,
        "status": run.info.status,
        "parent": names.get(run.data.tags.get("mlflow.parentRunId")),
        "params": run.data.params,
        "tags": run.data.tags,
        "metrics": {key: points(client, run.info.run_id, key) for key in run.data.metrics},
        "artifacts": dict(artifacts(client, run.info.run_id)),
    }


os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
client = MlflowClient(tracking_uri=sys.argv[1])
experiment = client.get_experiment_by_name(sys.argv[2])
runs = client.search_runs([experiment.experiment_id]) if experiment else []
names = {run.info.run_id: run.info.run_name for run in runs}
print(json.dumps(sorted((kept(client, run, names) for run in runs), key=lambda run: run["name"])))
