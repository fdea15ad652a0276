//! Weights for other programs and from them: a run's written out, a file's described, the public ones found by their name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use xray_nn::ensemble;
use xray_nn::weights::{self, Head, onnx};

use super::step::make_network;
use super::{TrainConfig, checkpoint};
use crate::dataset::Class;
use crate::dataset::batch::{IMAGENET_MEAN, IMAGENET_STD};
use crate::dataset::look::TestAugmentation;
use crate::dataset::normalisation::Normalisation;
use crate::error::{Error, Result};
use crate::metrics::{Fingerprint, Threshold};

/// Weights that can be asked for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Public {
    pub name: &'static str,
    /// Where they come from.
    pub url: &'static str,
    /// Of the file there, in lower-case hexadecimal digits.
    pub sha256: &'static str,
    /// Of their size, in bytes, to be told beforehand.
    pub about_bytes: u64,
}

/// ImageNet's weights for a ResNet-18, torchvision's `ResNet18_Weights.IMAGENET1K_V1`.
pub const RESNET18: Public = Public {
    name: "resnet18",
    url: "https://download.pytorch.org/models/resnet18-f37072fd.pth",
    sha256: "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
    about_bytes: 46_800_000,
};

impl Public {
    /// The file that they are kept in, in a folder of the cache: `resnet18.pth`, or with the ending that the address has.
    #[must_use]
    pub fn path(&self, cache: &Path, url: &str) -> PathBuf {
        let ending = if url.ends_with(".safetensors") { "safetensors" } else { "pth" };
        cache.join("weights").join(format!("{}.{ending}", self.name))
    }

    /// The file that they are kept in, if they were fetched.
    fn kept(&self, cache: &Path) -> Option<PathBuf> {
        ["x.pth", "x.safetensors"].into_iter().map(|url| self.path(cache, url)).find(|path| path.is_file())
    }
}

/// The file of pretrained weights that is meant, as an absolute path: the file itself, else the public ones of that name.
///
/// # Errors
/// `BadSetting` where public ones are meant that are yet to be fetched; `Io` where there is no such file.
pub fn find(file: &Path, cache: &Path) -> Result<PathBuf> {
    let is_public = file.as_os_str() == RESNET18.name && !file.exists();
    let found = if is_public { RESNET18.kept(cache) } else { Some(file.to_owned()) };
    let found = found.ok_or_else(|| {
        let name = RESNET18.name;
        let problem = format!("{name} is not here yet: `xray-tui weights fetch {name}` gets it");
        Error::BadSetting { setting: "pretrained", problem }
    })?;
    found.canonicalize().map_err(|error| Error::io("read the pretrained weights", found, error))
}

/// What a run's weights can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Safetensors,
    Pth,
    Onnx,
}

impl Format {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Pth => "pth",
            Self::Onnx => "onnx",
        }
    }

    /// By a file's ending.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "safetensors" => Some(Self::Safetensors),
            "pth" | "pt" => Some(Self::Pth),
            "onnx" => Some(Self::Onnx),
            _ => None,
        }
    }
}

/// Weights that were written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    pub image_size: usize,
    pub weights: Fingerprint,
}

/// Writes the best weights of the run in `folder` to `path`, whole or not at all, with how images are prepared and
/// answers read in the notes of a form that has any.
///
/// # Errors
/// Where the run has no weights or the file cannot be written.
pub fn export(folder: &Path, (format, path): (Format, &Path), threshold: Threshold) -> Result<Exported> {
    let (state, identity, weights) = checkpoint::best_state(folder)?;
    let count = ensemble::count(&state);
    if count > 1 {
        let run = identity.run_id;
        let problem = format!("is an ensemble of {count} networks, and a file is for one: export its members");
        return Err(Error::Run { run, problem });
    }
    let image_size = identity.config.image_size;
    let notes = notes(&identity, threshold);
    match format {
        Format::Safetensors => {
            // As PyTorch's users expect it of a file for them.
            let of_pytorch = [("format".to_owned(), "pt".to_owned())];
            weights::save(path, &state, &notes.into_iter().chain(of_pytorch).collect())?;
        }
        Format::Pth => weights::save_pth(path, &state)?,
        Format::Onnx => {
            let (producer, version) = ("xray-tui", env!("CARGO_PKG_VERSION"));
            onnx::save(path, &state, &onnx::About { producer, version, image_size, notes: &notes })?;
        }
    }
    Ok(Exported { image_size, weights })
}

/// What another program must know to give the same answers.
fn notes(identity: &checkpoint::Identity, threshold: Threshold) -> BTreeMap<String, String> {
    let [normal, pneumonia] = Class::ALL.map(Class::name);
    let side = identity.config.image_size;
    let mut notes = vec![
        ("classes", json!([normal, pneumonia]).to_string()),
        ("image_size", side.to_string()),
        ("colour", "grey by ITU-R 601 (Pillow's convert(\"L\")), the same in all three channels".to_owned()),
        (
            "resize",
            format!(
                "to {side} x {side}, aspect ignored, 8-bit bilinear with antialiasing (Pillow's BILINEAR, torchvision's Resize)"
            ),
        ),
        ("rescale", "1/255".to_owned()),
        ("image_mean", format!("{IMAGENET_MEAN:?}")),
        ("image_std", format!("{IMAGENET_STD:?}")),
        ("run_id", identity.run_id.clone()),
        ("threshold", threshold.probability().to_string()),
        ("threshold_class", pneumonia.to_owned()),
        ("use", "research use only, not for clinical use".to_owned()),
    ];
    // What is off goes unsaid.
    let look = identity.config.look();
    notes.extend(greys(look.normalisation).map(|text| ("greys", text.to_owned())));
    notes.extend(looks(look.test_augmentation).map(|text| ("looks", text.to_owned())));
    notes.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

const fn greys(normalisation: Normalisation) -> Option<&'static str> {
    match normalisation {
        Normalisation::None => None,
        Normalisation::Stretch => {
            Some("after resizing, linearly from the 1st and 99th percentile to 0 and 255, rounded to nearest")
        }
        Normalisation::Equalise => Some("after resizing, histogram equalisation (OpenCV's equalizeHist)"),
        Normalisation::Clahe => {
            Some("after resizing, CLAHE (OpenCV's createCLAHE with clipLimit 2.0 and tileGridSize (8, 8))")
        }
    }
}

const fn looks(looks: TestAugmentation) -> Option<&'static str> {
    match looks {
        TestAugmentation::None => None,
        TestAugmentation::Flip => Some("the logits are the mean over the picture and its mirror image"),
        TestAugmentation::Views => Some(
            "the logits are the mean over the picture, the middle 90 % of each side scaled up to the whole, and the mirror \
             images of both; the part is cut out before anything is done to the greys",
        ),
    }
}

/// What a file of weights is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub format: &'static str,
    /// By name: the type and the shape.
    pub tensors: Vec<(String, &'static str, Vec<usize>)>,
    /// Values that are learnt.
    pub parameters: usize,
    /// Of a ResNet-18's last layer.
    pub classes: Option<usize>,
    /// Whether a run that starts from it takes its last layer too, or why none can start from it.
    pub fit: Result<bool, String>,
    pub notes: BTreeMap<String, String>,
}

/// What is in a file of weights, without running any code in it.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn describe(path: &Path) -> Result<Description> {
    let found = weights::describe(path, Class::ALL.len())?;
    Ok(Description {
        format: found.format.name(),
        tensors: found.tensors,
        parameters: found.parameters,
        classes: found.classes,
        fit: found.fit.and_then(|head| tried(path).map(|()| head == Head::Loaded)),
        notes: found.notes.into_iter().collect(),
    })
}

/// Makes a network of it as a run does: only its values tell whether one can start from it.
fn tried(path: &Path) -> Result<(), String> {
    let config = TrainConfig { pretrained: Some(path.to_owned()), ..TrainConfig::default() };
    match make_network(&config, true, &mut |_| Ok(())) {
        Ok(_) => Ok(()),
        Err(Error::BadSetting { problem, .. }) => Err(problem),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_a_file_first_then_the_fetched_weights_and_else_says_how_to_fetch_them() {
        let cache = tempfile::tempdir().unwrap();
        let said = find(Path::new("resnet18"), cache.path()).unwrap_err().to_string();
        assert!(said.contains("xray-tui weights fetch resnet18"), "{said}");
        let kept = RESNET18.path(cache.path(), "https://example.org/model.safetensors");
        std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
        std::fs::write(&kept, "x").unwrap();
        assert!(find(Path::new("resnet18"), cache.path()).unwrap().ends_with("weights/resnet18.safetensors"));
        let own = cache.path().join("own.pth");
        assert!(find(&own, cache.path()).unwrap_err().to_string().contains("own.pth"));
        std::fs::write(&own, "x").unwrap();
        assert!(find(&own, cache.path()).unwrap().ends_with("own.pth"));
    }

    #[test]
    fn a_format_is_told_by_the_ending() {
        let of = |name: &str| Format::of(Path::new(name)).map(Format::name);
        assert_eq!(
            ["a.PT", "a.pth", "a.onnx", "a.safetensors"].map(of),
            ["pth", "pth", "onnx", "safetensors"].map(Some)
        );
        assert_eq!(["a", "a.bin"].map(of), [None, None]);
    }
}
