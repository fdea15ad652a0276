"""One peer of `xray-tui bench --only decode`: JPEG files to normalised 224 x 224 tensors on one thread.

    pip install torch torchvision pillow numpy
    python benches/peers/decode.py make --images 16 FOLDER
    python benches/peers/decode.py pil --seconds 5 FOLDER
    python benches/peers/decode.py torchvision --seconds 5 FOLDER

`make` writes grey JPEGs of 1500 x 1200 pixels as a data set that both sides can read: smooth shapes with noise on them,
of about the size in bytes that an X-ray has. The others print one JSON object with the median pass over all files.
"""

import argparse
import json
import pathlib
import time

import numpy
import torch
import torchvision
from PIL import Image
from torchvision import transforms


def make(folder, count):
    random = numpy.random.default_rng(1)
    y, x = numpy.mgrid[0:1200, 0:1500]
    for index in range(count):
        waves = sum(numpy.sin(x * random.uniform(0, 0.02) + y * random.uniform(0, 0.02) + index) for _ in range(8))
        grey = 128 + 12 * waves + random.normal(0, 3, x.shape)
        place = folder / "train" / ("NORMAL" if index % 2 else "PNEUMONIA")
        place.mkdir(parents=True, exist_ok=True)
        name = f"IM-{index:04}-0001.jpeg" if index % 2 else f"person{index}_virus_1.jpeg"
        Image.fromarray(grey.clip(0, 255).astype(numpy.uint8)).save(place / name, quality=90)


def reader(kind):
    normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    if kind == "pil":
        chain = transforms.Compose([transforms.Resize((224, 224)), transforms.ToTensor()])
        return lambda path: normalise(chain(Image.open(path).convert("L")).expand(3, -1, -1))
    resize = transforms.Resize((224, 224), antialias=True)
    read = torchvision.io.read_file
    grey = torchvision.io.ImageReadMode.GRAY
    return lambda path: normalise((resize(torchvision.io.decode_jpeg(read(path), grey)) / 255.0).expand(3, -1, -1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["make", "pil", "torchvision"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    arguments = parser.parse_args()
    if arguments.what == "make":
        return make(arguments.folder, arguments.images)
    torch.set_num_threads(1)
    files = sorted(str(path) for path in arguments.folder.rglob("*.jpeg"))
    work = reader(arguments.what)
    times, end = [], time.monotonic() + arguments.seconds
    while time.monotonic() < end or len(times) < 4:
        start = time.monotonic()
        for path in files:
            work(path)
        times.append(time.monotonic() - start)
    rate = len(files) / sorted(times[1:])[(len(times) - 1) // 2]
    print(json.dumps({"peer": arguments.what, "images_per_second": rate}))


main()
