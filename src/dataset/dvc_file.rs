//! The `.dvc` file beside tracked data: which version of them DVC has seen (DVC 3.67, `dvc/stage/serialize.py`).

pub mod scalar;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

/// What a `.dvc` file says of a folder or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The md5; of a folder with `.dir` at its end.
    pub md5: String,
    /// Bytes of all files.
    pub bytes: u64,
    /// `None` for a single file.
    pub files: Option<usize>,
    /// The single file may be run as a program.
    pub executable: bool,
}

/// A `.dvc` file of one folder or file, with whatever else its user has written into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DvcFile {
    /// The lines up to the output's first key; that key's own line lacks its indent.
    before: String,
    /// Columns before a key.
    indent: usize,
    entries: Vec<Entry>,
    after: String,
}

/// A key of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    key: String,
    /// All from after the colon up to the next key, with the line's end.
    value: String,
}

/// Keys of an output that stay as they are when its data are tracked anew.
const KEPT: [&str; 7] = ["desc", "type", "labels", "meta", "remote", "push", "persist"];
/// Keys that tell the version, in DVC's order.
const TOLD: [&str; 6] = ["md5", "size", "nfiles", "isexec", "hash", "path"];
/// Keys beside the outputs that say nothing of where the data come from.
const BESIDE: [&str; 4] = ["outs", "desc", "meta", "frozen"];

/// `data/x` gives `data/x.dvc`.
#[must_use]
pub fn beside(data: &Path) -> PathBuf {
    let mut name = data.file_name().unwrap_or_default().to_owned();
    name.push(".dvc");
    data.with_file_name(name)
}

/// The DVC repository that `path` lies in: the nearest folder above it with a `.dvc` in it.
#[must_use]
pub fn repository(path: &Path) -> Option<PathBuf> {
    path.ancestors().skip(1).find(|folder| folder.join(".dvc").is_dir()).map(Path::to_owned)
}

/// What tracks `path`, a whole one: itself or the nearest folder above it, in its repository, with a `.dvc` file beside it.
#[must_use]
pub fn tracked(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let root = repository(path)?;
    let within = path.ancestors().take_while(|folder| *folder != root);
    within.map(|data| (data.to_owned(), beside(data))).find(|(_, file)| file.is_file())
}

/// Whether DVC can write the name into a file and read it again, and git can ignore it: no control characters, no line
/// breaks, and none of its spaces lost where a long line is broken.
#[must_use]
pub fn is_nameable(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|letter| letter.is_control() || ['\u{2028}', '\u{2029}'].contains(&letter))
}

/// Whether the name comes out of a `.dvc` file as it went in.
#[must_use]
pub fn is_kept(name: &str) -> bool {
    is_nameable(name) && scalar::read(&scalar::write(name, "  path:".len())).as_deref() == Some(name)
}

impl DvcFile {
    /// A new one for the folder or file `name` beside it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let path = Entry { key: "path".into(), value: format!("{}\n", scalar::write(name, "  path:".len())) };
        Self { before: "outs:\n- ".into(), indent: 2, entries: vec![path], after: String::new() }
    }

    /// Reads one.
    ///
    /// # Errors
    /// In words for the user, what in it is not of a single output that was added.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.split_inclusive('\n').peekable();
        let mut file = Self { before: String::new(), indent: 0, entries: Vec::new(), after: String::new() };
        for line in lines.by_ref() {
            file.before.push_str(line);
            if line.trim_end() == "outs:" {
                break;
            }
        }
        while let Some(line) = lines.next_if(|line| is_filler(line)) {
            file.before.push_str(line);
        }
        let first = lines.next().filter(|line| line.trim_start().starts_with("- ")).ok_or("has no list of outputs")?;
        let body = first.trim_start()[2..].trim_start();
        file.indent = first.len() - body.len();
        file.before.push_str(&first[..file.indent]);
        file.begin(body)?;
        while let Some(line) = lines.next_if(|line| is_filler(line) || depth(line) + 2 >= file.indent && !is_top(line))
        {
            file.add(line)?;
        }
        file.after = lines.collect();
        file.check()?;
        Ok(file)
    }

    /// Takes a line of the output in.
    fn add(&mut self, line: &str) -> Result<(), String> {
        let is_key = !is_filler(line) && depth(line) == self.indent && !line.trim_start().starts_with("- ");
        if is_key {
            return self.begin(line.trim_start());
        }
        if !is_filler(line) && depth(line) < self.indent {
            return Err("has more than one output".into());
        }
        if let Some(entry) = self.entries.last_mut() {
            entry.value.push_str(line);
        }
        Ok(())
    }

    fn begin(&mut self, line: &str) -> Result<(), String> {
        let (key, value) = line.split_once(':').ok_or_else(|| format!("has a line without a key: {}", line.trim()))?;
        let value = if value.ends_with('\n') { value.to_owned() } else { format!("{value}\n") };
        self.entries.push(Entry { key: key.to_owned(), value });
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let top = self.before.lines().chain(self.after.lines()).filter(|line| is_top(line));
        let mut beside = top.filter_map(|line| line.split_once(':')).map(|(key, _)| key);
        match beside.find(|key| !BESIDE.contains(key)) {
            Some("deps") => return Err("was made by an import: `dvc update` brings it up to date".into()),
            Some(key) => return Err(format!("has the key {key}, which `dvc add` does not write")),
            None => {}
        }
        if self.value("cache").as_deref() == Some("false") {
            return Err("says cache: false, so DVC keeps no copy of it".into());
        }
        let odd = self
            .entries
            .iter()
            .find(|entry| !KEPT.contains(&entry.key.as_str()) && !TOLD.contains(&entry.key.as_str()));
        match odd {
            Some(entry) => Err(format!("has the key {}, which `dvc add` does not write", entry.key)),
            None if self.path().is_none() => Err("does not say what it tracks".into()),
            None => Ok(()),
        }
    }

    fn value(&self, key: &str) -> Option<String> {
        self.entries.iter().find(|entry| entry.key == key).and_then(|entry| scalar::read(&entry.value))
    }

    /// The name of the folder or file.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        self.value("path")
    }

    /// Whether DVC 2 wrote it, whose ids take text files' line ends for others.
    #[must_use]
    pub fn is_of_dvc_2(&self) -> bool {
        self.value("hash").is_none() && self.value("md5").is_some()
    }

    /// The version that it tells; `None` where it has none yet.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        let number = |key| self.value(key).and_then(|text| text.parse().ok());
        let files = number("nfiles").and_then(|files: u64| usize::try_from(files).ok());
        let executable = self.value("isexec").as_deref() == Some("true");
        Some(Version { md5: self.value("md5")?, bytes: number("size").unwrap_or(0), files, executable })
    }

    /// Tells another version. What is new comes last, as DVC has it; what the user wrote stays.
    pub fn tell(&mut self, version: &Version) {
        let fresh = self.entries.len() == 1 && self.value("md5").is_none();
        let path = self.path().unwrap_or_default();
        let told = [
            Some(version.md5.clone()),
            Some(version.bytes.to_string()),
            version.files.map(|files| files.to_string()),
            version.executable.then(|| "true".to_owned()),
            Some("md5".to_owned()),
            Some(path),
        ];
        if fresh {
            self.entries.clear();
        }
        for (key, value) in TOLD.into_iter().zip(told) {
            self.set(key, value);
        }
    }

    fn set(&mut self, key: &str, value: Option<String>) {
        let Some(value) = value else {
            return self.entries.retain(|entry| entry.key != key);
        };
        let column = self.indent + key.len() + 1;
        let is_number = ["size", "nfiles", "isexec"].contains(&key);
        let text = if is_number { format!(" {value}") } else { scalar::write(&value, column) };
        match self.entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) if scalar::read(&entry.value).as_deref() == Some(&value) => {}
            Some(entry) => entry.value = with_comment(&text, &entry.value),
            None => self.entries.push(Entry { key: key.into(), value: format!("{text}\n") }),
        }
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.before.clone();
        for (place, Entry { key, value }) in self.entries.iter().enumerate() {
            let indent = if place == 0 { 0 } else { self.indent };
            text.extend([&" ".repeat(indent), key, ":", value]);
        }
        text + &self.after
    }
}

/// The outputs that a `.dvc` file or a `dvc.yaml` names, as they stand there below its folder; those with variables are
/// not known.
#[must_use]
pub fn outputs(text: &str) -> Vec<String> {
    let (mut found, mut folder, mut list) = (Vec::new(), String::new(), None);
    for line in text.lines().filter(|line| !is_filler(line)) {
        let bare = line.trim();
        let is_item = bare.starts_with("- ");
        // A stage begins, in a folder of its own.
        if depth(line) == 2 && !is_item && bare.ends_with(':') {
            folder.clear();
        }
        list = list.filter(|from| depth(line) > *from || depth(line) == *from && is_item);
        match bare.strip_prefix("wdir:").and_then(scalar::read) {
            Some(wdir) => folder = format!("{wdir}/"),
            None if ["outs:", "metrics:", "plots:"].contains(&bare) => list = Some(depth(line)),
            None if list.is_some() => {
                let item = bare.strip_prefix("- ").unwrap_or(bare);
                let path =
                    item.strip_prefix("path:").or_else(|| is_item.then(|| item.strip_suffix(':').unwrap_or(item)));
                let path = path.filter(|path| path.starts_with(' ') || !path.contains(": "));
                found.extend(path.and_then(scalar::read).map(|path| format!("{folder}{path}")));
            }
            None => {}
        }
    }
    found.retain(|path| !path.contains("${"));
    found
}

/// A line that says nothing.
fn is_filler(line: &str) -> bool {
    let bare = line.trim();
    bare.is_empty() || bare.starts_with('#')
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Whether a key beside the outputs begins here.
fn is_top(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
}

/// `text` in place of the value that was, whose comment stays in its column.
fn with_comment(text: &str, was: &str) -> String {
    let (line, rest) = was.split_once('\n').unwrap_or((was, ""));
    let plain = !line.trim_start().starts_with(['\'', '"']);
    let Some(comment) = line.find(" #").filter(|_| plain) else { return format!("{text}\n{rest}") };
    let column = comment + 1;
    let gap = column.saturating_sub(text.chars().count()).max(1);
    format!("{text}{}{}\n{rest}", " ".repeat(gap), &line[column..])
}
