"""Train with several settings, a mapped task for each, and say which scored best on the validation images.

Written by `xray-tui airflow init`, for Airflow 2.8 to 3.x; change it as you like. Research use only, not for clinical use.
"""

import json
import os
from datetime import datetime

try:  # Airflow 3
    from airflow.sdk import DAG, Param, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models.param import Param
try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:
    from airflow.operators.bash import BashOperator

# The program: this path, or whatever the environment of Airflow's workers names.
PROGRAM = os.environ.get("XRAY_TUI_PROGRAM", @PROGRAM@)

# What is tried.
SETTINGS = [
    {"LEARNING_RATE": learning_rate, "SEED": seed}
    for learning_rate in ["0.001", "0.0005"]
    for seed in ["1", "2"]
]

# What can be changed for each DAG run, with its default. Paths are those of the worker.
PARAMS = {
    "data": Param(@DATA@, type="string", description="Folder of the data set"),
    "db": Param(@DB@, type="string", description="Database of the runs; checkpoints lie beside it"),
    "epochs": Param(16, type="integer", minimum=1),
    "batch_size": Param(32, type="integer", minimum=2),
    "image_size": Param(128, type="integer", minimum=32, maximum=512),
}

# Parameters reach the commands as variables: the shell never sees them as code.
VARIABLES = {name.upper(): "{{ params.%s }}" % name for name in PARAMS} | {"PROGRAM": PROGRAM}


@task
def best(answers):
    """The best run of the learning rate that is best over all its seeds. The test images choose nothing."""
    runs = [json.loads(answer) for answer in answers]

    def merit(run):
        """AUC of the validation images made harder; accuracy where runs are not judged by that."""
        harder = run["best_val_shifted_auc"]
        return run["best_val_accuracy"] if harder is None else harder

    def of(rate):
        return [run for run in runs if run["config"]["learning_rate"] == rate]

    rates = {run["config"]["learning_rate"] for run in runs}
    rate = max(rates, key=lambda rate: sum(map(merit, of(rate))) / len(of(rate)))
    chosen = max(of(rate), key=merit)
    return {key: chosen[key] for key in ["run_id", "name", "best_val_accuracy", "best_val_shifted_auc", "config"]}


with DAG(
    dag_id="xray_tui_sweep",
    description="xray-tui: train with several settings",
    schedule=None,
    start_date=datetime(2024, 1, 1),
    catchup=False,
    max_active_tasks=1,  # A training takes every core.
    params=PARAMS,
    tags=["xray-tui"],
):
    # Airflow keeps the last line: the answer is printed once all notes are.
    train = BashOperator.partial(
        task_id="train",
        bash_command="""
            answer=$("$PROGRAM" --data "$DATA" --db "$DB" --json train \
                --epochs "$EPOCHS" --batch-size "$BATCH_SIZE" --image-size "$IMAGE_SIZE" \
                --learning-rate "$LEARNING_RATE" --seed "$SEED" --split-seed 1) || exit $?
            echo "$answer"
        """,
        append_env=True,
        retries=0,
    ).expand(env=[VARIABLES | setting for setting in SETTINGS])

    best(train.output)
