"""Runs `xray-tui bench` and its peers in turn, and prints medians, spreads and ratios.

    cargo build --release
    python benches/peers/compare.py [--rounds 3] [--seconds 8] [--threads 2]

Needs torch, torchvision, pillow, onnx and onnxruntime in the Python that runs it. Nothing else should run on the machine.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
PROGRAM = HERE.parent.parent / "target" / "release" / "xray-tui"
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}


def run(command, extra=None):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(extra or {})}, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def ours(what, batch, arguments, *flags):
    command = [PROGRAM, "bench", "--only", what, "--batch-size", batch, "--seconds", arguments.seconds]
    command += ["--threads", arguments.threads, "--json", "-q", *flags]
    results = run([str(part) for part in command])["results"]
    return next(result for result in results if (result["name"], result["batch"]) == (what, batch))


def peer(script, batch, arguments, *flags, extra=None):
    command = [sys.executable, HERE / script, *flags, "--batch-size", batch, "--seconds", arguments.seconds]
    return run([str(part) for part in [*command, "--threads", arguments.threads]], extra)


def decoded(folder, arguments):
    command = [PROGRAM, "bench", "--only", "decode", "--data", folder, "--seconds", arguments.seconds, "--json", "-q"]
    return run([str(part) for part in command])["results"][0]


def decoded_by(peer, folder, arguments):
    command = [sys.executable, HERE / "decode.py", peer, "--seconds", arguments.seconds, folder]
    return run([str(part) for part in command])


def contests(arguments, folder):
    torch, ort = "torch_resnet18.py", "onnxruntime_resnet18.py"
    for batch in (32, 64):
        yield f"train f32, batch {batch}", lambda batch=batch: ours("train", batch, arguments), {
            "torch": lambda batch=batch: peer(torch, batch, arguments, "train"),
            "torch bf16": lambda batch=batch: peer(torch, batch, arguments, "train", "--precision", "bf16"),
        }
    yield "train f32, batch 32, AVX2", lambda: ours("train", 32, arguments, "--isa", "avx2"), {
        "torch": lambda: peer(torch, 32, arguments, "train", extra=AVX2)}
    for batch in (1, 16, 64):
        yield f"eval f32, batch {batch}", lambda batch=batch: ours("eval", batch, arguments), {
            "onnxruntime": lambda batch=batch: peer(ort, batch, arguments),
            "torch": lambda batch=batch: peer(torch, batch, arguments, "eval"),
        }
    subprocess.run([sys.executable, HERE / "decode.py", "make", folder], check=True)
    yield "decode 1500 x 1200, one thread", lambda: decoded(folder, arguments), {
        who: lambda who=who: decoded_by(who, folder, arguments) for who in ("pil", "torchvision")}
    yield "train f32, batch 16, portable", lambda: ours("train", 16, arguments, "--isa", "portable"), {
        "candle": lambda: ours("train", 16, arguments, "--engine", "plain")}
    yield "train f32, batch 32, two threads", lambda: ours("train", 32, arguments), {
        "one thread": lambda: ours("train", 32, argparse.Namespace(**{**vars(arguments), "threads": 1}))}


def median(results):
    return sorted(result["images_per_second"] for result in results)[len(results) // 2]


def row(name, who, results, ratio=""):
    rates = [result["images_per_second"] for result in results]
    peak = max(result.get("peak_bytes") or 0 for result in results)
    spread = f"{min(rates):.1f}-{max(rates):.1f}"
    print(f"{name:<34}{who:<14}{median(results):>8.1f}{spread:>14}{peak / 1e9:>8.2f} GB {ratio}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    print(f"{'':<34}{'':<14}{'images/s':>8}{'spread':>14}{'peak':>8}    ours over it")
    folder = tempfile.TemporaryDirectory()
    for name, our, peers in contests(arguments, folder.name):
        rounds = [{"xray-tui": our(), **{who: work() for who, work in peers.items()}} for _ in range(arguments.rounds)]
        own = [results["xray-tui"] for results in rounds]
        row(name, "xray-tui", own)
        for who in peers:
            others = [results[who] for results in rounds]
            row("", who, others, f"{median(own) / median(others):.2f}")


main()
