//! A tracking server that keeps what it is sent in memory, point by point, and misbehaves on request.

#![allow(dead_code, reason = "no test file uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What the server has; it survives the server.
#[derive(Debug, Default)]
pub struct Shelf {
    pub experiments: Vec<String>,
    pub runs: BTreeMap<String, Kept>,
    /// By path.
    pub artifacts: BTreeMap<String, Vec<u8>>,
    pub versions: Vec<Value>,
    pub aliases: BTreeMap<String, String>,
    /// Every request's method and path.
    pub asked: Vec<String>,
    /// Header `Authorization` of the last request.
    pub login: Option<String>,
    /// Answers every request so.
    pub refusal: Option<(u16, String)>,
    /// So many requests whose path holds the words are carried out, and the answer never comes.
    pub lose: Option<(String, usize)>,
}

/// A run.
#[derive(Debug, Default, Clone)]
pub struct Kept {
    pub info: Value,
    pub params: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// As they came: key, step, value, time stamp.
    pub metrics: Vec<(String, i64, Value, i64)>,
    pub inputs: Vec<Value>,
}

impl Kept {
    /// Steps of a metric as they came.
    pub fn steps(&self, key: &str) -> Vec<i64> {
        self.metrics.iter().filter(|point| point.0 == key).map(|point| point.1).collect()
    }

    fn json(&self) -> Value {
        let pairs = |map: &BTreeMap<String, String>| -> Vec<Value> {
            map.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
        };
        let mut last = BTreeMap::new();
        for (key, step, value, timestamp) in &self.metrics {
            last.insert(key.clone(), json!({"key": key, "step": step, "value": value, "timestamp": timestamp}));
        }
        json!({
            "info": self.info,
            "data": {
                "params": pairs(&self.params),
                "tags": pairs(&self.tags),
                "metrics": last.into_values().collect::<Vec<_>>(),
            },
            "inputs": {"dataset_inputs": self.inputs},
        })
    }
}

pub struct Tracking {
    pub shelf: Arc<Mutex<Shelf>>,
    pub port: u16,
    stop: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Tracking {
    pub fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), Arc::default())
    }

    /// Again at the same address, with what it had.
    pub fn again(port: u16, shelf: Arc<Mutex<Shelf>>) -> Self {
        let started = Instant::now();
        loop {
            match TcpListener::bind(("127.0.0.1", port)) {
                Ok(listener) => return Self::on(listener, shelf),
                Err(error) => assert!(started.elapsed() < Duration::from_secs(20), "{error}"),
            }
        }
    }

    fn on(listener: TcpListener, shelf: Arc<Mutex<Shelf>>) -> Self {
        let (port, stop, open) = (listener.local_addr().unwrap().port(), Arc::<AtomicBool>::default(), Arc::default());
        let (theirs, told, streams) = (Arc::clone(&shelf), Arc::clone(&stop), Arc::clone(&open));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if told.load(Ordering::Relaxed) {
                    break;
                }
                let streams: &Mutex<Vec<TcpStream>> = &streams;
                streams.lock().unwrap().push(stream.try_clone().unwrap());
                let (shelf, told) = (Arc::clone(&theirs), Arc::clone(&told));
                std::thread::spawn(move || serve(stream, &shelf, &told));
            }
        });
        Self { shelf, port, stop, open }
    }

    pub fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The only run that it has.
    pub fn only(&self) -> Kept {
        let kept = self.shelf.lock().unwrap();
        assert_eq!(kept.runs.len(), 1, "{:?}", kept.runs.keys());
        kept.runs.values().next().unwrap().clone()
    }

    pub fn refuse(&self, status: u16, body: &str) {
        self.shelf.lock().unwrap().refusal = Some((status, body.to_owned()));
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(self) -> (u16, Arc<Mutex<Shelf>>) {
        (self.port, Arc::clone(&self.shelf))
    }
}

impl Drop for Tracking {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        // Wakes the one that waits for callers, so that the port is free.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(stream: TcpStream, shelf: &Mutex<Shelf>, told: &AtomicBool) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut out = stream;
    while let Some((line, body)) = read_request(&mut reader, shelf) {
        if told.load(Ordering::Relaxed) {
            return;
        }
        let (status, answer, lost) = answer(&mut shelf.lock().unwrap(), &line, &body);
        if lost {
            let _ = out.shutdown(std::net::Shutdown::Both);
            return;
        }
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nContent-Type: application/json\r\n\r\n",
            answer.len()
        );
        if out.write_all(&[head.as_bytes(), &answer].concat()).is_err() {
            return;
        }
    }
}

/// The request's line and its body.
fn read_request(reader: &mut BufReader<TcpStream>, shelf: &Mutex<Shelf>) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    let (mut length, mut login) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(": ")?;
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => login = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    shelf.lock().unwrap().login = login;
    Some((line.trim_end().trim_end_matches(" HTTP/1.1").to_owned(), body))
}

/// Status, body, and whether the answer gets lost.
fn answer(shelf: &mut Shelf, line: &str, body: &[u8]) -> (u16, Vec<u8>, bool) {
    shelf.asked.push(line.to_owned());
    if let Some((status, body)) = &shelf.refusal {
        return (*status, body.clone().into_bytes(), false);
    }
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (status, answer) = if let Some((_, path)) = path.split_once("/api/2.0/mlflow-artifacts/artifacts/") {
        artifact(shelf, (method, path), body)
    } else {
        let value = serde_json::from_slice(body).unwrap_or_default();
        let (status, value) = api(shelf, (path.trim_start_matches("/api/2.0/mlflow/"), query), &value);
        (status, value.to_string().into_bytes())
    };
    let lost = match &mut shelf.lose {
        Some((words, times))
            if *times > 0 && (line.contains(&*words) || String::from_utf8_lossy(body).contains(&*words)) =>
        {
            *times -= 1;
            true
        }
        _ => false,
    };
    (status, answer, lost)
}

fn artifact(shelf: &mut Shelf, (method, path): (&str, &str), body: &[u8]) -> (u16, Vec<u8>) {
    if method == "PUT" {
        shelf.artifacts.insert(path.to_owned(), body.to_vec());
        return (200, b"{}".to_vec());
    }
    shelf.artifacts.get(path).map_or((404, b"{}".to_vec()), |bytes| (200, bytes.clone()))
}

fn missing(what: &str) -> (u16, Value) {
    (404, json!({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": format!("{what} not found")}))
}

fn of_query(query: &str, key: &str) -> String {
    let pair = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key);
    pair.map_or_else(String::new, |(_, value)| value.to_owned())
}

fn api(shelf: &mut Shelf, (path, query): (&str, &str), value: &Value) -> (u16, Value) {
    match path {
        "experiments/get-by-name" => {
            let name = of_query(query, "experiment_name");
            match shelf.experiments.iter().position(|known| *known == name) {
                Some(place) => (200, json!({"experiment": {"experiment_id": place.to_string(), "name": name}})),
                None => missing(&name),
            }
        }
        "experiments/create" => {
            shelf.experiments.push(value["name"].as_str().unwrap().to_owned());
            (200, json!({"experiment_id": (shelf.experiments.len() - 1).to_string()}))
        }
        "runs/create" => create(shelf, value),
        "runs/get" => shelf
            .runs
            .get(&of_query(query, "run_id"))
            .map_or_else(|| missing("run"), |run| (200, json!({"run": run.json()}))),
        "metrics/get-history" => match shelf.runs.get(&of_query(query, "run_id")) {
            Some(run) => (200, history(run, &of_query(query, "metric_key"))),
            None => missing("run"),
        },
        "runs/search" => {
            let wanted = value["filter"].as_str().and_then(|text| text.split('\'').nth(1).map(str::to_owned));
            let is_it = |run: &&Kept| wanted.as_ref().is_none_or(|id| run.tags.get("xray_tui.run_id") == Some(id));
            (200, json!({"runs": shelf.runs.values().filter(is_it).map(Kept::json).collect::<Vec<_>>()}))
        }
        "runs/log-batch" | "runs/log-inputs" | "runs/update" => {
            let id = value["run_id"].as_str().unwrap().to_owned();
            match shelf.runs.get_mut(&id) {
                Some(run) => change(run, value),
                None => missing("run"),
            }
        }
        "runs/delete-tag" => {
            let text = |key: &str| value[key].as_str().unwrap();
            shelf
                .runs
                .get_mut(text("run_id"))
                .unwrap()
                .tags
                .remove(text("key"))
                .map_or_else(|| missing("tag"), |_| (200, json!({})))
        }
        _ => registry(shelf, path, value),
    }
}

fn history(run: &Kept, key: &str) -> Value {
    let points = run.metrics.iter().filter(|point| point.0 == key);
    let point = |(key, step, value, timestamp): &(String, i64, Value, i64)| json!({"key": key, "step": step, "value": value, "timestamp": timestamp});
    json!({"metrics": points.map(point).collect::<Vec<_>>()})
}

fn create(shelf: &mut Shelf, value: &Value) -> (u16, Value) {
    let id = format!("{:032x}", shelf.runs.len() + 1);
    let mut run = Kept::default();
    let experiment = value["experiment_id"].as_str().unwrap();
    run.info = json!({
        "run_id": id,
        "experiment_id": experiment,
        "run_name": value["run_name"],
        "status": "RUNNING",
        "start_time": value["start_time"],
        "artifact_uri": format!("mlflow-artifacts:/{experiment}/{id}/artifacts"),
        "lifecycle_stage": "active",
    });
    change(&mut run, &json!({"tags": value["tags"]}));
    let answer = json!({"run": run.json()});
    shelf.runs.insert(id, run);
    (200, answer)
}

fn change(run: &mut Kept, value: &Value) -> (u16, Value) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |key: &str| value[key].as_array().cloned().unwrap_or_default();
    assert!(list("metrics").len() <= 1000 && list("params").len() <= 100 && list("tags").len() <= 100);
    run.params.extend(list("params").iter().map(|pair| (text(&pair["key"]), text(&pair["value"]))));
    run.tags.extend(list("tags").iter().map(|pair| (text(&pair["key"]), text(&pair["value"]))));
    run.metrics.extend(list("metrics").iter().map(|point| {
        let (step, time) = (point["step"].as_i64().unwrap(), point["timestamp"].as_i64().unwrap());
        (text(&point["key"]), step, point["value"].clone(), time)
    }));
    run.inputs.extend(list("datasets"));
    for key in ["status", "end_time"] {
        if !value[key].is_null() {
            run.info[key] = value[key].clone();
        }
    }
    (200, json!({}))
}

fn registry(shelf: &mut Shelf, path: &str, value: &Value) -> (u16, Value) {
    match path {
        "registered-models/create" | "model-versions/set-tag" => (200, json!({})),
        "model-versions/create" => {
            let mut version = value.clone();
            version["version"] = json!((shelf.versions.len() + 1).to_string());
            shelf.versions.push(version.clone());
            (200, json!({"model_version": version}))
        }
        "model-versions/search" => (200, json!({"model_versions": shelf.versions})),
        "registered-models/alias" => {
            let text = |key: &str| value[key].as_str().unwrap().to_owned();
            shelf.aliases.insert(text("alias"), text("version"));
            (200, json!({}))
        }
        _ => (404, json!({})),
    }
}
