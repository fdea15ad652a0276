"""One peer of `xray-tui bench`: torchvision's ResNet-18 in PyTorch on the CPU, channels last, the same steps and sizes.

    pip install torch torchvision
    python benches/peers/torch_resnet18.py train --batch-size 32 --threads 2 --seconds 20

Prints one JSON object with the median pass. `--precision bf16` measures autocast, `ATEN_CPU_CAPABILITY=avx2
ONEDNN_MAX_CPU_ISA=AVX2` the narrower instructions.
"""

import argparse
import contextlib
import json
import resource
import time

import torch
import torchvision


def rate(images, seconds, work):
    """Images a second: the median of passes within `seconds`, after one that warms up."""
    work()
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end or len(times) < 3:
        start = time.monotonic()
        work()
        times.append(time.monotonic() - start)
    return images / sorted(times)[len(times) // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["train", "eval"])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    model = torchvision.models.resnet18(num_classes=2).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    images = torch.randn(arguments.batch_size, 3, arguments.image_size, arguments.image_size)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.arange(arguments.batch_size) % 2

    def precision():
        return torch.autocast("cpu", torch.bfloat16) if arguments.precision == "bf16" else contextlib.nullcontext()

    def train():
        optimizer.zero_grad()
        with precision():
            loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()

    def evaluate():
        with torch.inference_mode(), precision():
            model(images)

    if arguments.what == "eval":
        model.eval()
    images_per_second = rate(arguments.batch_size, arguments.seconds, train if arguments.what == "train" else evaluate)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"peer": f"torch {torch.__version__}", "images_per_second": images_per_second, "peak_bytes": peak}))


main()
