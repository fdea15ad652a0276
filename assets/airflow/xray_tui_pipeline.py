"""Train a network for pneumonia on chest X-rays, validate it, and promote it to champion.

Written by `xray-tui airflow init`, for Airflow 2.8 to 3.x; change it as you like. Research use only, not for clinical use.

Each task calls xray-tui, whose answer is one JSON object. Airflow keeps the last line as the task's result (XCom), notes
or not: so the answer waits in a variable, and is printed once all else is in the task's log. The gate answers with exit
code 3 where the run is not good enough, which fails `validate`, and nothing is promoted.
"""

import json
import os
from datetime import datetime

try:  # Airflow 3
    from airflow.sdk import DAG, Param
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.models.param import Param
try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:
    from airflow.operators.bash import BashOperator

# The program: this path, or whatever the environment of Airflow's workers names.
PROGRAM = os.environ.get("XRAY_TUI_PROGRAM", @PROGRAM@)

# What can be changed for each DAG run, with its default. Paths are those of the worker.
PARAMS = {
    "data": Param(@DATA@, type="string", description="Folder of the data set"),
    "db": Param(@DB@, type="string", description="Database of the runs; checkpoints lie beside it"),
    "epochs": Param(16, type="integer", minimum=1),
    "batch_size": Param(32, type="integer", minimum=2),
    "image_size": Param(128, type="integer", minimum=32, maximum=512),
    "seed": Param(42, type="integer", minimum=0),
    "min_accuracy": Param(0.85, type="number", minimum=0, maximum=1, description="Of the test images"),
    "min_sensitivity": Param(0.95, type="number", minimum=0, maximum=1),
    "min_auc": Param(0.9, type="number", minimum=0, maximum=1),
}

# Parameters reach the commands as variables: the shell never sees them as code.
VARIABLES = {name.upper(): "{{ params.%s }}" % name for name in PARAMS} | {"PROGRAM": PROGRAM}

# The run that `train` has made.
RUN = {"RUN": '{{ (ti.xcom_pull(task_ids="train") | from_json)["run_id"] }}'}

# The version of the champion that `validate` has compared it with; there may have been none.
CHAMPION = {
    "CHAMPION": '{{ (ti.xcom_pull(task_ids="validate") | from_json)["champion"]["version"] | default("none") }}'
}

with DAG(
    dag_id="xray_tui_pipeline",
    description="xray-tui: train, validate, promote",
    schedule=None,  # "@weekly", for example
    start_date=datetime(2024, 1, 1),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    user_defined_filters={"from_json": json.loads},
    tags=["xray-tui"],
):
    # A training that fails is not begun anew by itself: `xray-tui train --resume` goes on with it.
    train = BashOperator(
        task_id="train",
        bash_command="""
            answer=$("$PROGRAM" --data "$DATA" --db "$DB" --json train \
                --epochs "$EPOCHS" --batch-size "$BATCH_SIZE" --image-size "$IMAGE_SIZE" --seed "$SEED") || exit $?
            echo "$answer"
        """,
        env=VARIABLES,
        append_env=True,
        retries=0,
    )

    # At least these figures, and not worse than the champion on the same images by the paired test. Asked again, a gate
    # would say the same.
    validate = BashOperator(
        task_id="validate",
        bash_command="""
            answer=$("$PROGRAM" --data "$DATA" --db "$DB" --json pipeline gate "$RUN" \
                --min-accuracy "$MIN_ACCURACY" --min-sensitivity "$MIN_SENSITIVITY" --min-auc "$MIN_AUC") || exit $?
            echo "$answer"
        """,
        env=VARIABLES | RUN,
        append_env=True,
        retries=0,
    )

    # `xray-tui predict` answers with the champion from here on. Where another one has become the champion since `validate`,
    # this fails: clear `validate`, and the gate compares with that one.
    promote = BashOperator(
        task_id="promote",
        bash_command="""
            answer=$("$PROGRAM" --db "$DB" --json runs promote "$RUN" \
                --expected "$CHAMPION" --reason "Airflow: $DAG_RUN") || exit $?
            echo "$answer"
        """,
        env=VARIABLES | RUN | CHAMPION | {"DAG_RUN": "{{ run_id }}"},
        append_env=True,
        retries=2,
    )

    train >> validate >> promote
