"""Trains torchvision's ResNet-18 on the batches that `cargo run --example agreement` wrote down, and compares losses.

    pip install torch torchvision safetensors
    python benches/peers/agreement.py FOLDER...

Each FOLDER is one seed's. For each it prints how far the losses of both engines are from PyTorch's, step by step, and
the accuracy that the last weights reach.
"""

import json
import pathlib
import sys

import torch
import torchvision
from safetensors.torch import load_file

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def images(grey):
    level = grey.unsqueeze(1) / 255.0
    return (level - MEAN.view(1, 3, 1, 1)) / STD.view(1, 3, 1, 1)


def accuracy(model, tensors, split):
    grey, labels = tensors[f"{split}.grey"], tensors[f"{split}.labels"]
    with torch.inference_mode():
        right = [(model(images(part)).argmax(1) == of).sum() for part, of in zip(grey.split(32), labels.split(32))]
    return float(sum(right)) / len(labels)


def train(folder):
    tensors = load_file(folder / "images.safetensors")
    model = torchvision.models.resnet18(num_classes=2)
    model.load_state_dict(load_file(folder / "start.safetensors"), strict=True)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for name in sorted(name for name in tensors if name.startswith("batch.") and name.endswith(".grey")):
        adam.zero_grad()
        labels = tensors[name.replace(".grey", ".labels")]
        loss = torch.nn.functional.cross_entropy(model(images(tensors[name])), labels)
        loss.backward()
        adam.step()
        losses.append(float(loss.detach()))
    model.eval()
    return {"engine": "torch", "losses": losses,
            "accuracy": {split: accuracy(model, tensors, split) for split in ("validation", "test")}}


def main():
    for folder in map(pathlib.Path, sys.argv[1:]):
        fast, plain = json.loads((folder / "engines.json").read_text())
        torch_run = train(folder)
        print(f"{folder.name}: {len(fast['losses'])} steps")
        for own, other in [(fast, torch_run), (plain, torch_run), (fast, plain)]:
            apart = [abs(a - b) / max(abs(b), 1e-9) for a, b in zip(own["losses"], other["losses"])]
            steps = {bound: next((i + 1 for i, d in enumerate(apart) if d > bound), None) for bound in (1e-4, 1e-3, 1e-2, 1e-1)}
            first = ", ".join(f"{d:.0e}" for d in apart[:5])
            print(f"  {own['engine']:>5} - {other['engine']:<5}  first steps {first}; first step beyond {steps}")
        for run in (fast, plain, torch_run):
            tail = run["losses"][-15:]
            scores = "  ".join(f"{split} {value:.3f}" for split, value in run["accuracy"].items())
            print(f"  {run['engine']:>5}  mean loss of the last 15 steps {sum(tail) / len(tail):.3f}  accuracy {scores}", flush=True)


main()
