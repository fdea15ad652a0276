#!/usr/bin/env python3
"""How many images of each family of file names runs call wrongly, at their thresholds, from the answers that are kept.

    experiments/mistakes.py RUN… [--db runs.db]
"""

import argparse
import collections
import json
import sqlite3
import struct

FINISHED = "SELECT id, operating FROM runs WHERE name = ? AND operating IS NOT NULL"
FAMILIES = ["NORMAL2", "IM", "bacteria", "virus"]


def family(file):
    """The first of the families that the file's name has in it."""
    return next((name for name in FAMILIES if name in file.rsplit("/", 1)[-1]), "other")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--db", default="runs.db")
    arguments = parser.parse_args()
    store = sqlite3.connect(f"file:{arguments.db}?mode=ro", uri=True)
    for run in arguments.runs:
        found = store.execute(FINISHED, [run]).fetchone()
        if found is None:
            parser.error(f"{run} is no finished run of {arguments.db}: `xray-tui runs list` has their names")
        run_id, point = found
        threshold = json.loads(point)["threshold"]["margin"]
        for split in ["validation", "test"]:
            wrong, all_of = collections.Counter(), collections.Counter()
            rows = "SELECT file, truth, logits FROM answers WHERE run_id = ? AND split = ?"
            for file, truth, logits in store.execute(rows, [run_id, split]):
                normal, pneumonia = struct.unpack("<2f", logits)
                all_of[family(file)] += 1
                wrong[family(file)] += (pneumonia - normal > threshold) != (truth == "PNEUMONIA")
            names = [name for name in [*FAMILIES, "other"] if all_of[name]]
            counts = "".join(f"  {name} {wrong[name]:>2} of {all_of[name]:<3}" for name in names)
            print(f"{run:<14}{split:<11}{counts}")


if __name__ == "__main__":
    main()
