//! Starting from weights that others trained: torchvision's and timm's files, or a run's own checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use candle_core::DType;

use super::Metadata;
use super::file::{Format, Listed, WeightFile};
use crate::arch::{self, FEATURES, HEAD_BIAS, HEAD_WEIGHT, Role, TensorSpec};
use crate::check::OF;
use crate::{Error, Network, Result};

/// What became of the network's last layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// It was in the file.
    Loaded,
    /// The file's is for so many other classes: the network keeps its own.
    Kept { classes_in_file: usize },
}

/// Tensors that other networks have, and which these are.
const STRANGERS: [(&str, &str); 7] = [
    ("conv1.0.weight", "a stem of three convolutions, as timm's resnet18d"),
    ("layer1.0.conv3.weight", "bottleneck blocks, as a ResNet-50"),
    ("layer1.2.conv1.weight", "more blocks, as a ResNet-34"),
    ("layer1.0.se.fc1.weight", "squeeze-and-excitation, as timm's seresnet18"),
    ("stem.conv.weight", "a stem of another kind, as timm's resnetv2"),
    ("layer0.conv1.weight", "a stem of another kind, as timm's legacy_seresnet18"),
    ("resnet.embedder.embedder.convolution.weight", "other names, as the transformers library's"),
];

/// Gives the network the weights of a file: safetensors, or saved by PyTorch in the zip form or the one before, with
/// torchvision's names (timm's resnet18 has the same), `module.` before them or not. A head of another number of classes,
/// as ImageNet's 1000, is left out. Only what the network needs is read. On an error the network is as before.
///
/// # Errors
/// Names the file, and the tensor where one is missing, unknown or of another shape.
pub fn load_pretrained(network: &Network, path: &Path) -> Result<Head> {
    let mut file = WeightFile::open(path)?;
    let mut state = network.state()?;
    let classes = crate::check::classes(&state)?;
    let plan = Plan::of(&file.tensors, classes).map_err(|error| error.in_file(path))?;
    let theirs: Vec<&str> = plan.names.values().map(String::as_str).collect();
    let tensors = file.read(&theirs)?;
    for (name, theirs) in &plan.names {
        let tensor = &tensors[theirs];
        let dtype = if tensor.dtype().is_float() { DType::F32 } else { DType::I64 };
        state.insert(name.clone(), tensor.to_dtype(dtype)?);
    }
    network.load_state(&state).map_err(|error| error.in_file(path))?;
    Ok(plan.head)
}

/// What a file of weights is.
#[derive(Debug)]
pub struct Description {
    pub format: Format,
    /// By name: the type and the shape.
    pub tensors: Vec<(String, &'static str, Vec<usize>)>,
    /// Values that are learnt.
    pub parameters: usize,
    /// Classes of its last layer, if that is a ResNet-18's.
    pub classes: Option<usize>,
    /// What becomes of the last layer of a network that starts from it, or why none can.
    pub fit: Result<Head, String>,
    pub notes: Metadata,
}

/// What is in a file, and whether a network of so many classes can start from it.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn describe(path: &Path, classes: usize) -> Result<Description> {
    let file = WeightFile::open(path)?;
    let is_learnt =
        |name: &str| !["running_mean", "running_var", "num_batches_tracked"].iter().any(|end| name.ends_with(end));
    let learnt = file.tensors.iter().filter(|(name, _)| is_learnt(name));
    let size = |listed: &Listed| listed.shape.iter().fold(1_usize, |size, axis| size.saturating_mul(*axis));
    Ok(Description {
        format: file.format,
        parameters: learnt.fold(0_usize, |sum, (_, listed)| sum.saturating_add(size(listed))),
        classes: classes_in(&renamed(&file.tensors)),
        fit: Plan::of(&file.tensors, classes).map(|plan| plan.head).map_err(|error| error.to_string()),
        tensors: file.tensors.into_iter().map(|(name, listed)| (name, listed.dtype.as_str(), listed.shape)).collect(),
        notes: file.notes,
    })
}

/// Which of a file's tensors become which of the network's.
#[derive(Debug)]
struct Plan {
    /// By the network's name: the file's.
    names: BTreeMap<String, String>,
    head: Head,
}

/// A file's tensors by the names that they have where no other process trained along, each with its own name.
type Renamed<'a> = BTreeMap<&'a str, (&'a str, &'a Listed)>;

fn renamed(listed: &BTreeMap<String, Listed>) -> Renamed<'_> {
    let mut renamed = Renamed::new();
    for (name, listed) in listed {
        renamed.insert(name.strip_prefix("module.").unwrap_or(name), (name, listed));
    }
    renamed
}

impl Plan {
    fn of(listed: &BTreeMap<String, Listed>, classes: usize) -> Result<Self> {
        let theirs = renamed(listed);
        refuse_stranger(&theirs)?;
        let in_file = classes_in(&theirs);
        // A damaged one counts as loaded: the check that follows names it.
        let head = match in_file {
            Some(classes_in_file) if classes_in_file != classes => Head::Kept { classes_in_file },
            _ => Head::Loaded,
        };
        let specs = arch::tensors(in_file.unwrap_or(classes));
        let known: BTreeSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let mut names = BTreeMap::new();
        for spec in &specs {
            let is_head = matches!(spec.role, Role::HeadWeight | Role::HeadBias);
            match find(spec, &theirs)? {
                Some(name) if !is_head || head == Head::Loaded => _ = names.insert(spec.name.clone(), name.to_owned()),
                _ => {}
            }
        }
        match theirs.keys().find(|name| !known.contains(*name)) {
            Some(name) => Err(Error::UnexpectedTensor { name: (*name).to_owned(), of: OF }),
            None => Ok(Self { names, head }),
        }
    }
}

/// The file's name of this tensor, if it has the shape and a type of its kind.
fn find<'a>(spec: &TensorSpec, theirs: &Renamed<'a>) -> Result<Option<&'a str>> {
    let (name, expected) = (spec.name.clone(), spec.shape.clone());
    let Some((their_name, listed)) = theirs.get(spec.name.as_str()) else {
        // Files from before PyTorch 0.4.1 don't count batches.
        if spec.role == Role::BatchesTracked {
            return Ok(None);
        }
        return Err(Error::MissingTensor { name, expected, of: OF });
    };
    if listed.shape != expected {
        return Err(Error::WrongShape { name, found: listed.shape.clone(), expected });
    }
    if listed.dtype.is_float() != spec.role.dtype().is_float() {
        let found = listed.dtype.as_str().to_owned();
        return Err(Error::WrongType { name, found, expected: spec.role.dtype().as_str() });
    }
    Ok(Some(their_name))
}

/// Says in words which network it is, where a tensor tells.
fn refuse_stranger(theirs: &Renamed<'_>) -> Result<()> {
    if let Some((name, what)) = STRANGERS.iter().find(|(name, _)| theirs.contains_key(name)) {
        return Err(Error::OtherNetwork { name: (*name).to_owned(), what });
    }
    if !theirs.contains_key(HEAD_WEIGHT) && theirs.contains_key("layer4.1.conv2.weight") {
        return Err(Error::NoHead { name: HEAD_WEIGHT });
    }
    Ok(())
}

/// Classes of the last layer.
fn classes_in(theirs: &Renamed<'_>) -> Option<usize> {
    let shape = |name: &str| theirs.get(name).map(|(_, listed)| listed.shape.as_slice());
    match (shape(HEAD_WEIGHT)?, shape(HEAD_BIAS)?) {
        (&[rows, FEATURES], &[values]) if rows == values => Some(rows),
        _ => None,
    }
}
