#!/usr/bin/env python3
"""On which validation images a threshold is best chosen, for pictures that look otherwise.

    experiments/threshold.py RUN… [--program xray-tui] [--db runs.db]

Scores runs on their validation images as they are and in each way made harder, without a look at the test images. Then,
for each way, three thresholds are tried on it that know nothing of it: 0.5, Youden's on the images as they are, and
Youden's on all other ways together. What the pictures from elsewhere will be like is not known; a way that was left out
stands for them. The mean over the ways, the worst of them by balanced accuracy, and each way by itself are printed.
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
    best, caught, cleared = (-math.inf, 0.0), len(ill), 0
    for (margin, truth), (following, _) in zip(margins, margins[1:]):
        caught, cleared = caught - truth, cleared + 1 - truth
        threshold = (margin + following) / 2
        if margin < following:
            best = max(best, (caught / len(ill) + cleared / len(well), -abs(threshold), threshold))
    return best[-1]


def together(ways):
    """All (NORMAL's, PNEUMONIA's) log odds of several ways."""
    return [sum((cases[of] for cases in ways), []) for of in (0, 1)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--program", default=measure.HERE.parent / "target" / "release" / "xray-tui")
    parser.add_argument("--db", default="runs.db")
    arguments = parser.parse_args()
    print(f"{'run':<12}{'threshold':<18}{'accuracy':>10}{'balanced':>10}{'sensitivity':>13}{'specificity':>13}{'worst way':>11}")
    for run in arguments.runs:
        found = measure.ask(arguments, "eval", run, "--split", "validation", "--shifts", "--curves")["shifts"]
        of = {way["shift"]: (way["margins"]["NORMAL"], way["margins"]["PNEUMONIA"]) for way in found}
        plain = of.pop("none")
        others = {way: youden(together([of[other] for other in of if other != way])) for way in of}
        own = youden(plain)
        for name, threshold in [
            ("half", lambda way: 0.0),
            ("youden, plain", lambda way: own),
            ("youden, other ways", others.get),
        ]:
            each = {way: rates(of[way], threshold(way)) for way in of}
            sensitivity, specificity = (sum(rate[of] for rate in each.values()) / len(each) for of in (0, 1))
            ill = len(plain[1]) / (len(plain[0]) + len(plain[1]))
            worst = min(each, key=lambda way: sum(each[way]))
            print(
                f"{run:<12}{name:<18}{ill * sensitivity + (1 - ill) * specificity:>10.3f}"
                f"{(sensitivity + specificity) / 2:>10.3f}{sensitivity:>13.3f}{specificity:>13.3f}"
                f"{sum(each[worst]) / 2:>7.3f} {worst}"
            )


if __name__ == "__main__":
    main()
