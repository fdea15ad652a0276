#!/usr/bin/env python3
"""A figure of how well test images are answered over the minutes of training, here and in PyTorch.

    pip install torch torchvision
    cargo build --release
    experiments/curve.py --data chest_xray              trains, one program after the other, and draws
    experiments/curve.py --draw                         draws what is in experiments/results/curve.json

Times are those of a clock on the wall, from the program's start to the end of each epoch: with reading and decoding the
pictures, here with validation, there with scoring the test images. Our runs keep every epoch's weights, and the test images
are scored afterwards: nothing is chosen by them. The epoch that a run itself has chosen is ringed and named. PyTorch's
script chooses none, and its last is named; it trains on all of `train`, our runs on nine patients of ten.
"""

import argparse
import collections
import importlib.util
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results" / "curve.json"
PICTURE = HERE.parent / "assets" / "learning.svg"
RECIPES = ["fast", "default", "plain"]
PEER = "PyTorch, plain"

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 62, 150, 20, 48
# Readable on a light page and on a dark one; told apart by their dashes too.
STYLES = {
    "fast": ("#d97706", "none"),
    "default": ("#2563eb", "9 3"),
    "plain": ("#059669", "2 2"),
    PEER: ("#6b7280", "3 5"),
}


def timed(command, of_epoch, **pipes):
    """Runs a command; gives what of_epoch makes of its lines, and the minutes after which each came."""
    start, found, last = time.monotonic(), [], collections.deque(maxlen=20)
    with subprocess.Popen([str(word) for word in command], text=True, **pipes) as process:
        for line in process.stderr or process.stdout:
            last.append(line)
            made = of_epoch(line)
            if made is not None:
                found.append((made, round((time.monotonic() - start) / 60, 3)))
    if process.returncode != 0:
        sys.exit(f"{''.join(last)}{command[0]} failed")
    return found


def ask(command):
    """The last line of what a command prints."""
    answer = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(answer.splitlines()[-1])


def ours(arguments, recipe):
    """Minutes and AUC of the test images, epoch by epoch, and the epoch that the run has chosen."""
    places = ["--data", arguments.data, "--db", arguments.db]
    name = f"{recipe}-{arguments.seed}"
    # The split of all seeds is the same, so that runs of other seeds can join these in an ensemble.
    command = [arguments.program, "train", "--recipe", recipe, "--seed", arguments.seed, "--split-seed", 1, "--name", name]
    said = lambda line: re.match(r"epoch (\d+)  train loss", line)
    with tempfile.TemporaryDirectory() as cache:
        epochs = timed(
            [*command, "--keep-epochs", *places], said, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={**os.environ, "XRAY_TUI_CACHE": cache},
        )
    answer = ask([arguments.program, "eval", name, "--every-epoch", "--json", "-q", *places])
    scores = {score["epoch"]: score["auc"] for score in answer["epochs"]}
    chosen = ask([arguments.program, "runs", "show", name, "--json", "-q", "--db", arguments.db])["best_epoch"]
    return {"chosen": chosen, "points": [[minutes, round(scores[int(epoch[1])], 4)] for epoch, minutes in epochs]}


def pytorch(arguments):
    command = [sys.executable, HERE / "plain_pytorch.py", "--data", arguments.data, "--epochs", arguments.peer_epochs]
    epochs = timed([*command, "--seed", arguments.seed], json.loads, stdout=subprocess.PIPE)
    return {"chosen": None, "points": [[minutes, round(epoch["auc"], 4)] for epoch, minutes in epochs]}


def machine():
    known = pathlib.Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", known.read_text()) if known.exists() else None
    return f"{os.cpu_count()} cores, {found[1] if found else platform.processor()}"


def measure(arguments):
    """Trains and scores; what is measured is written at once."""
    curves = {}
    for name in [*RECIPES, PEER]:
        curves[name] = pytorch(arguments) if name == PEER else ours(arguments, name)
        text = ",\n".join(f"    {json.dumps(name)}: {json.dumps(curve)}" for name, curve in curves.items())
        RESULTS.write_text(f'{{\n  "machine": {json.dumps(machine())},\n  "curves": {{\n{text}\n  }}\n}}\n')


def draw(curves):
    points_of = {name: curve["points"] for name, curve in curves.items()}
    last = max(points[-1][0] for points in points_of.values())
    across = lambda minutes: LEFT + minutes / last * (WIDTH - LEFT - RIGHT)
    # From the twentieth below the worst epoch.
    lowest = min(int(auc * 20) for points in points_of.values() for _, auc in points) / 20
    down = lambda auc: TOP + (1 - auc) / (1 - lowest) * (HEIGHT - TOP - BOTTOM)
    grey = 'stroke="#6b7280" stroke-opacity="0.3"'
    parts = []
    for hundredth in range(round(100 * lowest), 101, 5):
        y = down(hundredth / 100)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" {grey}/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{hundredth / 100:.2f}</text>')
    for minute in range(0, int(last) + 1, 5 if last < 60 else 10):
        parts.append(f'<text x="{across(minute):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{minute}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">minutes of training</text>')
    parts.append(f'<text x="{LEFT}" y="{TOP - 6}">AUC, test images</text>')
    taken = []
    named = {name: (curve["chosen"] or len(curve["points"])) - 1 for name, curve in curves.items()}
    for name, points in sorted(points_of.items(), key=lambda of: of[1][named[of[0]]][1], reverse=True):
        (colour, dashes), (minutes, auc) = STYLES[name], points[named[name]]
        line = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="2.5" fill="{colour}"/>' for x, y in points]
        parts.append(f'<circle cx="{across(minutes):.1f}" cy="{down(auc):.1f}" r="6" fill="none" stroke="{colour}"/>')
        end, place = across(points[-1][0]) + 10, down(points[-1][1]) + 4
        while any(abs(x - end) < RIGHT and abs(y - place) < 18 for x, y in taken):
            place += 18
        taken.append((end, place))
        parts.append(f'<text x="{end:.1f}" y="{place:.1f}" fill="{colour}">{name} {auc:.3f}</text>')
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            'font-family="sans-serif" font-size="13" fill="#6b7280">')
    PICTURE.write_text("\n".join([head, "<title>AUC on the test images over minutes of training</title>", *parts, "</svg>\n"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--program", default=HERE.parent / "target" / "release" / "xray-tui")
    parser.add_argument("--db", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "curve" / "runs.db")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peer-epochs", type=int, default=5)
    parser.add_argument("--draw", action="store_true")
    arguments = parser.parse_args()
    if not arguments.draw:
        if arguments.data is None:
            parser.error("--data says where the X-rays are")
        if importlib.util.find_spec("torchvision") is None:
            parser.error("this Python has no torchvision: pip install torch torchvision")
        if arguments.db.exists():
            parser.error(f"{arguments.db} is there already: name another file with --db")
        arguments.db.parent.mkdir(parents=True, exist_ok=True)
        measure(arguments)
    draw(json.loads(RESULTS.read_text())["curves"])


if __name__ == "__main__":
    main()
