"""One peer of `xray-tui bench`: torchvision's ResNet-18 in onnxruntime on the CPU.

    pip install torch torchvision onnx onnxruntime
    python benches/peers/onnxruntime_resnet18.py --batch-size 16 --threads 2 --seconds 10

Prints one JSON object with the median pass.
"""

import argparse
import json
import pathlib
import tempfile
import time

import numpy
import onnxruntime
import torch
import torchvision


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = str(pathlib.Path(folder) / "resnet18.onnx")
        model = torchvision.models.resnet18(num_classes=2).eval()
        names = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": {"x": {0: "n"}, "y": {0: "n"}}}
        torch.onnx.export(model, torch.randn(1, 3, 224, 224), file, dynamo=False, **names)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = arguments.threads, 1
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    images = numpy.random.randn(arguments.batch_size, 3, 224, 224).astype(numpy.float32)
    times, end = [], None
    while len(times) < 4 or time.monotonic() < end:
        start = time.monotonic()
        session.run(None, {"x": images})
        times.append(time.monotonic() - start)
        end = end or time.monotonic() + arguments.seconds
    median = sorted(times[1:])[(len(times) - 1) // 2]
    rate = arguments.batch_size / median
    print(json.dumps({"peer": f"onnxruntime {onnxruntime.__version__}", "images_per_second": rate}))


main()
