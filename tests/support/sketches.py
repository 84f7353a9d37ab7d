"""What sketches come to when they are added up."""

from collections import Counter

import numpy as np

from headrace.usecase.bins import NUMBERS, PROBABILITIES
from headrace.usecase.segments import Segments


def summed(sketches):
    """Counts, bins and sums of values over sketches."""
    counts, bins, sums = Counter(), Counter(), Counter()
    for sketch in sketches:
        counts["records"] += sketch["records"]
        counts.update({each["name"]: each["records"] for each in sketch["counts"]})
        for each in sketch["histograms"]:
            sums[each["name"]] += each["sum"]
            pairs = zip(each["bins"], each["counts"], strict=True)
            bins.update({(each["name"], number): amount for number, amount in pairs})
    return counts, bins, sums


def of_decisions(charter, records, until_ms):
    """What sketches of decisions must come to; {} is an unreadable one."""
    names = charter.feature_set.names
    counts, bins, sums = Counter(records=len(records)), Counter(), Counter()
    segments = Segments(charter)
    for record in records:
        if not record:
            counts["unreadable"] += 1
            continue
        counts[f"action/{record['action']}"] += 1
        counts["untimed"] += not 0 <= record["occurred_at_ms"] <= until_ms
        for flag in ("late", "deadline_missed"):
            counts[flag] += record[flag]
        columns = {}
        if record["fallback"]:
            counts[f"fallback/{record['fallback']}"] += 1
        else:
            names_of_scores = ["score", *(f"score/{each}" for each in segments.of(record))]
            columns |= dict.fromkeys(names_of_scores, (PROBABILITIES, record["score"]))
        if record["feature_set"] != charter.feature_set.digest:
            counts["features/other"] += 1
        else:
            vector = zip(names, record["features"], strict=True)
            columns |= {name: (NUMBERS, value) for name, value in vector}
        for name, (binning, value) in columns.items():
            bins[name, int(binning.of(np.array([value]))[0])] += 1
            sums[name] += value
    return +counts, bins, sums
