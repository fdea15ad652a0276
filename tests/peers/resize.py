"""Compares decoding and resizing with PIL's, on 20 pictures of 200 to 2,000 pixels made from real X-rays.

The pictures live in a temporary folder and are never kept. Ends with exit code 1 where a value differs by more than 2 of 255.

    python3 -m venv venv && venv/bin/pip install pillow numpy
    venv/bin/python tests/peers/resize.py DIR
"""

import random

import judge
import numpy
from PIL import Image

TEST = "dataset::cache::tests::pictures_for_the_comparison_with_pil"
FORMS = [
    {"mode": "L", "format": "JPEG", "quality": 95},
    {"mode": "L", "format": "JPEG", "quality": 60, "progressive": True},
    {"mode": "RGB", "format": "JPEG", "quality": 85, "subsampling": "4:2:0"},
    {"mode": "RGB", "format": "JPEG", "quality": 75, "subsampling": "4:4:4", "progressive": True},
    {"mode": "L", "format": "PNG"},
    {"mode": "RGBA", "format": "PNG"},
]


def make(folder, data):
    """Twenty real pictures, cropped and scaled at random, each in one of the forms."""
    choose = random.Random(2)
    for number, path in enumerate(choose.sample(sorted(data.rglob("*.jpeg")), 20)):
        form = dict(FORMS[number % len(FORMS)])
        image = Image.open(path).convert("RGB")
        left, top = choose.randint(0, 40), choose.randint(0, 40)
        image = image.crop((left, top, choose.randint(150, 224), choose.randint(150, 224)))
        image = image.resize((choose.randint(200, 2000), choose.randint(200, 2000)), Image.Resampling.BICUBIC)
        # Grain, so that the pictures are as rough as originals and not only smooth enlargements.
        grain = numpy.random.default_rng(number).normal(0, 4, (image.height, image.width, 1))
        pixels = numpy.clip(numpy.asarray(image) + grain, 0, 255).astype("uint8")
        image = Image.fromarray(pixels).convert(form.pop("mode"))
        image.save(folder / f"{number:02}.jpeg", **form)


def compare(folder):
    worst = 0
    for path in sorted(folder.glob("*.jpeg")):
        image = Image.open(path)
        planes = numpy.asarray(image.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)).astype(int)
        ways = [numpy.fromfile(path.with_suffix(f".{way}"), "uint8") for way in ("cold", "warm", "direct")]
        assert all((way == ways[0]).all() for way in ways), f"{path.name}: cached and direct differ"
        off = abs(planes - ways[0].reshape(224, 224, 1).astype(int))
        worst = max(worst, off.max())
        print(f"{path.name} {image.format:4} {image.mode:4} {image.width:4}x{image.height:4}", end=" ")
        print(f"largest {off.max()}, mean {off.mean():.4f}, equal {(off == 0).mean():.4f}")
    print(f"worst of all: {worst} of 255")
    return worst <= 2


judge.run(TEST, make, compare)
