"""Checks `xray-tui mlflow` against a real MLflow server, read back through MLflow's own client.

    PYTHON tests/interop/mlflow.py --program target/debug/xray-tui [--postgres postgresql+psycopg2://USER@HOST:PORT/DB]

PYTHON is one that has mlflow (3.17), psycopg2 for PostgreSQL and cryptography for TLS. One line a check; the exit code is 1
where one fails.
"""

import argparse
import contextlib
import datetime
import http.server
import json
import math
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

# Python looks for modules beside this file first, and it has the name of one that is wanted.
sys.path = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "3"
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
import mlflow  # noqa: E402
from mlflow import MlflowClient  # noqa: E402

STEP_KEYS = {
    "batch_loss": "loss",
    "batch_accuracy": "accuracy",
    "learning_rate": "learning_rate",
    "images_per_second": "images_per_second",
}
SMALL = ["--batch-size", "8", "--image-size", "32", "--validation-fraction", "0.2"]
failed = []


def check(what, good, more=""):
    print(f"{'ok  ' if good else 'FAIL'}  {what}{'' if good or not more else f'  ({more})'}", flush=True)
    if not good:
        failed.append(what)


def figure(what, text):
    print(f"      {what}: {text}", flush=True)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Server:
    """`mlflow server` on a port of its own; it can be killed and started again."""

    def __init__(self, folder, backend, more=(), environment=None, port=None):
        self.folder, self.backend, self.more, self.environment = Path(folder), backend, list(more), environment or {}
        self.port = port or free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = None

    @property
    def uri(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, wait=True):
        log = open(self.folder / "server.log", "ab")
        command = [str(Path(sys.executable).with_name("mlflow")), "server", "--host", "127.0.0.1", "--port", str(self.port),
                   "--backend-store-uri", self.backend, "--artifacts-destination", str(self.folder / "artifacts"),
                   "--workers", "1", *self.more]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
        environment |= self.environment
        self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, env=environment,
                                        start_new_session=True)
        if wait:
            self.wait()
        return self

    def wait(self):
        for _ in range(600):
            time.sleep(0.5)
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.uri}/health", timeout=2).read()
                return
            if self.process.poll() is not None:
                break
        sys.exit("the server does not start:\n" + (self.folder / "server.log").read_text()[-3000:])

    def kill(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Desk:
    """A folder that the program works in."""

    def __init__(self, program, folder):
        self.program, self.folder = program, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("XRAY_TUI_", "MLFLOW_", "SSL_CERT", "http"))}
        self.environment = keep | {"XRAY_TUI_CACHE": str(self.folder / "cache"), "XDG_CONFIG_HOME": str(self.folder / "config")}

    def start(self, *words, environment=None):
        return subprocess.Popen([self.program, *words, "--json"], cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=self.environment | (environment or {}))

    def run(self, *words, environment=None):
        process = self.start(*words, environment=environment)
        out, err = process.communicate(timeout=1200)
        lines = out.strip().splitlines()
        return process.returncode, json.loads(lines[-1]) if lines else None, err

    def ask(self, *words, environment=None):
        code, value, err = self.run(*words, environment=environment)
        if code != 0:
            sys.exit(f"{words}: exit code {code}\n{err[-3000:]}")
        return value

    def settings(self, text):
        place = self.folder / "config" / "xray-tui"
        place.mkdir(parents=True, exist_ok=True)
        (place / "config.toml").write_text(text)

    def rows(self, sql, *values):
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/runs.db?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(sql, values)]


def history(client, run_id, key):
    return [(m.step, m.value, m.timestamp) for m in client.get_metric_history(run_id, key)]


def counts(client, run_id):
    run = client.get_run(run_id)
    return {key: len(history(client, run_id, key)) for key in run.data.metrics}


def equal(a, b):
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def check_run(title, client, desk, run_id, remote_id, first_time=()):
    """Every figure of the run, as the store has it, against what the server has. Of steps that were done twice, which give the
    same figures but not at the same speed, the server may have those of the `first_time`."""
    run, shown = client.get_run(remote_id), desk.ask("runs", "show", run_id)
    steps = desk.rows("SELECT * FROM steps WHERE run_id = ? ORDER BY step", run_id)
    compared = 0
    for key, column in STEP_KEYS.items():
        found = [(step, value) for step, value, _ in history(client, remote_id, key)]
        wanted = [(row["step"], row[column]) for row in steps]
        if column == "images_per_second":
            known = {(row["step"], row[column]) for row in first_time}
            wanted = [there if there in known else here for there, here in zip(found, wanted)] + wanted[len(found):]
        compared += len(wanted)
        check(f"{title}: {key}, {len(wanted)} points", found == wanted, f"{found[:3]}… is not {wanted[:3]}…")
    batches = steps[0]["batches"]
    own = ["train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_precision", "val_recall", "val_f1"]
    for key in [*own, "val_shifted_auc", "val_shifted_loss"]:
        wanted = [(e["epoch"] * batches, e[key]) for e in shown["epochs"] if e[key] is not None]
        found = [(step, value) for step, value, _ in history(client, remote_id, key)]
        compared += len(wanted)
        check(f"{title}: {key}, {len(wanted)} points", found == wanted, f"{found} is not {wanted}")
    for key in ["test_accuracy", "test_precision", "test_recall", "test_f1", "best_val_accuracy"]:
        if shown[key] is not None:
            check(f"{title}: {key}", run.data.metrics.get(key) == shown[key], f"{run.data.metrics.get(key)} {shown[key]}")
    for key in ["tn", "fp", "fn", "tp"]:
        check(f"{title}: test_{key}", run.data.metrics[f"test_{key}"] == shown["test"]["confusion"][key])
    began = datetime.datetime.fromisoformat(shown["started"].replace("Z", "+00:00")).timestamp() * 1000
    ended = datetime.datetime.fromisoformat(shown["ended"].replace("Z", "+00:00")).timestamp() * 1000
    stamps = [stamp for key in run.data.metrics for _, _, stamp in history(client, remote_id, key)]
    check(f"{title}: time stamps lie within the run", all(began <= s <= ended + 1 for s in stamps),
          f"{began} {min(stamps)} {max(stamps)} {ended}")
    check(f"{title}: start, end and status",
          (run.info.start_time, run.info.end_time, run.info.status) == (round(began), round(ended), "FINISHED"))

    flat = {}

    def flatten(prefix, value):
        for key, inner in value.items():
            name = f"{prefix}{key}"
            if isinstance(inner, dict):
                flatten(f"{name}.", inner)
            else:
                flat[name] = "none" if inner is None else inner if isinstance(inner, str) else json.dumps(inner)
    flatten("", shown["config"])
    check(f"{title}: {len(flat)} parameters", run.data.params == flat, f"{run.data.params} is not {flat}")
    tags = run.data.tags
    wanted = {"xray_tui.run_id": run_id, "mlflow.runName": shown["name"], "xray_tui.data_hash": shown["data_hash"],
              "xray_tui.split_hash": shown["split_hash"], "xray_tui.seed": str(shown["seed"]),
              "xray_tui.weights_sha256": shown["weights_sha256"], "mlflow.note.content": shown["note"]}
    if shown["git"]["commit"]:
        wanted["mlflow.source.git.commit"] = shown["git"]["commit"]
    wanted |= {f"xray_tui.version.{k}": v if isinstance(v, str) else json.dumps(v) for k, v in shown["versions"].items()}
    wrong = {key: (tags.get(key), value) for key, value in wanted.items() if value is not None and tags.get(key) != value}
    check(f"{title}: {len(wanted)} tags", not wrong, str(wrong))
    check(f"{title}: it says research use only", "research use only" in tags.get("xray_tui.use", ""))
    inputs = run.inputs.dataset_inputs
    check(f"{title}: the data set is its input, by its digest",
          [i.dataset.digest for i in inputs] == [shown["data_hash"]]
          and {t.key: t.value for t in inputs[0].tags}.get("mlflow.data.context") == "training")
    profile = json.loads(inputs[0].dataset.profile)["images"]
    listed = desk.rows("SELECT list FROM manifests WHERE digest = ?", shown["manifest"])[0]["list"].splitlines()
    trained = [json.loads(line) for line in listed]
    check(f"{title}: its profile counts the images by split and class",
          sum(profile[s]["NORMAL"] + profile[s]["PNEUMONIA"] for s in profile) == len(trained))
    with tempfile.TemporaryDirectory() as there:
        path = Path(client.download_artifacts(remote_id, "model/best.safetensors", there))
        own = desk.folder / "checkpoints" / run_id / "best.safetensors"
        check(f"{title}: the checkpoint is there byte by byte", path.read_bytes() == own.read_bytes())
        try:
            from safetensors import safe_open
            with safe_open(path, framework="numpy") as weights:
                check(f"{title}: safetensors loads it", "fc.weight" in weights.keys())
        except ImportError:
            head = path.read_bytes()
            size = int.from_bytes(head[:8], "little")
            names = json.loads(head[8:8 + size])
            check(f"{title}: its header names the network's tensors", "fc.weight" in names and "conv1.weight" in names)
        config = json.loads(Path(client.download_artifacts(remote_id, "config.json", there)).read_text())
        check(f"{title}: the settings are a file too", config == shown["config"])
        report = Path(client.download_artifacts(remote_id, "report/report.html", there)).read_text()
        check(f"{title}: the report is there", run_id in report)
        curve = Path(client.download_artifacts(remote_id, "curves/steps.csv", there)).read_text().splitlines()
        check(f"{title}: the curve is there", len(curve) == len(steps) + 1)
    figure("points compared", str(compared))


def pushed(title, desk, server):
    client = MlflowClient(server.uri)
    run_id = desk.rows("SELECT id FROM runs ORDER BY started_at LIMIT 1")[0]["id"]
    began = time.monotonic()
    answer = desk.ask("mlflow", "push", run_id, "--uri", server.uri)
    took = time.monotonic() - began
    sent = answer["runs"][0]
    figure("push", f"{sent['metrics']} points, {sent['params']} parameters, {sent['artifacts']} files in {took:.1f} s")
    check_run(title, client, desk, run_id, sent["mlflow_run_id"])
    before = counts(client, sent["mlflow_run_id"])
    again = desk.ask("mlflow", "push", run_id, "--uri", server.uri)["runs"][0]
    check(f"{title}: a second push sends nothing",
          (again["params"], again["tags"], again["metrics"], again["artifacts"]) == (0, 0, 0, 0), str(again))
    check(f"{title}: and changes no count", counts(client, sent["mlflow_run_id"]) == before)
    with contextlib.closing(sqlite3.connect(desk.folder / "runs.db")) as db, db:
        db.execute("DELETE FROM mirrors")
    lost = desk.ask("mlflow", "push", run_id, "--uri", server.uri)["runs"][0]
    check(f"{title}: without the local notes it is found by its tag",
          lost["mlflow_run_id"] == sent["mlflow_run_id"] and lost["metrics"] == 0
          and counts(client, sent["mlflow_run_id"]) == before, str(lost))
    return run_id, sent["mlflow_run_id"]


def champion(desk, server, run_id):
    mlflow.set_tracking_uri(server.uri)
    client = MlflowClient(server.uri)
    first = desk.ask("mlflow", "push", run_id, "--champion", "--uri", server.uri)["runs"][0]["model"]
    again = desk.ask("mlflow", "push", run_id, "--champion", "--uri", server.uri)["runs"][0]["model"]
    version = client.get_model_version_by_alias(first["name"], "champion")
    check("the champion is the run's version, made once", first == again and version.version == first["version"])
    check("its version says from which run it is", version.tags.get("xray_tui.run_id") == run_id)
    with tempfile.TemporaryDirectory() as there:
        path = mlflow.artifacts.download_artifacts(f"models:/{first['name']}@champion", dst_path=there)
        own = desk.folder / "checkpoints" / run_id / "best.safetensors"
        check("models:/…@champion gives its weights", (Path(path) / "best.safetensors").read_bytes() == own.read_bytes())


def mirrored(program, folder, server, demo, epochs):
    """Trains while the server dies and comes back."""
    desk = Desk(program, folder)
    client = MlflowClient(server.uri)
    desk.settings(f'[mlflow]\nuri = "{server.uri}"\nexperiment = "live"\nmirror = true\n')
    process = desk.start("train", "--data", demo, "--epochs", epochs, *SMALL)
    remote = None
    for _ in range(600):
        experiment = client.get_experiment_by_name("live")
        runs = client.search_runs([experiment.experiment_id]) if experiment else []
        if runs and runs[0].data.metrics:
            remote = runs[0].info.run_id
            break
        time.sleep(1)
    check("the run is there while it trains", remote is not None and process.poll() is None)
    server.kill()
    time.sleep(4)
    check("the run goes on without the server", process.poll() is None)
    server.start()
    out, err = process.communicate(timeout=1200)
    check("it ends well", process.returncode == 0, err[-1500:])
    check("it says once that the server is away", err.count("what is due is sent later") == 1, err[-1500:])
    run_id = json.loads(out.strip().splitlines()[-1])["run_id"]
    desk.settings("")
    later = desk.ask("mlflow", "push", run_id, "--uri", server.uri, "--experiment", "live")["runs"][0]
    figure("left after the end", f"{later['metrics']} points")
    check_run("followed", client, desk, run_id, remote)


def away(program, folder, server_folder, demo, epochs):
    """The server is away when the run begins, and comes while it trains."""
    server = Server(server_folder, f"sqlite:///{server_folder}/m.db")
    desk = Desk(program, folder)
    desk.settings(f'[mlflow]\nuri = "{server.uri}"\nmirror = true\n')
    process = desk.start("train", "--data", demo, "--epochs", epochs, *SMALL)
    time.sleep(3)
    server.start()
    try:
        out, err = process.communicate(timeout=1200)
        check("a run begins without the server", process.returncode == 0, err[-1500:])
        run_id = json.loads(out.strip().splitlines()[-1])["run_id"]
        client = MlflowClient(server.uri)
        desk.settings("")
        answer = desk.ask("mlflow", "push", run_id, "--uri", server.uri)["runs"][0]
        check_run("late server", client, desk, run_id, answer["mlflow_run_id"])
    finally:
        server.kill()


def killed(program, folder, server, demo, epochs):
    """The trainer dies; the next process marks it crashed and sends the rest. Resumed, it goes on at the same run."""
    desk = Desk(program, folder)
    client = MlflowClient(server.uri)
    desk.settings(f'[mlflow]\nuri = "{server.uri}"\nexperiment = "killed"\nmirror = true\n')
    process = desk.start("train", "--data", demo, "--epochs", epochs, *SMALL)
    for _ in range(600):
        experiment = client.get_experiment_by_name("killed")
        runs = client.search_runs([experiment.experiment_id]) if experiment else []
        if runs and runs[0].data.metrics.get("val_loss") is not None:
            break
        time.sleep(1)
    process.kill()
    process.wait()
    run_id, remote = runs[0].data.tags["xray_tui.run_id"], runs[0].info.run_id
    first_time = desk.rows("SELECT * FROM steps WHERE run_id = ? ORDER BY step", run_id)
    desk.ask("train", "--resume", run_id)
    check("a run that died and went on is one run there",
          len(client.search_runs([experiment.experiment_id])) == 1)
    check_run("killed and resumed", client, desk, run_id, remote, first_time)
    tag = client.get_run(remote).data.tags.get("xray_tui.resumed_after_steps")
    check("a tag says after which step it went on", tag is not None, str(tag))


def pulled(program, folder, server, source, run_id, remote_id):
    desk = Desk(program, folder)
    answer = desk.ask("mlflow", "pull", remote_id, "--uri", server.uri)
    check("a run is pulled with its weights", answer["runs"][0]["pulled"] and answer["runs"][0]["weights"])
    was, now = source.ask("runs", "show", run_id), desk.ask("runs", "show", run_id)
    for shown in (was, now):
        del shown["disk_bytes"], shown["origin"], shown["tags"]
    check("it is shown as where it was trained", was == now)
    check("its figures follow from its answers", desk.run("runs", "verify", run_id)[0] == 0)
    check("it stands in the list", run_id in [run["run_id"] for run in desk.ask("runs", "list")["runs"]])
    mlflow.set_tracking_uri(server.uri)
    mlflow.set_experiment("others")
    with mlflow.start_run(run_name="vit") as other:
        mlflow.log_params({"lr": 0.01, "epochs": 3, "arch": "vit"})
        for epoch in range(3):
            mlflow.log_metrics({"train_loss": 1 / (epoch + 1), "val_loss": 1.5 / (epoch + 1), "val_acc": 0.7 + epoch / 10}, step=epoch)
    answer = desk.ask("mlflow", "pull", other.info.run_id, "--uri", server.uri)["runs"][0]
    shown = desk.ask("runs", "show", answer["run_id"])
    check("a run of another program has its losses and its best accuracy",
          [e["val_loss"] for e in shown["epochs"]] == [1.5, 0.75, 0.5] and abs(shown["best_val_accuracy"] - 0.9) < 1e-9
          and shown["name"] == "vit" and answer["foreign"], json.dumps(shown)[:500])
    code, _, err = desk.run("predict", str(desk.folder), "--run", answer["run_id"])
    check("it predicts nothing, and says so", code != 0 and "Traceback" not in err, err[-300:])


def exported(desk, folder, run_id):
    answer = desk.ask("mlflow", "export", "--dir", str(folder), run_id)
    target = f"sqlite:///{folder}/migrated.db"
    command = [str(Path(sys.executable).with_name("mlflow")), "migrate-filestore", "--source", str(folder), "--target", target]
    done = subprocess.run(command, capture_output=True, text=True)
    check("mlflow migrate-filestore takes the folder", done.returncode == 0, (done.stdout + done.stderr)[-1500:])
    if done.returncode == 0:
        check_run("migrated", MlflowClient(target), desk, run_id, answer["runs"][0]["mlflow_run_id"])


def refused(desk, server):
    relay = relayed(server, host="xray.example")
    code, _, err = desk.run("mlflow", "push", "last", "--uri", f"http://127.0.0.1:{relay.server_port}")
    relay.shutdown()
    check("an unknown host name is explained", code == 1 and "Invalid Host header" in err and "--allowed-hosts" in err, err)
    client = MlflowClient(server.uri)
    gone = client.create_experiment("gone")
    client.delete_experiment(gone)
    code, _, err = desk.run("mlflow", "push", "last", "--uri", server.uri, "--experiment", "gone")
    check("a deleted experiment is explained", code == 1 and f"restore --experiment-id {gone}" in err, err)


def basic_auth(desk, folder):
    config = Path(folder) / "auth.ini"
    Path(folder).mkdir(parents=True, exist_ok=True)
    config.write_text(f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/auth.db\n"
                      "admin_username = admin\nadmin_password = a-long-pass-word\n"
                      "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n")
    environment = {"MLFLOW_AUTH_CONFIG_PATH": str(config), "MLFLOW_FLASK_SERVER_SECRET_KEY": "secret-for-a-test"}
    server = Server(folder, f"sqlite:///{folder}/m.db", ["--app-name", "basic-auth"], environment)
    try:
        server.start()
    except SystemExit as error:
        figure("basic auth", f"not tried, the server does not start: {str(error)[-200:]}")
        return
    try:
        code, _, err = desk.run("mlflow", "push", "last", "--uri", server.uri)
        check("without a login it is told how to log in", code == 1 and "MLFLOW_TRACKING_USERNAME" in err, err)
        login = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": "a-long-pass-word"}
        answer = desk.ask("mlflow", "push", "last", "--uri", server.uri, environment=login)
        check("with user and password a run is pushed", answer["runs"][0]["metrics"] > 0)
        uri = server.uri.replace("http://", "http://admin:a-long-pass-word@")
        code, again, err = desk.run("mlflow", "push", "last", "--uri", uri)
        check("a login in the address works, and is shown nowhere",
              code == 0 and again["runs"][0]["metrics"] == 0 and "a-long-pass-word" not in json.dumps(again) + err)
    finally:
        server.kill()


class Relay(http.server.BaseHTTPRequestHandler):
    """Passes requests on to a server without TLS."""

    target = host = None
    protocol_version = "HTTP/1.1"

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "content-length")}
        headers |= {"Host": self.host} if self.host else {}
        request = urllib.request.Request(self.target + self.path, data=body or None, method=self.command, headers=headers)
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        data = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = pass_on

    def log_message(self, *_):
        pass


def relayed(server, host=None, context=None):
    """A relay to the server, as if it were asked by another name."""
    relay = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Relay,), {"target": server.uri, "host": host}))
    if context:
        relay.socket = context.wrap_socket(relay.socket, server_side=True)
    threading.Thread(target=relay.serve_forever, daemon=True).start()
    return relay


def authority(folder):
    """A certificate for localhost, signed by an authority of our own."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.datetime.now(datetime.timezone.utc)

    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def build(subject, issuer, key):
        day = datetime.timedelta(days=1)
        return (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + 30 * day))

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = build("test authority", "test authority", root_key)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(root_key, hashes.SHA256())
    own = build("localhost", "test authority", key)
    own = own.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
    own = own.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    own = own.add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False)
    own = own.sign(root_key, hashes.SHA256())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "ca.pem").write_bytes(root.public_bytes(pem))
    (folder / "own.pem").write_bytes(own.public_bytes(pem) + key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, plain))


def tls(desk, folder, server):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    authority(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem")
    relay = relayed(server, context=context)
    uri = f"https://localhost:{relay.server_port}"
    push = ["mlflow", "push", "last", "--uri", uri, "--experiment", "tls"]
    code, _, err = desk.run(*push)
    check("an unknown authority is refused with what to do", code == 1 and "SSL_CERT_FILE" in err, err)
    answer = desk.ask(*push, environment={"SSL_CERT_FILE": str(folder / "ca.pem")})
    check("TLS with SSL_CERT_FILE", answer["runs"][0]["metrics"] > 0)
    code, answer, err = desk.run(*push, environment={"MLFLOW_TRACKING_SERVER_CERT_PATH": str(folder / "ca.pem")})
    check("TLS with MLFLOW_TRACKING_SERVER_CERT_PATH", code == 0 and answer["runs"][0]["metrics"] == 0, err)
    code, answer, err = desk.run(*push, environment={"MLFLOW_TRACKING_INSECURE_TLS": "true"})
    check("TLS without a look at the certificate", code == 0, err)
    proxied = {"http_proxy": f"http://127.0.0.1:{free_port()}"}
    code, _, err = desk.run("mlflow", "push", "last", "--uri", server.uri, environment=proxied)
    check("a proxy that is away is what is asked", code == 1, err)
    code, _, err = desk.run("mlflow", "push", "last", "--uri", server.uri, environment=proxied | {"no_proxy": "127.0.0.1"})
    check("no_proxy goes past it", code == 0, err)
    relay.shutdown()


def elsewhere(desk, folder):
    """A server that keeps files past itself: the rest is sent."""
    server = Server(folder, f"sqlite:///{folder}/m.db", ["--no-serve-artifacts", "--default-artifact-root", "s3://none/a"])
    server.more = ["--no-serve-artifacts", "--default-artifact-root", "s3://none/a"]
    server.start()
    try:
        answer = desk.ask("mlflow", "push", "last", "--uri", server.uri)["runs"][0]
        check("files that cannot be sent are told, and the rest is sent",
              answer["artifacts"] == 0 and answer["metrics"] > 0 and "--serve-artifacts" in answer["problem"], str(answer))
    finally:
        server.kill()


def lasting(desk, run_id, seconds):
    """As many epochs as take so long on this machine, but no more than have all their steps kept."""
    epoch = min(epoch["seconds"] for epoch in desk.ask("runs", "show", run_id)["epochs"])
    return str(max(10, min(700, round(seconds / epoch))))


def processor_seconds(pid):
    """What the thread that follows has used of the processor, and the whole process."""
    ticks, followed, whole = os.sysconf("SC_CLK_TCK"), 0, 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        used = (int(fields[11]) + int(fields[12])) / ticks
        whole += used
        if (task / "comm").read_text().strip() == "mlflow":
            followed += used
    return followed, whole


def cost(program, folder, server, demo, epochs):
    """What following costs training."""
    desk, used, began = Desk(program, folder), (0, 0), time.monotonic()
    desk.settings(f'[mlflow]\nuri = "{server.uri}"\nexperiment = "cost"\nmirror = true\n')
    process = desk.start("train", "--data", demo, "--epochs", epochs, *SMALL)
    while process.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            used = max(used, processor_seconds(process.pid))
        time.sleep(0.3)
    out, err = process.communicate()
    check("a run that is followed ends well", process.returncode == 0, err[-500:])
    figure("following used", f"{used[0]:.2f} of {used[1]:.1f} processor seconds in {time.monotonic() - began:.0f} s")


def speed(desk, server, run_id):
    """A long run: as many steps as the store keeps."""
    with contextlib.closing(sqlite3.connect(desk.folder / "runs.db")) as db, db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(runs)")]
        as_it_is = ", ".join("'aaaaaaaaaaaa'" if c == "id" else "'long'" if c == "name" else "'stopped'" if c == "state"
                             else "NULL" if c == "test" else c for c in columns)
        db.execute(f"INSERT INTO runs SELECT {as_it_is} FROM runs WHERE id = ?", (run_id,))
        steps = [("aaaaaaaaaaaa", n, 1 + (n - 1) // 64, 64, 1 / n, 0.5, 30.0, n * 2.0, 1e-3, 2.0, 10**9) for n in range(1, 4097)]
        db.executemany("INSERT INTO steps (run_id, step, epoch, batches, loss, accuracy, images_per_second, seconds, "
                       "learning_rate, processor, memory) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", steps)
    began = time.monotonic()
    sent = desk.ask("mlflow", "push", "aaaaaaaaaaaa", "--uri", server.uri)["runs"][0]
    took = time.monotonic() - began
    figure("a run of 4,096 steps", f"{sent['metrics']} points in {took:.1f} s, {sent['metrics'] / took:.0f} points a second")
    client = MlflowClient(server.uri)
    found = [(step, value) for step, value, _ in history(client, sent["mlflow_run_id"], "batch_loss")]
    check("a long run is there whole", found == [(n, 1 / n) for n in range(1, 4097)] and sent["metrics"] == 6 * 4096,
          f"{len(found)} {sent['metrics']}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--postgres")
    parser.add_argument("--only", help="a word of the parts to do")
    arguments = parser.parse_args()
    program = str(Path(arguments.program).resolve())
    folder = Path(tempfile.mkdtemp(prefix="xray-mlflow-"))
    wanted = lambda part: not arguments.only or re.search(arguments.only, part)  # noqa: E731
    server = Server(folder / "server", f"sqlite:///{folder}/server/m.db")
    try:
        server.start()
        desk = Desk(program, folder / "desk")
        demo = str(folder / "desk" / "data" / "demo")
        desk.ask("data", "demo", "--out", demo, "--images", "60")
        desk.ask("train", "--epochs", "2", "--data", demo, "--note", "a note", "--tag", "first", *SMALL)
        run_id, remote_id = pushed("SQLite", desk, server)
        if wanted("champion"):
            champion(desk, server, run_id)
        if wanted("pull"):
            pulled(program, folder / "pulled", server, desk, run_id, remote_id)
        if wanted("export"):
            exported(desk, folder / "exported", run_id)
        if wanted("refused"):
            refused(desk, server)
        if wanted("speed"):
            speed(desk, server, run_id)
        if wanted("tls"):
            tls(desk, folder / "tls", server)
        if wanted("mirror"):
            mirrored(program, folder / "live", server, demo, lasting(desk, run_id, 60))
        if wanted("killed"):
            killed(program, folder / "killed", server, demo, lasting(desk, run_id, 40))
        if wanted("cost"):
            cost(program, folder / "cost", server, demo, lasting(desk, run_id, 40))
        server.kill()
        if wanted("away"):
            away(program, folder / "away", folder / "away-server", demo, lasting(desk, run_id, 60))
        if wanted("auth"):
            basic_auth(desk, folder / "auth")
        if wanted("elsewhere"):
            elsewhere(desk, folder / "elsewhere")
        if arguments.postgres and wanted("postgres"):
            other = Server(folder / "postgres", arguments.postgres).start()
            try:
                pushed("PostgreSQL", desk, other)
                mirrored(program, folder / "live-postgres", other, demo, lasting(desk, run_id, 60))
            finally:
                other.kill()
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(failed)} failed" if failed else "all good")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
