"""The peer of `xray-tui bench`: torchvision's ResNet-18 on the CPU, the same steps and sizes.

    pip install torch torchvision
    python benches/torch_resnet18.py --batch-size 8 --image-size 224 --threads 2 --seconds 20
"""

import argparse
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
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    model = torchvision.models.resnet18(num_classes=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    images = torch.randn(arguments.batch_size, 3, arguments.image_size, arguments.image_size)
    labels = torch.arange(arguments.batch_size) % 2

    def train():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    def evaluate(batch):
        with torch.inference_mode():
            model(batch)

    share = arguments.seconds / 3
    rates = {"train": rate(arguments.batch_size, share, train)}
    model.eval()
    rates["eval"] = rate(arguments.batch_size, share, lambda: evaluate(images))
    rates["eval one"] = rate(1, share, lambda: evaluate(images[:1]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"threads": arguments.threads, "images_per_second": rates, "peak_bytes": peak}))


main()
