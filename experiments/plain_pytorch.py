#!/usr/bin/env python3
"""A common first script: torchvision's ResNet-18 from scratch on chest X-rays, in PyTorch on the CPU.

    pip install torch torchvision
    experiments/plain_pytorch.py --data chest_xray --epochs 5

Adam at 0.001, batches of 64, 224 x 224 pixels, a flip, 10 degrees, a little jitter. Prints a JSON object an epoch with what
the test images score.
"""

import argparse
import json
import pathlib

import torch
import torchvision
from torchvision.transforms import v2

GREYS = [v2.Grayscale(3), v2.Resize((224, 224))]
CHANGES = [v2.RandomHorizontalFlip(), v2.RandomRotation(10), v2.ColorJitter(brightness=0.2, contrast=0.2)]
TENSOR = [
    v2.ToImage(),
    v2.ToDtype(torch.float32, scale=True),
    v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
]


def loader(folder, changes, arguments, shuffle):
    images = torchvision.datasets.ImageFolder(folder, v2.Compose([*GREYS, *changes, *TENSOR]))
    return torch.utils.data.DataLoader(
        images, arguments.batch_size, shuffle=shuffle, num_workers=arguments.threads, persistent_workers=True
    )


def score(model, images):
    """AUC, the share of pairs in the right order, and accuracy at 0.5."""
    model.eval()
    with torch.inference_mode():
        answers = [(torch.softmax(model(pictures), 1)[:, 1], labels) for pictures, labels in images]
    model.train()
    probabilities, labels = (torch.cat(parts) for parts in zip(*answers))
    ill, well = probabilities[labels == 1].double(), probabilities[labels == 0].double()
    difference = ill[:, None] - well[None, :]
    auc = ((difference > 0).double() + (difference == 0).double() / 2).mean()
    return {"auc": auc.item(), "accuracy": ((probabilities > 0.5) == (labels == 1)).double().mean().item()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    train = loader(arguments.data / "train", CHANGES, arguments, shuffle=True)
    test = loader(arguments.data / "test", [], arguments, shuffle=False)
    model = torchvision.models.resnet18(num_classes=2).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(1, arguments.epochs + 1):
        for pictures, labels in train:
            optimizer.zero_grad()
            pictures = pictures.to(memory_format=torch.channels_last)
            torch.nn.functional.cross_entropy(model(pictures), labels).backward()
            optimizer.step()
        print(json.dumps({"epoch": epoch, **score(model, test)}), flush=True)


if __name__ == "__main__":
    main()
