"""Compares the equalised contrast of 20 real X-rays, cropped and scaled at random to 100 to 2,000 pixels, with OpenCV's.

The pictures live in a temporary folder and are never kept. Ends with exit code 1 where a level differs by more than 1.

    python3 -m venv venv && venv/bin/pip install opencv-python-headless numpy
    venv/bin/python tests/peers/clahe.py DIR
"""

import random

import cv2
import judge
import numpy

TEST = "picture::clahe::tests::pictures_for_the_comparison_with_opencv"


def make(folder, data):
    """Every fifth as it is; of the others a part, scaled, with grain so that it is as rough as an original."""
    choose = random.Random(3)
    for number, path in enumerate(choose.sample(sorted(data.rglob("*.jpeg")), 20)):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if number % 5:
            bottom, right = (choose.randint(side * 2 // 3, side) for side in image.shape)
            size = (choose.randint(100, 2000), choose.randint(100, 2000))
            image = cv2.resize(image[:bottom, :right], size, interpolation=cv2.INTER_CUBIC)
            grain = numpy.random.default_rng(number).normal(0, 4, image.shape)
            image = numpy.clip(image + grain, 0, 255).astype("uint8")
        cv2.imwrite(str(folder / f"{number:02}.png"), image)


def compare(folder):
    worst = 0
    clahe = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8))
    for path in sorted(folder.glob("*.png")):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        own = numpy.fromfile(path.with_suffix(".equalised"), "uint8").reshape(image.shape)
        off = abs(clahe.apply(image).astype(int) - own)
        worst = max(worst, off.max())
        print(f"{path.name} {image.shape[1]:4}x{image.shape[0]:4} largest {off.max()}, equal {(off == 0).mean():.6f}")
    print(f"worst of all: {worst} of 255")
    return worst <= 1


judge.run(TEST, make, compare)
