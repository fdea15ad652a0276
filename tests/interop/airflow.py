"""Lets a real Airflow run the DAGs that `xray-tui airflow init` writes, on a demo set, without a scheduler.

    AIRFLOW/bin/python tests/interop/airflow.py --program target/debug/xray-tui

It needs no network. Everything it makes lies in a temporary folder.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

FAST = {"epochs": 2, "batch_size": 8, "image_size": 32}
OPEN = {"min_accuracy": 0, "min_sensitivity": 0, "min_auc": 0}
CLOSED = {"min_accuracy": 1, "min_sensitivity": 1, "min_auc": 1}


class Desk:
    """A folder with a demo set, a database and an Airflow of its own."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.airflow_program = pathlib.Path(sys.executable).parent / "airflow"
        self.env = os.environ | {
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "XRAY_TUI_CACHE": str(folder / "cache"),
            "PATH": f"{self.airflow_program.parent}:{os.environ['PATH']}",
        }

    def xray(self, *words):
        """The answer of xray-tui."""
        command = [self.program, *words, "--json", "--quiet"]
        done = subprocess.run(command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])

    def airflow(self, *words):
        """Exit code and words of Airflow."""
        command = [str(self.airflow_program), *words]
        done = subprocess.run(command, cwd=self.folder, env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def test_dag(self, dag, conf, date):
        """Runs a DAG by itself: its exit code, and what it said."""
        file = self.folder / "dags" / f"{dag}.py"
        return self.airflow("dags", "test", dag, date, "--conf", json.dumps(conf), *self.file_flag(file))

    def file_flag(self, file):
        """`-f`, where this Airflow has it; without, the folder of DAGs is read."""
        _, words = self.airflow("dags", "test", "--help")
        return ["-f", str(file)] if "--dagfile-path" in words else ["-S", str(file.parent)]


def expect(what, is_so, words=""):
    if not is_so:
        print(words)
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, type=pathlib.Path)
    program = str(parser.parse_args().program.resolve())
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(program, pathlib.Path(folder))
        _, version = desk.airflow("version")
        print("Airflow", version.splitlines()[-1])
        code, words = desk.airflow("db", "migrate")
        expect("Airflow has a database", code == 0, words)
        desk.xray("data", "demo", "--out", "demo", "--images", "40")
        files = desk.xray("--data", "demo", "--db", "runs.db", "airflow", "init", "--out", "dags")["files"]
        expect("two DAGs are written", len(files) == 2)

        code, words = desk.test_dag("xray_tui_pipeline", FAST | OPEN, "2026-01-01")
        expect("the pipeline passes", code == 0, words)
        models = desk.xray("models", "list")
        expect("its run is the champion", models["champion"] == 1 and len(models["models"]) == 1, words)
        expect("the reason names the DAG run", "Airflow" in models["models"][0]["reason"], words)

        code, words = desk.test_dag("xray_tui_pipeline", FAST | CLOSED | {"seed": 7}, "2026-01-02")
        expect("the pipeline fails where the bar is too high", code == 1, words)
        expect("at the gate", "the gate said no" in words and "exit code 3" in words, words)
        expect("nothing was promoted", desk.xray("models", "list") == models, words)
        expect("the run was trained", len(desk.xray("runs", "list")["runs"]) == 2)

        code, words = desk.test_dag("xray_tui_sweep", FAST, "2026-01-03")
        expect("the sweep passes", code == 0, words)
        runs = desk.xray("runs", "list")["runs"][:4]
        tried = {(run["config"]["learning_rate"], run["config"]["seed"]) for run in runs}
        expect("every setting was trained with", tried == {(1e-3, 1), (1e-3, 2), (5e-4, 1), (5e-4, 2)}, words)
        expect("all of them finished", all(run["state"] == "finished" for run in runs))


if __name__ == "__main__":
    main()
