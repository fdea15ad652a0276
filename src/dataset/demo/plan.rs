//! Which pictures a demo set holds: how many of what, of which patient, under which name.

use rand::Rng;

use super::{DemoConfig, Stream};
use crate::dataset::patient::Kind;
use crate::dataset::random::{self, Purpose};
use crate::dataset::{Class, Folder};

/// One picture to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Path below the set's root, with `/` between its parts.
    pub file: String,
    pub kind: Kind,
    /// Counted from 1 over the whole set: what the patient's random numbers are drawn by.
    pub patient: u64,
    /// Counted from 1 over the whole set.
    pub number: u64,
    /// Which size, position and exposure it gets: each is given to one picture of either class, as far as they go round.
    pub view: u64,
}

/// How many patients, of either class too, and pneumonia pictures there are so far, and views used of this folder and class.
#[derive(Default)]
struct Count {
    patients: u64,
    normal: u64,
    pneumonia: u64,
    pneumonia_images: u64,
    views: u64,
}

/// The folders that hold the pictures.
pub fn folders() -> impl Iterator<Item = String> {
    [Folder::Train, Folder::Test]
        .into_iter()
        .flat_map(|folder| Class::ALL.map(|class| format!("{}/{}", folder.name(), class.name())))
}

/// All pictures of a set. Patients have one to three, and no patient is in both train and test.
pub fn pictures(config: &DemoConfig) -> Vec<Picture> {
    let test = config.images / 4;
    let train = config.images - test;
    let (ill_train, ill_test) = ((train * 11 + 10) / 20, test / 2);
    let mut pictures = Vec::with_capacity(config.images);
    let mut count = Count::default();
    for (folder, class, images) in [
        (Folder::Train, Class::Normal, train - ill_train),
        (Folder::Train, Class::Pneumonia, ill_train),
        (Folder::Test, Class::Normal, test - ill_test),
        (Folder::Test, Class::Pneumonia, ill_test),
    ] {
        let end = pictures.len() + images;
        count.views = if folder == Folder::Train { 0 } else { train as u64 };
        while pictures.len() < end {
            let some = images_of_patient(config.seed, count.patients, end - pictures.len());
            add_patient(&mut pictures, &mut count, (folder, class), some);
        }
    }
    pictures
}

/// Most patients have one image, some two or three, but never more than a quarter of what is left to share out.
fn images_of_patient(seed: u64, patient: u64, left: usize) -> u64 {
    let wanted = match random::stream(seed, Purpose::Demo, [patient + 1, Stream::Images as u64]).random_range(0..10) {
        0..7 => 1,
        7..9 => 2,
        _ => 3,
    };
    wanted.min((left as u64 / 4).max(1))
}

fn add_patient(pictures: &mut Vec<Picture>, count: &mut Count, place: (Folder, Class), images: u64) {
    let (folder, class) = place;
    count.patients += 1;
    *(if class == Class::Normal { &mut count.normal } else { &mut count.pneumonia }) += 1;
    let kind = match class {
        Class::Normal => Kind::Normal,
        Class::Pneumonia if count.pneumonia % 2 == 1 => Kind::Bacterial,
        Class::Pneumonia => Kind::Viral,
    };
    for image in 1..=images {
        count.views += 1;
        count.pneumonia_images += u64::from(class == Class::Pneumonia);
        let name = match kind {
            Kind::Bacterial => format!("person{}_bacteria_{}", count.pneumonia, count.pneumonia_images),
            Kind::Viral => format!("person{}_virus_{}", count.pneumonia, count.pneumonia_images),
            Kind::Normal | Kind::Unknown => format!("IM-{:04}-{image:04}", count.normal),
        };
        let file = format!("{}/{}/{name}.jpeg", folder.name(), class.name());
        let number = pictures.len() as u64 + 1;
        pictures.push(Picture { file, kind, patient: count.patients, number, view: count.views });
    }
}
