#!/usr/bin/env python3
"""On which validation images a threshold is best chosen, for pictures that look otherwise.

    experiments/threshold.py RUN… [--program xray-tui] [--db runs.db]

Scores runs on their validation images as they are and in each way made harder, without a look at the test images. Then,
for each way, three thresholds are tried on it that know nothing of it: 0.5, Youden's on the images as they are, and
Youden's on the ways of the other kind together (greys and sharpness, or the frame). What pictures from elsewhere will be
like is not known; a kind that was left out stands for them. Means over all ways, and the worst of them by the mean of
sensitivity and specificity.
"""

import argparse
import math

import measure


def rates(cases, threshold):
    """Sensitivity and specificity of (NORMAL's, PNEUMONIA's) log odds."""
    well, ill = cases
    return sum(margin > threshold for margin in ill) / len(ill), sum(margin <= threshold for margin in well) / len(well)


def youden(cases):
    """The threshold with the largest sum of sensitivity and specificity (Youden 1950), of equals the nearest to 0."""
    well, ill = cases
    margins = sorted([(margin, 0) for margin in well] + [(margin, 1) for margin in ill])
    best, caught, cleared = (-math.inf, 0.0, 0.0), len(ill), 0
    for (margin, truth), (following, _) in zip(margins, margins[1:]):
        caught, cleared = caught - truth, cleared + 1 - truth
        threshold = (margin + following) / 2
        if margin < following:
            best = max(best, (caught / len(ill) + cleared / len(well), -abs(threshold), threshold))
    return best[-1]


def together(ways):
    """All (NORMAL's, PNEUMONIA's) log odds of several ways."""
    return [sum((cases[truth] for cases in ways), []) for truth in (0, 1)]


def judge(ways, thresholds):
    """Mean accuracy, mean of both rates, sensitivity and specificity, and the worst way by the mean of both rates."""
    each = {way: rates(cases, thresholds(way)) for way, cases in ways.items()}
    sensitivity, specificity = (sum(pair[place] for pair in each.values()) / len(each) for place in (0, 1))
    well, ill = map(len, next(iter(ways.values())))
    accuracy = (ill * sensitivity + well * specificity) / (ill + well)
    worst = min(each, key=lambda way: sum(each[way]))
    return [accuracy, (sensitivity + specificity) / 2, sensitivity, specificity, sum(each[worst]) / 2], worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--program", default=measure.HERE.parent / "target" / "release" / "xray-tui")
    parser.add_argument("--db", default="runs.db")
    arguments = parser.parse_args()
    heads = ["accuracy", "balanced", "sensitivity", "specificity", "worst way"]
    print(f"{'run':<14}{'threshold':<20}" + "".join(f"{head:>12}" for head in heads))
    for run in arguments.runs:
        found = measure.ask(arguments, "eval", run, "--split", "validation", "--shifts", "--curves")["shifts"]
        ways = {way["shift"]: (way["margins"]["NORMAL"], way["margins"]["PNEUMONIA"]) for way in found}
        plain = youden(ways.pop("none"))
        others = lambda kind: [ways[way] for way in ways if (way in measure.FRAME) != kind]
        kinds = {kind: youden(together(others(kind))) for kind in (True, False)}
        for name, thresholds in [
            ("half", lambda way: 0.0),
            ("youden, plain", lambda way: plain),
            ("youden, other kind", lambda way: kinds[way in measure.FRAME]),
        ]:
            figures, worst = judge(ways, thresholds)
            print(f"{run:<14}{name:<20}" + "".join(f"{figure:>12.3f}" for figure in figures), "", worst, flush=True)


if __name__ == "__main__":
    main()
