#!/usr/bin/env python3
"""Whether a figure of the validation images foretells how recipes do where pictures look otherwise.

After `xray-tui sweep --file experiments/ablation.toml`:

    experiments/measure.py [ablation] [--program xray-tui] [--db runs.db]

Scores every run on its validation images as they are and in each way made harder, without a look at the test images. Then,
way by way, the recipes' order by that way's AUC is held against forecasts: their order by plain validation, by the mean
over all other ways, and by the mean over the ways of the other kind (greys and sharpness, or the frame). A forecast that
knows nothing of the way itself is worth what it would be worth elsewhere. Of a recipe that was trained with several seeds
the means count. `pooled` is what runs are judged by: the AUC of all ways together, two an image.
"""

import argparse
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent

# The ways that change what is in the frame.
FRAME = ["turned", "farther", "closer", "wider", "taller", "upper-left", "upper-right", "lower-left", "lower-right"]


def ask(arguments, *command):
    """The last line of what the program prints."""
    words = [str(arguments.program), *command, "--db", arguments.db, "--json", "-q"]
    return json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])


def ranks(values):
    """Each value's place in ascending order; equal ones share the mean of theirs."""
    order = sorted(values)
    return [order.index(value) + (order.count(value) - 1) / 2 for value in values]


def spearman(a, b):
    """Rank correlation (Spearman 1904), -1 to 1."""
    a, b = ranks(a), ranks(b)
    mean = (len(a) - 1) / 2
    product = sum((x - mean) * (y - mean) for x, y in zip(a, b))
    spread = lambda of: sum((x - mean) ** 2 for x in of) ** 0.5
    return product / (spread(a) * spread(b)) if spread(a) * spread(b) > 0 else float("nan")


def forecasts(rows, ways, way):
    """How well each forecast orders the recipes as the AUC of `way` does."""
    total = lambda scores, among: sum(scores[other]["auc"] for other in among)
    others = [other for other in ways if other != way]
    kind = [other for other in ways if (other in FRAME) != (way in FRAME)]
    orders = [
        [found["best_val_accuracy_mean"] for found, _ in rows],
        [scores["none"]["auc"] for _, scores in rows],
        [-scores["none"]["loss"] for _, scores in rows],
        [total(scores, others) for _, scores in rows],
        [total(scores, kind) for _, scores in rows],
    ]
    return [spearman(order, [scores[way]["auc"] for _, scores in rows]) for order in orders]


def mean(runs):
    """Of several runs' shifts, way by way."""
    middle = lambda name: {key: sum(run[name][key] for run in runs) / len(runs) for key in ["auc", "loss"]}
    return {name: middle(name) for name in runs[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="?", default="ablation")
    parser.add_argument("--program", default=HERE.parent / "target" / "release" / "xray-tui")
    parser.add_argument("--db", default="runs.db")
    arguments = parser.parse_args()
    candidates = [found for found in ask(arguments, "queue", "show", arguments.study)["candidates"] if found["finished"]]
    if len(candidates) < 3:
        parser.error(f"{len(candidates)} are finished, and an order needs three: `xray-tui queue run` goes on with the study")
    scored = lambda run: ask(arguments, "eval", run, "--split", "validation", "--shifts")["shifts"]
    of = lambda run: {shift["shift"]: shift for shift in scored(run)}
    rows = [(found, mean([of(run) for run in found["runs"]])) for found in candidates]
    ways = [way for way in rows[0][1] if way != "none"]
    print(f"{len(rows)} recipes; AUC on validation images, as they are and made harder\n")
    print("  ".join(f"{name:>11}" for name in ["accuracy", "plain", "pooled", *ways]), " settings")
    for found, scores in sorted(rows, key=lambda row: -sum(row[1][way]["auc"] for way in ways)):
        plain = [found["best_val_accuracy_mean"], scores["none"]["auc"], found["best_shifted_auc_mean"]]
        figures = [*plain, *(scores[way]["auc"] for way in ways)]
        print("  ".join(f"{figure:11.4f}" for figure in figures), "", found["settings"] or "as given")
    print(f"\nrank correlation over {len(rows)} recipes with the AUC of one way")
    heads = ["accuracy", "AUC", "-loss", "other ways", "other kind"]
    print(f"{'way':>12}" + "".join(f"{head:>12}" for head in heads))
    found = [forecasts(rows, ways, way) for way in ways]
    for way, row in [*zip(ways, found), ("mean", [sum(column) / len(ways) for column in zip(*found)])]:
        print(f"{way:>12}" + "".join(f"{value:>12.2f}" for value in row))


if __name__ == "__main__":
    main()
