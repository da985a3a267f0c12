"""Reads trajectory files with pyarrow and polars and validates them fully. Prints one JSON object per file, as one list.

Arguments: --rows to include the rows themselves, then the files.
"""
import json
import math
import sys

import polars
import pyarrow
import pyarrow.ipc


def plain(value):
    """Floats that JSON cannot carry become texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def check(path, with_rows):
    with pyarrow.memory_map(path) as source:
        reader = pyarrow.ipc.open_file(source)
        table = reader.read_all()
        table.validate(full=True)
        for index in range(reader.num_record_batches):
            reader.get_batch(index).validate(full=True)
        frame = polars.read_ipc(path)
        facts = {
            "path": path,
            "rows": table.num_rows,
            "polarsRows": frame.height,
            "episodes": sum(1 for turn in table.column("turn").to_pylist() if turn <= 0),
            "dictionaryDeltas": reader.stats.num_dictionary_deltas,
            "columns": [f"{field.name}: {field.type}{'' if field.nullable else ' not null'}" for field in table.schema],
            "metadata": {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()},
        }
        if with_rows:
            facts["table"] = [{key: plain(value) for key, value in row.items()} for row in table.to_pylist()]
            facts["polarsText"] = frame["observation"].to_list()
        return facts


arguments = [argument for argument in sys.argv[1:] if argument != "--rows"]
print(json.dumps([check(path, "--rows" in sys.argv) for path in arguments]))
