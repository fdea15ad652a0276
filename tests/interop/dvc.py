"""Holds `xray-tui data track` and `data verify` against the real DVC: `dvc add` in one repository, `data track` in its twin.

Run with a Python that has DVC 3.67 beside it: python tests/interop/dvc.py --program target/release/xray-tui
One line a check; the exit code is 1 where one fails.
"""

import argparse
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DVC = str(Path(sys.executable).parent / "dvc")
ENV = {
    **os.environ,
    "DVC_NO_ANALYTICS": "1",
    "DVC_TEST": "true",
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@localhost",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@localhost",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
PROGRAM = ""
failures = []


def check(name, fine, why=""):
    print(("ok    " if fine else "FAILS ") + name + ("" if fine else f"\n      {why}"), flush=True)
    if not fine:
        failures.append(name)


def call(folder, *words):
    return subprocess.run(words, cwd=folder, env=ENV, capture_output=True, text=True)


def must(folder, *words):
    done = call(folder, *words)
    if done.returncode:
        raise SystemExit(f"{words} in {folder}: {done.stdout}{done.stderr}")
    return done


def dvc(folder, *words):
    return call(folder, DVC, *words)


def track(folder, *words):
    return call(folder, PROGRAM, "--json", "data", "track", *words)


def put(root, path, content, mode=None):
    path = root / path
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, tuple):
        path.symlink_to(content[0])
    elif content is None:
        path.mkdir(exist_ok=True)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if mode is not None:
        path.chmod(mode)


def repository(root, files, settings=(), scm=True, modes=None):
    root.mkdir(parents=True)
    if scm:
        must(root, "git", "init", "-q")
    must(root, DVC, "init", "-q", *([] if scm else ["--no-scm"]))
    must(root, DVC, "config", "core.analytics", "false")
    for key, value in settings:
        must(root, DVC, "config", key, value)
    for path, content in files.items():
        put(root, path, content, (modes or {}).get(path))
    if scm:
        must(root, "git", "add", ".dvc", ".dvcignore")
        must(root, "git", "commit", "-qm", "start")


def tree(root, skip=(".git", ".dvc/tmp")):
    """Every file and folder below with kind, mode and content; links with their targets, without the repository's own path."""
    found = {}
    for folder, folders, names in os.walk(root):
        here = os.path.relpath(folder, root)
        folders[:] = [f for f in folders if os.path.normpath(os.path.join(here, f)) not in skip]
        for name in folders + names:
            path = os.path.join(folder, name)
            below = os.path.normpath(os.path.join(here, name))
            info = os.lstat(path)
            if stat.S_ISLNK(info.st_mode):
                found[below] = ("link", os.readlink(path).replace(str(root.resolve()), "ROOT"))
            elif stat.S_ISDIR(info.st_mode):
                found[below] = ("folder", oct(info.st_mode))
            else:
                with open(path, "rb") as file:
                    found[below] = ("file", oct(info.st_mode), info.st_nlink, file.read())
    return found


def difference(a, b):
    words = []
    for path in sorted(a.keys() | b.keys()):
        if a.get(path) != b.get(path):
            words.append(f"{path}: dvc {str(a.get(path))[:300]}, here {str(b.get(path))[:300]}")
    return "\n      ".join(words[:6])


def twins(base, name, files, target, settings=(), scm=True, modes=None, before=None):
    """`dvc add` in one, `data track` in the other: everything must be the same."""
    roots = [base / name / side / "repo" for side in ("dvc", "here")]
    for root in roots:
        repository(root, files, settings, scm, modes)
        if before:
            before(root)
    targets = [target] if isinstance(target, str) else target
    theirs, ours = dvc(roots[0], "add", "-q", "--", *targets), track(roots[1], "--", *targets)
    compare(name, roots, theirs, ours)
    return roots


def compare(name, roots, theirs, ours):
    if theirs.returncode or ours.returncode:
        why = f"dvc {theirs.returncode} {theirs.stderr.strip()[-300:]}; here {ours.returncode} {ours.stderr.strip()[-300:]}"
        check(f"{name}: both do it", False, why)
        return
    a, b = tree(roots[0]), tree(roots[1])
    check(f"{name}: .dvc file, .gitignore, cache and workspace are the same", a == b, difference(a, b))
    quiet = dvc(roots[1], "status", "-q")
    check(f"{name}: dvc status finds no change", quiet.returncode == 0, quiet.stdout + quiet.stderr)


def contents(root, target):
    """Of every file, be it a link or not: after `dvc checkout` some are links that were none after `dvc add`."""
    files = [p for p in ([root / target] if (root / target).is_file() else (root / target).rglob("*")) if p.is_file()]
    return {str(path.relative_to(root)): ("content", path.read_bytes()) for path in files}


def comes_back(name, root, target):
    before = contents(root, target)
    path = root / target
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = dvc(root, "checkout", "-q")
    after = contents(root, target)
    why = done.stderr + difference(before, after)
    check(f"{name}: dvc checkout brings it back", done.returncode == 0 and before == after, why)


def names():
    letters = json.loads((Path(__file__).parent.parent / "fixtures/dvc_names.json").read_text())["names"]
    usable = [n["name"] for n in letters if n["reads_back"] and "/" not in n["name"] and len(n["name"].encode()) < 240]
    usable = [n for n in usable if n.isprintable() and n not in (".", "..", ".git", ".dvc") and "\\" not in n]
    # A rule for a name with a space at its end ignores the name without it too; DVC, which asks git once for all names of a
    # call, does not see that.
    usable = [n for n in usable if not n.endswith(" ")]
    # Names that DVC takes for an address or globs stay out of its command line.
    return [n for n in usable if "://" not in n and not n.startswith("~")]


FOLDER = {
    "data/a.jpeg": b"\xff\xd8one",
    "data/twice.jpeg": b"\xff\xd8one",
    "data/empty": b"",
    "data/also empty": b"",
    "data/.hidden": "dot",
    "data/.DS_Store": "mac",
    "data/.gitignore": "*.png\n",
    "data/sub/sub/deep.png": "deep",
    "data/hollow": None,
    "data/hollow/inner": None,
    "data/größe/naïve café.txt": "latin",
    "data/cafe\u0301": "combining",
    "data/日本語/肺炎.png": "cjk",
    "data/🩻 👩‍⚕️.png": "emoji",
    "data/quote \" back \\ tab\t.txt": "signs",
    "data/line\nbreak": "break",
    "data/\u007f\u0080\ufeff": "control",
    "data/\ue000": "private",
    "data/# - : {}": "yaml",
    "data/b/a": "x",
    "data/b.a": "x",
    "data/b-a": "x",
}


def folders(base):
    roots = twins(base, "a folder with all kinds of names", FOLDER, "data")
    comes_back("a folder with all kinds of names", roots[1], "data")
    twins(base, "without git", FOLDER, "data", scm=False)
    twins(base, "an empty folder", {"data": None}, "data")
    twins(base, "a folder in a folder", {"sets/x/data/a": "1", "sets/y": "2"}, "sets/x/data")
    twins(base, "two at once", {"one/a": "1", "two/b": "1"}, ["one", "two"])
    rules = {
        ".dvcignore": "*.tmp\n!keep.tmp\n/data/cache/\n**/skip\n# note\n",
        "data/a": "1",
        "data/b.tmp": "2",
        "data/keep.tmp": "3",
        "data/cache/x": "4",
        "data/sub/cache/x": "5",
        "data/sub/skip/y": "6",
        "data/skip": "7",
    }
    twins(base, "a .dvcignore", rules, "data")
    links = {"data/a": "1", "data/link": ("a",), "data/far": ("../beside",), "beside": "2", "data/to": ("b",), "data/b/x": "3"}
    twins(base, "links to files", links, "data")
    twins(base, "another repository inside", {"data/a": "1", "data/in/.dvc/x": "2", "data/in/y": "3"}, "data")
    twins(base, "modes of files", {"data/a": "1", "data/b": "2"}, "data", modes={"data/a": 0o755, "data/b": 0o600})
    twins(base, "a .gitignore without an end", {".gitignore": "*.pyc", "data/a": "1"}, "data")
    twins(base, "a .gitignore that ignores it", {".gitignore": "data\n", "data/a": "1"}, "data")
    twins(base, "a .gitignore that ignores it as a folder", {".gitignore": "data/\n", "data/a": "1"}, "data")
    twins(base, "a .gitignore that ignores its folder", {"x/.gitignore": "*\n!*.dvc\n", "x/data/a": "1"}, "x/data")
    twins(base, "core.autostage", {"data/a": "1"}, "data", settings=[("core.autostage", "true")])


def single_files(base):
    roots = twins(base, "a single file", {"x.bin": "one"}, "x.bin")
    comes_back("a single file", roots[1], "x.bin")
    twins(base, "an empty file", {"x": ""}, "x")
    twins(base, "a program", {"x": "#!"}, "x", modes={"x": 0o755})
    twins(base, "a read-only file", {"x": "1"}, "x", modes={"x": 0o400})
    twins(base, "a link to a file", {"x": ("y",), "y": "1"}, "x")
    # Contents whose md5 reads as a number.
    digits = next(str(n) for n in range(10**7) if looks_like_a_number(str(n)))
    twins(base, "an md5 that reads as a number", {"x": digits}, "x")


def looks_like_a_number(text):
    import hashlib

    md5 = hashlib.md5(text.encode()).hexdigest()
    bare = md5.replace("e", "", 1)
    return bare.isdigit() and md5[0] != "e" and md5[-1] != "e"


def odd_names(base, count):
    chance = random.Random(11)
    chosen = chance.sample(names(), count)
    roots = [base / "odd names" / side / "repo" for side in ("dvc", "here")]
    for root in roots:
        repository(root, {name: f"{place}" for place, name in enumerate(chosen)})
    theirs, ours = dvc(roots[0], "add", "-q", "--", *chosen), track(roots[1], "--", *chosen)
    compare(f"{count} names that YAML may want in quotes", roots, theirs, ours)


def links(base):
    for kind in ("symlink", "hardlink", "copy", "reflink", "reflink,copy", "hardlink,symlink", "reflink,symlink"):
        settings = [("cache.type", kind)]
        name = f"cache.type {kind}"
        if kind == "reflink":
            # Where the file system has none, DVC writes the .dvc file all the same; here nothing is written.
            continue
        roots = twins(base, name, FOLDER, "data", settings=settings)
        comes_back(name, roots[1], "data")
        twins(base, f"{name}, a file", {"x": "one"}, "x", settings=settings)
        twins(base, f"{name}, a program", {"x": "one"}, "x", settings=settings, modes={"x": 0o755})
        twins(base, f"{name}, links to files", {"data/a": "1", "data/l": ("a",), "data/e": ""}, "data", settings=settings)
    twins(base, "cache.dir", {"data/a": "1"}, "data", settings=[("cache.dir", "my cache")])
    twins(base, "cache.shared", {"data/a": "1"}, "data", settings=[("cache.shared", "group")])

    def other_links(root):
        must(root, DVC, "add", "-q", "data")
        must(root, DVC, "config", "cache.type", "symlink")

    twins(base, "another cache.type afterwards", {"data/a": "1", "data/b": "1"}, "data", before=other_links)


def again(base):
    files = {"data/a": "1", "data/b": "2", "data/c": "3"}
    roots = twins(base, "again after a change", files, "data")

    def change(root):
        put(root, "data/a", "one")
        (root / "data/b").unlink()
        put(root, "data/d", "4")

    for root in roots:
        change(root)
    found = call(roots[1], PROGRAM, "data", "verify", "data", "--json")
    said = json.loads(found.stdout)
    lists = [said[key] for key in ("changed", "added", "missing")]
    check("data verify finds what changed", found.returncode == 1 and lists == [["a"], ["d"], ["b"]], found.stdout)
    noisy = dvc(roots[1], "status", "-q")
    check("dvc status finds it too", noisy.returncode == 1)
    compare("tracked again", roots, dvc(roots[0], "add", "-q", "data"), track(roots[1], "data"))
    same = call(roots[1], PROGRAM, "data", "verify", "data", "--json")
    check("data verify finds no change any more", same.returncode == 0 and json.loads(same.stdout)["same"], same.stdout)
    theirs = call(roots[0], PROGRAM, "data", "verify", "data", "--json")
    check("data verify accepts what dvc add wrote", theirs.returncode == 0, theirs.stdout + theirs.stderr)

    words = "# ours\nouts:\n- md5: MD5 # seen\n  size: 3\n  nfiles: 3\n  hash: md5\n  path: data\n  desc: what it is\n  remote: far\n  push: false\n  labels:\n  - a\n  - b\n  meta:\n    by: me\n    count: 2\n  type: x\nmeta:\n  more: 1\ndesc: top\n"

    def annotate(root):
        must(root, DVC, "remote", "add", "far", "/nowhere")
        must(root, DVC, "add", "-q", "data")
        old = (root / "data.dvc").read_text()
        md5 = old.split("md5: ")[1].split("\n")[0]
        (root / "data.dvc").write_text(words.replace("MD5", md5))
        change(root)

    twins(base, "a .dvc file with notes", files, "data", before=annotate)

    def as_file(root):
        must(root, DVC, "add", "-q", "data")
        shutil.rmtree(root / "data")
        put(root, "data", "a file now")

    twins(base, "a file in place of a folder", files, "data", before=as_file)

    def as_folder(root):
        must(root, DVC, "add", "-q", "data")
        (root / "data").unlink()
        put(root, "data/a", "a folder now")

    twins(base, "a folder in place of a file", {"data": "1"}, "data", before=as_folder)


def remotes(base):
    root = base / "pushed"
    repository(root, FOLDER)
    done = track(root, "data")
    must(root, DVC, "remote", "add", "-d", "near", str(base / "remote"))
    must(root, "git", "add", "-A")
    must(root, "git", "commit", "-qm", "data")
    pushed = dvc(root, "push", "-q")
    check("dvc push takes it", done.returncode == 0 and pushed.returncode == 0, done.stderr + pushed.stderr)
    must(base, "git", "clone", "-q", str(root), "clone")
    lacking = call(base / "clone", PROGRAM, "data", "verify", "data", "--json")
    said = json.loads(lacking.stdout)
    check("without a cache data verify says so", lacking.returncode == 1 and said["changed"] is None, lacking.stdout)
    pulled = dvc(base / "clone", "pull", "-q")
    same = call(base / "clone", PROGRAM, "data", "verify", "data", "--json")
    check("dvc pull brings it into a clone", pulled.returncode == 0 and same.returncode == 0, pulled.stderr + same.stdout)
    clean = dvc(base / "clone", "status", "-q")
    check("dvc status in the clone finds no change", clean.returncode == 0, clean.stdout)


def refusals(base):
    """What one refuses the other refuses; nothing is written."""

    def tracked_inside(root):
        must(root, DVC, "add", "-q", "data/b")

    def in_git(root):
        must(root, "git", "add", "data")
        must(root, "git", "commit", "-qm", "data")

    files = {"data/a": "1", "data/b": "2"}
    cases = [
        ("a .dvc file inside", files, "data", tracked_inside),
        ("a .dvcignore inside", {**files, "data/.dvcignore": "a"}, "data", None),
        ("a link to nothing inside", {**files, "data/l": ("nowhere",)}, "data", None),
        ("data in git", files, "data", in_git),
        ("what .dvcignore ignores", {**files, ".dvcignore": "/data\n"}, "data", None),
        ("a link to a folder", {**files, "l": ("data",)}, "l", None),
        ("a file through a link", {**files, "l": ("data",)}, "l/a", None),
        ("nothing", files, "nothing", None),
        ("a .dvc file", {**files, "x.dvc": "outs:\n- path: x\n"}, "x.dvc", None),
        ("a path out of the repository", files, "../outside", None),
        ("a stage's output", {**files, "dvc.yaml": "stages:\n  x:\n    cmd: y\n    outs:\n    - data/a\n"}, "data", None),
        ("a .dvc file that git ignores", {**files, ".gitignore": "data.dvc\n"}, "data", None),
        ("an unknown cache.type", {**files, ".dvc/config.local": "[cache]\ntype = magic\n"}, "data", None),
    ]
    for name, content, target, before in cases:
        roots = [base / "refused" / name / side / "repo" for side in ("dvc", "here")]
        for root in roots:
            repository(root, content)
            put(root.parent, "outside", "1")
            if before:
                before(root)
        kept = tree(roots[1])
        theirs, ours = dvc(roots[0], "add", "-q", "--", target), track(roots[1], "--", target)
        check(
            f"refused: {name}",
            theirs.returncode != 0 and ours.returncode == 1 and len(ours.stderr) > 20 and tree(roots[1]) == kept,
            f"dvc {theirs.returncode} {theirs.stderr.strip()[-200:]}; here {ours.returncode} {ours.stderr.strip()[-300:]} "
            + difference(kept, tree(roots[1])),
        )
        print(f"      {ours.stderr.strip().splitlines()[-1] if ours.stderr.strip() else ''}")


def main():
    global PROGRAM
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--names", type=int, default=150)
    parser.add_argument("--only", help="one part: folders, single_files, odd_names, links, again, remotes or refusals")
    arguments = parser.parse_args()
    PROGRAM = str(Path(arguments.program).resolve())
    base = Path(tempfile.mkdtemp(prefix="xray-dvc-"))
    ENV.update(HOME=str(base / "home"), XDG_CONFIG_HOME=str(base / "home/config"), XDG_CACHE_HOME=str(base / "home/cache"))
    ENV.update(DVC_SITE_CACHE_DIR=str(base / "home/site"), XRAY_TUI_CACHE=str(base / "home/pictures"))
    (base / "home").mkdir()
    try:
        odd = lambda base: odd_names(base, arguments.names)  # noqa: E731
        parts = {"folders": folders, "single_files": single_files, "odd_names": odd, "links": links}
        parts |= {"again": again, "remotes": remotes, "refusals": refusals}
        chosen = [part for name, part in parts.items() if arguments.only in (None, name)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for done in [pool.submit(part, base) for part in chosen]:
                done.result()
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(f"{len(failures)} checks fail" if failures else "all checks hold")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
