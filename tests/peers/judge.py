"""Lets a test of this project work on made pictures and judges what it wrote; for the scripts beside this one."""

import os
import pathlib
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def run(test, make, compare):
    """Makes pictures from those below the first argument, runs the ignored test on them, ends with 1 where they differ."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make(folder, pathlib.Path(sys.argv[1]).resolve())
        environment = {**os.environ, "XRAY_TUI_PEER_FOLDER": name}
        command = ["cargo", "test", "--quiet", "--lib", test, "--", "--ignored", "--exact"]
        subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)
        sys.exit(not compare(folder))
