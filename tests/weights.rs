//! Weights in and out of the program: written for others, described, and fetched from a server.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use program::{answer, command, demo, words, xray};
use rand::SeedableRng;
use serde_json::Value;
use server::{Reply, Server, Then};
use xray_nn::{Engine, Network, weights};
use xray_tui::metrics::Fingerprint;
use xray_tui::store::Store;

const SMALL: [&str; 6] = ["--epochs", "1", "--image-size", "32", "--batch-size", "8"];

/// What a server has: a network of 1000 classes as PyTorch saves it.
static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pth");
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let state = Network::new(1000, &mut rng, &Engine::best()).unwrap().state().unwrap();
    weights::save_pth(&path, &state).unwrap();
    std::fs::read(path).unwrap()
});

/// How the SHA-256 of what the server has begins.
fn digits() -> String {
    Fingerprint::of(&FILE).to_string()[..8].to_owned()
}

/// `weights fetch` from `server`, past all proxies.
fn fetch(folder: &Path, server: &Server, more: &[&str]) -> Command {
    fetch_from(folder, &format!("http://{}/models/resnet18-{}.pth", server.address, digits()), more)
}

fn fetch_from(folder: &Path, url: &str, more: &[&str]) -> Command {
    let mut command = command(folder, &[&["weights", "fetch", "resnet18", "--url", url], more].concat());
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command
}

/// What the program has answered with `--json`, having done it.
fn answered(output: &Output) -> Value {
    assert!(output.status.success(), "{}", words(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn kept(folder: &Path) -> PathBuf {
    folder.join("cache/weights/resnet18.pth")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("cache/weights")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Checks that the server's file is there and nothing else.
fn assert_kept(folder: &Path) {
    assert!(std::fs::read(kept(folder)).unwrap() == *FILE, "other bytes");
    assert_eq!(names(folder), ["resnet18.pth"]);
}

#[test]
fn fetched_weights_are_kept_once_and_trained_from_by_their_name() {
    let folder = demo();
    let at = folder.path();
    let train = [&["train", "--pretrained", "resnet18"], &SMALL[..]].concat();
    let before = xray(at, &train);
    assert_eq!(before.status.code(), Some(2));
    assert!(words(&before).contains("`xray-tui weights fetch resnet18`"), "{}", words(&before));

    let server = Server::start(|_, request| Reply::file(request, &FILE));
    let output = fetch(at, &server, &["--json"]).output().unwrap();
    let done = answered(&output);
    assert_eq!((&done["fetched"], &done["resumed_at"]), (&Value::from(true), &Value::from(0)));
    assert_eq!(done["sha256"], Fingerprint::of(&FILE).to_string());
    assert!(words(&output).contains("fetched 4.7 MB of 46.8 MB"), "{}", words(&output));
    assert!(words(&output).contains("fetched 46.8 MB of 46.8 MB"), "{}", words(&output));
    assert_kept(at);
    assert_eq!(answered(&fetch(at, &server, &["--json"]).output().unwrap())["fetched"], false);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(answered(&fetch(at, &server, &["--json", "--force"]).output().unwrap())["fetched"], true);

    let output = xray(at, &train);
    assert!(output.status.success(), "{}", words(&output));
    assert!(words(&output).contains("is for 1000 classes"), "{}", words(&output));
    let run = answer(at, &["runs", "show", "last"]);
    assert_eq!(run["config"]["pretrained"], kept(at).canonicalize().unwrap().to_str().unwrap());
    assert_eq!(run["provenance"]["preparation"]["pretrained_sha256"], done["sha256"]);
}

#[test]
fn a_file_with_another_checksum_is_deleted_and_the_one_before_stays() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, request| Reply::file(request, &FILE));
    std::fs::create_dir_all(folder.path().join("cache/weights")).unwrap();
    std::fs::write(kept(folder.path()), "before").unwrap();
    let refused = fetch(folder.path(), &server, &[]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(words(&refused).contains("--force"), "{}", words(&refused));
    let output = fetch(folder.path(), &server, &["--sha256", "0123456789", "--force"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output).contains("does not begin with 0123456789") && words(&output).contains("it was deleted"));
    assert_eq!(names(folder.path()), ["resnet18.pth"]);
    assert_eq!(std::fs::read(kept(folder.path())).unwrap(), b"before");
}

#[test]
fn a_page_of_a_proxy_is_no_file_of_weights() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::whole("200 OK", b"<html>Please log in</html>"));
    let url = format!("http://{}/weights", server.address);
    let output = fetch_from(folder.path(), &url, &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output).contains("no safetensors file"), "{}", words(&output));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_broken_connection_is_taken_up_in_the_same_command() {
    let folder = tempfile::tempdir().unwrap();
    let half = FILE.len() / 2;
    // As the Hugging Face hub does: the file lies elsewhere.
    let server = Server::start(move |number, request| match number {
        _ if request.line.starts_with("GET /models/") => Reply::whole("302 Found\r\nLocation: /files/x", b""),
        1 => Reply::file(request, &FILE).then(Then::Close(half)),
        _ => Reply::file(request, &FILE),
    });
    let done = answered(&fetch(folder.path(), &server, &["--json"]).output().unwrap());
    assert_eq!(done["resumed_at"], 0);
    assert_kept(folder.path());
    let second = &server.requests()[3];
    let start = second.range_start().unwrap();
    assert!(start > 0 && start <= half, "{start}");
    assert_eq!(second.header("if-range"), Some("\"one\""));
}

#[test]
fn a_command_that_was_killed_is_taken_up_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let half = FILE.len() / 2;
    let server = Server::start(move |number, request| {
        let then = if number == 0 { Then::Wait(half) } else { Then::Whole };
        Reply::file(request, &FILE).then(then)
    });
    let mut child = fetch(folder.path(), &server, &[]).stderr(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(child.stderr.take().unwrap());
    assert!(said.lines().map_while(Result::ok).any(|line| line.starts_with("fetched ")), "nothing came");
    child.kill().unwrap();
    child.wait().unwrap();
    let part = std::fs::metadata(folder.path().join("cache/weights/resnet18.pth.part")).unwrap().len();
    assert!(part > 0 && !kept(folder.path()).exists());
    let done = answered(&fetch(folder.path(), &server, &["--json"]).output().unwrap());
    assert_eq!(done["resumed_at"], part);
    assert_kept(folder.path());
}

/// Leaves a folder in which half of the file has come, by a command that says so.
fn half_fetched(server: &Server) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = fetch(folder.path(), server, &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = words(&output);
    assert!(said.contains("the same command goes on from where it ended"), "{said}");
    assert!(names(folder.path()).contains(&"resnet18.pth.part".to_owned()));
    folder
}

#[test]
fn a_server_that_ignores_ranges_sends_the_whole_once_more() {
    let half = FILE.len() / 2;
    let server = Server::start(move |number, _| {
        let reply = Reply::whole("200 OK\r\nETag: \"one\"", &FILE);
        match number {
            0 => reply.then(Then::Close(half)),
            1 => Reply::whole("503 Busy", b""),
            _ => reply,
        }
    });
    let folder = half_fetched(&server);
    let done = answered(&fetch(folder.path(), &server, &["--json"]).output().unwrap());
    assert_eq!((&done["resumed_at"], server.requests()[2].range_start().is_some()), (&Value::from(0), true));
    assert_kept(folder.path());
}

#[test]
fn a_server_that_is_gone_in_the_middle_leaves_what_has_come_and_says_so() {
    let half = FILE.len() / 2;
    let server = Server::start(move |number, request| match number {
        0 => Reply::file(request, &FILE).then(Then::Close(half)),
        1 => Reply::file(request, &FILE).then(Then::Close(0)),
        _ => Reply::file(request, &FILE),
    });
    let folder = half_fetched(&server);
    let done = answered(&fetch(folder.path(), &server, &["--json"]).output().unwrap());
    assert!(done["resumed_at"].as_u64().unwrap() > 0);
    assert_kept(folder.path());
}

#[test]
fn a_file_that_has_changed_meanwhile_is_fetched_from_its_beginning() {
    let half = FILE.len() / 2;
    let server = Server::start(move |number, request| match number {
        0 => Reply::whole("200 OK\r\nETag: \"old\"", &vec![7; FILE.len()]).then(Then::Close(half)),
        1 => Reply::whole("206 Part\r\nContent-Range: bytes 0-1/2", b"xx"),
        _ => Reply::file(request, &FILE),
    });
    let folder = tempfile::tempdir().unwrap();
    let done = answered(&fetch(folder.path(), &server, &["--json"]).output().unwrap());
    assert_eq!(done["resumed_at"], 0);
    assert_kept(folder.path());
}

#[test]
fn where_nothing_can_be_fetched_the_next_step_is_said_and_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::whole("404 Not Found", b"no"));
    let url = format!("http://user:secret@{}/resnet18-{}.pth", server.address, digits());
    let output = fetch_from(folder.path(), &url, &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = words(&output);
    assert!(["404", "check the address", "--url"].iter().all(|part| said.contains(part)), "{said}");
    assert!(!said.contains("by hand") && !said.contains("proxy"), "it was reached: {said}");
    assert!(said.contains(&server.address) && !said.contains("secret"), "{said}");
    assert_eq!(server.requests()[0].header("authorization"), Some("Basic dXNlcjpzZWNyZXQ="));
    assert_eq!(names(folder.path()), [""; 0], "nothing is left over");

    let nobody = nobody();
    let url = format!("http://user:secret@{nobody}/resnet18-{}.pth", digits());
    let said = words(&fetch_from(folder.path(), &url, &[]).output().unwrap());
    let place = folder.path().join("cache/weights/resnet18.pth");
    let parts = ["nothing answers there", "by hand", &digits(), "sha256sum", "https_proxy", "--url"];
    assert!(parts.iter().all(|part| said.contains(part)) && said.contains(place.to_str().unwrap()), "{said}");
    assert!(said.contains(&nobody) && !said.contains("secret"), "{said}");
}

/// An address at which nobody listens any more.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn a_proxy_that_is_down_is_named_with_its_variable_and_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, request| Reply::file(request, &FILE));
    let nobody = nobody();
    let mut command = fetch(folder.path(), &server, &[]);
    let output = command.env("http_proxy", format!("http://user:secret@{nobody}")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = words(&output);
    assert!(said.contains(&format!("the proxy {nobody} does not answer")), "{said}");
    assert!(said.contains("check http_proxy") && said.contains("no_proxy") && !said.contains("secret"), "{said}");
    assert!(server.requests().is_empty());
}

#[test]
fn a_proxy_of_the_environment_is_asked_but_for_hosts_that_need_none() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, request| Reply::file(request, &FILE));
    let proxy = Server::proxy();
    let through = |no_proxy: &str| {
        let mut command = fetch(folder.path(), &server, &["--json", "--force"]);
        command.env("http_proxy", format!("http://{}", proxy.address)).env("no_proxy", no_proxy);
        answered(&command.output().unwrap())
    };
    assert_eq!(through("example.org")["fetched"], true);
    assert_eq!(proxy.requests().len(), 1);
    assert!(proxy.requests()[0].line.contains(&server.address), "{:?}", proxy.requests());
    assert_eq!(through("127.0.0.1")["fetched"], true);
    assert_eq!(proxy.requests().len(), 1);
}

/// A folder with a run of one epoch.
fn trained() -> tempfile::TempDir {
    let folder = demo();
    answer(folder.path(), &[&["train", "--name", "r"], &SMALL[..]].concat());
    folder
}

#[test]
fn a_run_is_written_in_every_form_and_read_again() {
    let folder = trained();
    let at = folder.path();
    for (file, format) in [("r.pth", "pth"), ("r.safetensors", "safetensors"), ("r.onnx", "onnx")] {
        let written = answer(at, &["weights", "export", "r", "--out", file]);
        assert_eq!((&written["format"], &written["image_size"]), (&Value::from(format), &Value::from(32)));
        let first = std::fs::read(at.join(file)).unwrap();
        assert_eq!(written["bytes"], first.len());
        let refused = xray(at, &["weights", "export", "r", "--out", file]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(words(&refused).contains("--force"), "{}", words(&refused));
        answer(at, &["weights", "export", "r", "--out", file, "--force"]);
        assert!(first == std::fs::read(at.join(file)).unwrap(), "{file} has other bytes");
    }
    for file in ["r.pth", "r.safetensors"] {
        let shown = answer(at, &["weights", "show", file]);
        assert_eq!((&shown["classes"], &shown["parameters"]), (&Value::from(2), &Value::from(11_177_538)));
        assert_eq!((&shown["pretrained"], &shown["head"]), (&Value::from(true), &Value::from("loaded")));
        assert_eq!(shown["tensors"].as_array().unwrap().len(), 122);
        let said = String::from_utf8(xray(at, &["weights", "show", file]).stdout).unwrap();
        assert!(said.contains("11,177,538 parameters, 2 classes") && said.contains("takes it"), "{said}");
    }
    let notes = answer(at, &["weights", "show", "r.safetensors"])["notes"].clone();
    assert_eq!((&notes["classes"], &notes["image_size"]), (&"[\"NORMAL\",\"PNEUMONIA\"]".into(), &"32".into()));
    let shown = answer(at, &["eval", "r"])["threshold"].to_string();
    assert_eq!(notes["threshold"], shown);
    let onnx = xray(at, &["weights", "show", "r.onnx"]);
    assert_eq!(onnx.status.code(), Some(1));
    assert!(words(&onnx).contains("ONNX model"), "{}", words(&onnx));
    // The very weights: a run that begins with them and learns nothing answers the same.
    let rate = ["train", "--name", "s", "--pretrained", "r.pth", "--learning-rate", "1e-30"];
    answer(at, &[&rate, &SMALL[..]].concat());
    let store = Store::open(&at.join("runs.db")).unwrap();
    let tensors = |name: &str| {
        let path = store.run_folder(&store.resolve(name).unwrap().started.id).join("best.safetensors");
        weights::load(&path).unwrap().0["conv1.weight"].flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    assert_eq!(tensors("r"), tensors("s"));
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is() {
    let folder = trained();
    let at = folder.path();
    let refused = |arguments: &[&str], code: i32| {
        let output = xray(at, &[&["weights", "export"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{}", words(&output));
        words(&output)
    };
    assert!(refused(&["r", "--out", "r.bin"], 2).contains("--format"));
    assert!(refused(&["nobody", "--out", "r.pth"], 1).contains("there is no such run"));
    assert!(refused(&["r", "--out", "nowhere/r.pth"], 1).contains("nowhere"));
    let store = Store::open(&at.join("runs.db")).unwrap();
    let own = store.run_folder(&store.resolve("r").unwrap().started.id).join("best.safetensors");
    let before = std::fs::read(&own).unwrap();
    // Another run's, and one whose folder lies elsewhere.
    let runs = own.parent().unwrap().parent().unwrap();
    std::fs::create_dir_all(runs.join("other")).unwrap();
    let mut guarded = vec![own.clone(), runs.join("other/best.safetensors"), runs.join("x.safetensors")];
    #[cfg(unix)]
    {
        std::fs::create_dir_all(at.join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(at.join("elsewhere"), runs.join("linked")).unwrap();
        guarded.push(at.join("elsewhere/best.safetensors"));
    }
    for path in guarded {
        let said = refused(&["r", "--force", "--out", path.to_str().unwrap()], 2);
        assert!(said.contains("the runs' own files"), "{said}");
    }
    assert!(before == std::fs::read(&own).unwrap(), "the run's own file has changed");
    answer(at, &["weights", "export", "r", "--out", "r.bin", "--format", "pth"]);
    assert_eq!(answer(at, &["weights", "show", "r.bin"])["format"], "pth");
}

#[test]
fn weights_that_are_no_numbers_are_described_as_training_refuses_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let mut state = Network::new(2, &mut rng, &Engine::best()).unwrap().state().unwrap();
    let broken = (&state["fc.bias"] * f64::NAN).unwrap();
    state.insert("fc.bias".to_owned(), broken);
    weights::save_pth(&at.join("nan.pth"), &state).unwrap();
    let shown = answer(at, &["weights", "show", "nan.pth"]);
    assert_eq!(shown["pretrained"], false);
    let problem = shown["problem"].as_str().unwrap();
    assert!(problem.contains("tensor fc.bias holds values that are no numbers"), "{problem}");

    state.retain(|name, _| name == "fc.bias");
    weights::save(&at.join("one.safetensors"), &state, &HashMap::new()).unwrap();
    let said = String::from_utf8(xray(at, &["weights", "show", "one.safetensors"]).stdout).unwrap();
    assert!(said.contains(", 1 tensor, 2 parameters") && said.contains("does not take it"), "{said}");
}

#[test]
fn a_file_that_would_run_code_is_refused_and_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    let attack = |name: &str, call: &[u8]| {
        // The older form begins with three harmless pickles.
        let facts = b"\x80\x02}X\x0d\0\0\0little_endian\x88s.";
        let bytes = [b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.", &facts[..], call].concat();
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let output = xray(folder.path(), &["weights", "show", name]);
        assert_eq!(output.status.code(), Some(1));
        words(&output)
    };
    let said = attack("a.pth", b"\x80\x02cos\nsystem\nX\x0c\0\0\0touch marker\x85R.");
    assert!(said.contains("a.pth") && said.contains("it would run code: os.system"), "{said}");
    assert!(said.contains("torch.save(model.state_dict()"), "{said}");
    let said = attack("b.pth", b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.");
    assert!(said.contains("builtins.eval"), "{said}");
    assert!(!folder.path().join("marker").exists());
}
