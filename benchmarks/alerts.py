"""The alert rule on two weeks of real series: which labelled windows it finds, and how often it cries wolf.

    python -m benchmarks.alerts [FOLDER]

``FOLDER`` holds the two series and ``labels.json`` of the Numenta Anomaly Benchmark (MIT); without it, ``nab`` among
the public data sets.
"""

import json
import sys
from pathlib import Path

import pandas as pd

from benchmarks.data import data_set
from recux.operate.alert_rule import THRESHOLD, stretches

LABELLED, COUNTS = "ec2_request_latency_system_failure", "elb_request_count_8c0756"


def outcome(folder: Path, threshold: float = THRESHOLD) -> tuple[int, int, float]:
    """Labelled windows that were found, false alerts, and weeks of the labelled series."""
    series, windows = labelled(folder)
    times = series["timestamp"]
    found = [(times[first], times[last]) for first, last in stretches(series["value"], threshold=threshold)]
    hits = sum(any(first <= end and last >= start for first, last in found) for start, end in windows)
    false = sum(not any(first <= end and last >= start for start, end in windows) for first, last in found)
    return hits, false, (times.iloc[-1] - times.iloc[0]) / pd.Timedelta(weeks=1)


def labelled(folder: Path) -> tuple[pd.DataFrame, list[tuple[pd.Timestamp, pd.Timestamp]]]:
    """The labelled series and its windows."""
    series = pd.read_csv(folder / f"{LABELLED}.csv", parse_dates=["timestamp"])
    windows = json.loads((folder / "labels.json").read_text())["windows"]
    return series, [(pd.Timestamp(start), pd.Timestamp(end)) for start, end in windows]


def main(folder: Path) -> None:
    """Print the table."""
    counts = pd.read_csv(folder / f"{COUNTS}.csv")["value"]
    print("| threshold | labelled windows found | false alerts a week | alerts a week on the unlabelled series |")
    print("|---|---|---|---|")
    for threshold in (4.0, 5.0, 6.0, THRESHOLD, 8.0, 10.0):
        hits, false, weeks = outcome(folder, threshold)
        other = len(stretches(counts, threshold=threshold)) / weeks
        chosen = " (used)" if threshold == THRESHOLD else ""
        print(f"| {threshold:g}{chosen} | {hits} of 3 | {false / weeks:.1f} | {other:.1f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else data_set("nab"))
