//! What lies in a data set: images, labels, patients, splits, and the pixels made from them.

pub mod augment;
pub mod batch;
pub mod cache;
pub mod demo;
pub mod difference;
pub mod dvc_file;
pub mod format;
pub mod hash;
pub mod look;
pub mod normalisation;
pub mod patient;
pub mod random;
pub mod resize;
pub mod scan;
pub mod shift;
pub mod similar;
pub mod split;
pub mod statistics;
pub mod version;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use look::{Look, TestAugmentation};
use normalisation::Normalisation;
pub use patient::Patient;
pub use scan::find;

/// How a file becomes the network's input, in words: whatever changes the pixels changes this text.
#[must_use]
pub fn preparation(image_size: usize, look: Look) -> String {
    let plain = format!(
        "decoder {}; Rec. 601 grey; bilinear, antialiased, to {image_size} x {image_size}; for training a source of short \
         side {} at most; mean {:?}, deviation {:?}",
        cache::DECODER_VERSION,
        cache::SOURCE_SHORT_SIDE,
        batch::IMAGENET_MEAN,
        batch::IMAGENET_STD
    );
    // What is off goes unsaid, so that the text of older runs stays theirs.
    let greys = match look.normalisation {
        Normalisation::None => String::new(),
        other => format!("; greys: {}", other.name()),
    };
    match look.test_augmentation {
        TestAugmentation::None => plain + &greys,
        other => format!("{plain}{greys}; looks: {}", other.name()),
    }
}

/// The two labels. The number is the network's output index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Class {
    Normal = 0,
    Pneumonia = 1,
}

impl Class {
    pub const ALL: [Self; 2] = [Self::Normal, Self::Pneumonia];

    /// The folder's name and the label on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::Pneumonia => "PNEUMONIA",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Normal => Self::Pneumonia,
            Self::Pneumonia => Self::Normal,
        }
    }

    /// The network's output for this class: 0 or 1.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Where an image lies on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Folder {
    Train,
    Val,
    Test,
}

impl Folder {
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }
}

/// What an image is used for. Train and validation are made from the folders train and val together; test is the folder test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    Train,
    Validation,
    #[default]
    Test,
}

impl Split {
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// What a network is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// The images of a split as they are.
    Plain(Split),
    /// The validation images made harder ([`shift`]).
    Harder,
}

impl Probe {
    /// All that a run keeps answers for. Its seal and its bundle have them in this order: what is new comes last.
    pub const KEPT: [Self; 3] = [Self::Plain(Split::Validation), Self::Plain(Split::Test), Self::Harder];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain(split) => split.name(),
            Self::Harder => "harder",
        }
    }

    #[must_use]
    pub const fn split(self) -> Split {
        match self {
            Self::Plain(split) => split,
            Self::Harder => Split::Validation,
        }
    }
}

impl From<Split> for Probe {
    fn from(split: Split) -> Self {
        Self::Plain(split)
    }
}

/// One image file of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Path below the data set's root, with `/` between its parts: `train/NORMAL/IM-0115-0001.jpeg`.
    pub file: String,
    pub folder: Folder,
    pub class: Class,
    pub patient: Patient,
}

/// The images found below a folder, sorted by `file` in byte order.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The folder that holds `train` and `test`.
    pub root: PathBuf,
    pub images: Vec<Image>,
    /// Made by `xray-tui data demo`: to be marked SYNTHETIC wherever it shows.
    pub synthetic: bool,
}

impl Dataset {
    /// The full path of image `index`.
    #[must_use]
    pub fn path(&self, index: usize) -> PathBuf {
        self.root.join(&self.images[index].file)
    }
}

/// An 8-bit grey picture, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GreyImage {
    pub width: usize,
    pub height: usize,
    /// `height * width` values, 0 black to 255 white.
    pub pixels: Vec<u8>,
}
