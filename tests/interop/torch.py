"""Proves with the real peers that weights go both ways: PyTorch, torchvision, timm, safetensors, onnx, onnxruntime.

    python3 -m venv /tmp/venv
    /tmp/venv/bin/pip install torch torchvision timm safetensors onnx onnxruntime pillow
    /tmp/venv/bin/python tests/interop/torch.py --program target/release/xray-tui

It makes a demo set and a tiny run through the program, in a folder of its own. One line a check; exits 1 if any fails.
"""

import sys

# This file is called as the library: its folder must not be looked in.
sys.path.pop(0)

import argparse
import ast
import json
import os
import pathlib
import pickle
import shutil
import subprocess
import tempfile

import numpy as np
import onnx
import onnxruntime
import timm
import torch
import torchvision
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

SIDE = 64
FAILED = []


def check(what, holds, detail=""):
    print(("ok      " if holds else "FAILED  ") + what + (f"  ({detail})" if detail != "" else ""), flush=True)
    if not holds:
        FAILED.append(what)


def near(what, found, expected, bound=1e-4):
    difference = float(np.abs(np.asarray(found, np.float64) - np.asarray(expected, np.float64)).max())
    check(what, difference <= bound, f"largest difference {difference:.1e}")


class Program:
    def __init__(self, path, folder):
        self.path, self.folder = pathlib.Path(path).resolve(), folder
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("XRAY_TUI_")}
        self.env |= {"XRAY_TUI_CACHE": str(folder / "cache"), "XDG_CONFIG_HOME": str(folder / "config")}

    def run(self, *words):
        words = [str(self.path), *map(str, words), "--json"]
        return subprocess.run(words, cwd=self.folder, env=self.env, capture_output=True, text=True)

    def ask(self, *words):
        done = self.run(*words)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, words))}: {done.stderr}")
        return json.loads(done.stdout.strip().splitlines()[-1])


def prepare(files, notes):
    """(N, 3, S, S) f32, by what the notes of an exported file say."""
    side, mean, std = int(notes["image_size"]), ast.literal_eval(notes["image_mean"]), ast.literal_eval(notes["image_std"])
    transform = torchvision.transforms.Compose([
        torchvision.transforms.Resize((side, side)),
        torchvision.transforms.Grayscale(3),
        torchvision.transforms.ToTensor(),
        torchvision.transforms.Normalize(mean, std),
    ])
    return torch.stack([transform(Image.open(file).convert("L")) for file in files])


def model_of(state, classes=2):
    model = torchvision.models.resnet18(num_classes=classes)
    model.load_state_dict(state, strict=True)
    return model.eval()


def answers(model, pixels):
    with torch.no_grad():
        return torch.softmax(model(pixels), 1)[:, 1].double().numpy()


def exports(program, run, files, expected):
    """Every form that is written is taken by its own library and gives the program's answers."""
    for name in ["run.pth", "run.safetensors", "run.onnx"]:
        program.ask("weights", "export", run, "--out", name)
    with safe_open(program.folder / "run.safetensors", "pt") as file:
        notes = file.metadata()
    check("safetensors: the notes name classes and that it is for research", json.loads(notes["classes"]) == ["NORMAL", "PNEUMONIA"] and "research" in notes["use"])
    pixels = prepare(files, notes)

    state = torch.load(program.folder / "run.pth", weights_only=True)
    pth = model_of(state)
    near(".pth: torch.load(weights_only=True) into torchvision, strict, answers", answers(pth, pixels), expected)
    check(".pth: in torchvision's order", list(state) == list(torchvision.models.resnet18().state_dict()))
    mapped = torch.load(program.folder / "run.pth", weights_only=True, mmap=True)
    check(".pth: mapped into memory it is the same", all(torch.equal(state[name], mapped[name]) for name in state))
    timms = timm.create_model("resnet18", num_classes=2).eval()
    timms.load_state_dict(state, strict=True)
    near(".pth: into timm's resnet18, answers", answers(timms, pixels), expected)

    tensors = load_file(program.folder / "run.safetensors")
    near("safetensors: into torchvision, strict, answers", answers(model_of(tensors), pixels), expected)
    check("safetensors: bit for bit the .pth", set(tensors) == set(state) and all(torch.equal(tensors[name], state[name]) for name in state))
    exported_onnx(program.folder / "run.onnx", state, (pth, pixels, expected), notes)
    return state


def exported_onnx(path, state, torchs, notes):
    model, pixels, expected = torchs
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    check("ONNX: onnx.checker takes it, with shapes inferred", True, f"IR {proto.ir_version}, opset {proto.opset_import[0].version}")
    props = {prop.key: prop.value for prop in proto.metadata_props}
    check("ONNX: the same notes as in safetensors", props == {key: value for key, value in notes.items() if key != "format"})
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    same = all(np.array_equal(stored[name], state[name].numpy()) for name in stored)
    check("ONNX: its tensors are the .pth's, bit for bit", same and len(stored) == 102, len(stored))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    check("ONNX: one input, two outputs", [i.name for i in session.get_inputs()] == ["pixel_values"] and [o.name for o in session.get_outputs()] == ["logits", "probabilities"])
    for batch in [1, 7]:
        logits, probabilities = session.run(None, {"pixel_values": pixels[:batch].numpy()})
        near(f"ONNX: onnxruntime's probabilities, batch of {batch}", probabilities[:, 1], expected[:batch])
        with torch.no_grad():
            near(f"ONNX: onnxruntime's logits are torch's, batch of {batch}", logits, model(pixels[:batch]).numpy())


def predictions(program, run, files):
    """The program's own probabilities of PNEUMONIA."""
    answered = program.ask("predict", *files, "--run", run)["predictions"]
    return np.array([prediction["probability"] for prediction in answered])


def whole_way(program, files, expected):
    """From the files of the set, decoded and resized by Pillow, to the probability."""
    session = onnxruntime.InferenceSession(program.folder / "run.onnx", providers=["CPUExecutionProvider"])
    pixels = prepare(files, session.get_modelmeta().custom_metadata_map)
    probabilities = session.run(None, {"pixel_values": pixels.numpy()})[1][:, 1]
    near("ONNX: from JPEGs of any size, prepared as the notes say, up to two levels of a pixel", probabilities, expected, 0.02)


def tensors_of(program, run):
    """The best weights of a run, through the program's own export."""
    program.ask("weights", "export", run, "--out", "again.pth", "--force")
    return torch.load(program.folder / "again.pth", weights_only=True)


def start_from(program, file, name):
    """Trains for one epoch at a rate that changes nothing but the running statistics; gives the weights."""
    program.ask("train", "--data", "few", "--name", name, "--pretrained", file, "--recipe", "plain", "--epochs", 1,
                "--image-size", 32, "--batch-size", 8, "--learning-rate", 1e-30)
    return tensors_of(program, name)


def same_parameters(found, expected, head=True):
    """Up to the step that training at such a rate makes, which shows where a value is 0."""
    names = [name for name in expected if "running" not in name and "tracked" not in name]
    names = [name for name in names if head or not name.startswith("fc.")]
    return all(torch.allclose(found[name], expected[name].float(), rtol=0, atol=1e-20) for name in names)


def imports(program):
    """Every form that others write is read with equal values."""
    torch.manual_seed(7)
    program.ask("data", "demo", "--out", "few", "--images", 24)
    folder, model = program.folder, torchvision.models.resnet18(num_classes=1000)
    state = model.state_dict()
    two = torchvision.models.resnet18(num_classes=2).state_dict()
    timms = timm.create_model("resnet18", pretrained=False).state_dict()
    half = {name: t.half() if t.is_floating_point() else t for name, t in two.items()}
    adam = torch.optim.Adam(model.parameters())
    model(torch.randn(2, 3, 64, 64)).sum().backward()
    adam.step()
    trained = {name: t.clone() for name, t in model.state_dict().items()}
    files = {
        "zip.pth": (state, lambda file: torch.save(state, file)),
        "older.pth": (state, lambda file: torch.save(state, file, _use_new_zipfile_serialization=False)),
        "two.pth": (two, lambda file: torch.save(two, file)),
        "two-older.pth": (two, lambda file: torch.save(two, file, _use_new_zipfile_serialization=False)),
        "protocol4.pth": (two, lambda file: torch.save(two, file, pickle_protocol=4)),
        "protocol5-older.pth": (two, lambda file: torch.save(two, file, pickle_protocol=5, _use_new_zipfile_serialization=False)),
        "plain-dict.pth": (two, lambda file: torch.save(dict(two), file)),
        "timm.pth": (timms, lambda file: torch.save(timms, file)),
        "timm.safetensors": (timms, lambda file: save_file(timms, file, {"format": "pt"})),
        "two.safetensors": (two, lambda file: save_file(two, file)),
        "parallel.pth": (two, lambda file: torch.save(torch.nn.DataParallel(model_of(two)).state_dict(), file)),
        "half.pth": (half, lambda file: torch.save(half, file)),
        "half.safetensors": (half, lambda file: save_file(half, file)),
        "bf16.pth": ({n: t.bfloat16() if t.is_floating_point() else t for n, t in two.items()}, None),
        "double.pth": ({n: t.double() if t.is_floating_point() else t for n, t in two.items()}, None),
        "channels-last.pth": (two, lambda file: torch.save(model_of(two).to(memory_format=torch.channels_last).state_dict(), file)),
        "training.pth": (trained, lambda file: torch.save({"epoch": 3, "model_state_dict": trained, "optimizer": adam.state_dict(), "best": 0.5}, file)),
        "training-older.pth": (trained, lambda file: torch.save({"state_dict": trained, "optimizer": adam.state_dict()}, file, _use_new_zipfile_serialization=False)),
        "flat.pth": (two, lambda file: torch.save(flat(two), file)),
        "flat-older.pth": (two, lambda file: torch.save(flat(two), file, _use_new_zipfile_serialization=False)),
        "parameters.pth": (two, lambda file: torch.save({n: torch.nn.Parameter(t) if t.is_floating_point() else t for n, t in two.items()}, file)),
    }
    for name, (expected, save) in files.items():
        save = save or (lambda file: torch.save(expected, file))
        save(folder / name)
        classes = len(expected["fc.bias"])
        shown = program.ask("weights", "show", name)
        head = "loaded" if classes == 2 else "new"
        check(f"{name}: `weights show` knows it", (shown["classes"], shown["head"], shown["parameters"]) == (classes, head, 11176512 + 513 * classes), shown["format"])
        found = start_from(program, name, name)
        check(f"{name}: trained from, its values are the file's", same_parameters(found, expected, head == "loaded"))


def flat(state):
    """The same tensors as views of one storage."""
    total = torch.cat([t.flatten().float() for t in state.values()])
    views, at = {}, 0
    for name, tensor in state.items():
        views[name] = total[at:at + tensor.numel()].view(tensor.shape) if tensor.is_floating_point() else tensor
        at += tensor.numel()
    return views


def strangers(program):
    """Networks that are no plain ResNet-18 are refused in words."""
    cases = [("resnet18d", {}, "resnet18d"), ("seresnet18", {}, "squeeze-and-excitation"), ("resnet34", {}, "more blocks"),
             ("resnet50", {}, "bottleneck"), ("resnet18", {"num_classes": 0}, "no last layer"),
             ("resnet18", {"in_chans": 1}, "[64, 1, 7, 7]"), ("resnetv2_18", {}, "stem of another kind")]
    for name, options, words in cases:
        torch.save(timm.create_model(name, pretrained=False, **options).state_dict(), program.folder / "other.pth")
        problem = program.ask("weights", "show", "other.pth")["problem"]
        check(f"timm's {name} {options or ''} is refused in words", words in (problem or ""), problem)
    torch.save(torchvision.models.resnet18(), program.folder / "model.pth")
    done = program.run("weights", "show", "model.pth")
    check("a whole model is refused, with what to save instead", done.returncode == 1 and "state_dict()" in done.stderr, done.stderr.strip())


class Attack:
    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


class State:
    """Runs code when it is given its state."""

    def __reduce__(self):
        return Attack, (print,), {"call": os.system}


def bomb(levels):
    """A list in a list ten times, and so on."""
    inner = ["x"]
    for _ in range(levels):
        inner = [inner] * 10
    return inner


def hostile(program):
    """Files that would run code are refused, by torch and by the program, and nothing runs."""
    marker = program.folder / "marker"
    touch = f"touch {marker}"
    tensor = torch.zeros(2)
    attacks = {
        "os.system": Attack(os.system, touch),
        "eval": Attack(eval, f"open({str(marker)!r}, 'w')"),
        "exec": Attack(exec, f"open({str(marker)!r}, 'w')"),
        "subprocess": Attack(subprocess.Popen, ["touch", str(marker)]),
        "getattr": Attack(getattr, "x", "upper"),
        "within a dictionary": {"conv1.weight": tensor, "x": Attack(os.system, touch)},
        "as a key's value's list": {"state_dict": [tensor, [Attack(os.system, touch)]]},
        "nested calls": Attack(print, Attack(os.system, touch)),
        "a state": State(),
        "torch.load within": Attack(torch.load, "zip.pth"),
        "torch.hub": Attack(torch.hub.load, "x", "y"),
    }
    for what, thing in attacks.items():
        for zipped in [True, False]:
            for protocol in [2, 4]:
                file = program.folder / "hostile.pth"
                torch.save(thing, file, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
                shown = program.run("weights", "show", file)
                fine = shown.returncode == 1 and "it would run code: " in shown.stderr
                words = shown.stderr.strip().split("it would run code: ")[-1].split(";")[0]
                check(f"hostile: {what}, {'zip' if zipped else 'older'} form, protocol {protocol}", fine and not marker.exists(), words)
    trained = program.run("train", "--data", "few", "--pretrained", file, "--epochs", 1, "--image-size", 32)
    check("hostile: `train --pretrained` refuses it too", trained.returncode == 1 and "it would run code: " in trained.stderr)
    raw = {
        "protocol 0, INST": b"(S'" + touch.encode() + b"'\nios\nsystem\n.",
        "protocol 1, OBJ": b"(cos\nsystem\nS'" + touch.encode() + b"'\no.",
        "BUILD on a tuple": b"\x80\x02)}b.",
        "an extension": b"\x80\x02\x82\x01.",
    }
    for what, code in raw.items():
        file = program.folder / "hostile.pth"
        head = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
        file.write_bytes(head + code)
        done = program.run("weights", "show", file)
        check(f"hostile: {what}", done.returncode == 1 and "it would run code" in done.stderr and not marker.exists())
    for what, thing in {"a bomb of lists": bomb(200), "a bomb of tensors": {str(n): tensor.expand(1 << 20, 2) for n in range(2000)}}.items():
        torch.save(thing, program.folder / "bomb.pth")
        done = subprocess.run(["/bin/sh", "-c", 'ulimit -v 4000000; exec "$@"', "sh", program.path, "weights", "show", program.folder / "bomb.pth", "--json"],
                              cwd=program.folder, env=program.env, capture_output=True, text=True, timeout=60)
        said = done.stderr.strip() or json.loads(done.stdout)["problem"]
        check(f"hostile: {what} ends at once, in little memory", done.returncode in (0, 1) and said != "", said[:80])
    check("hostile: no code ran", not marker.exists())


def big_endian(program):
    """The zip form says in a record of its own how numbers lie."""
    import zipfile
    with zipfile.ZipFile(program.folder / "two.pth") as old, zipfile.ZipFile(program.folder / "big.pth", "w") as new:
        for name in old.namelist():
            new.writestr(name, b"big" if name.endswith("byteorder") else old.read(name))
    done = program.run("weights", "show", "big.pth")
    check("numbers with their highest byte first are refused", done.returncode == 1 and "highest byte first" in done.stderr)


def pictures(folder):
    """Some of the set as they are, and as PNG of the network's size: decoders of JPEG differ by a level of 255, resizers by
    two at most (tests/peers/resize.py), which is not what the weights are judged by."""
    originals = sorted(file for file in (folder / "data").rglob("*") if file.suffix in (".jpeg", ".png"))[::3]
    prepared = [folder / f"picture-{number}.png" for number in range(len(originals))]
    for original, file in zip(originals, prepared):
        Image.open(original).convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR).save(file)
    return originals, prepared


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True, help="the xray-tui to check")
    parser.add_argument("--keep", action="store_true", help="leave the folder, and say where it is")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="xray-tui-torch-"))
    program = Program(arguments.program, folder)
    program.ask("data", "demo", "--out", "data", "--images", 40)
    program.ask("train", "--data", "data", "--name", "run", "--recipe", "plain", "--epochs", 2,
                "--image-size", SIDE, "--batch-size", 8)
    originals, prepared = pictures(folder)
    exports(program, "run", prepared, predictions(program, "run", prepared))
    whole_way(program, originals, predictions(program, "run", originals))
    imports(program)
    strangers(program)
    hostile(program)
    big_endian(program)
    if arguments.keep:
        print(f"left {folder}")
    else:
        shutil.rmtree(folder)
    print(f"{len(FAILED)} failed" if FAILED else "all is well")
    sys.exit(1 if FAILED else 0)


if __name__ == "__main__":
    main()
