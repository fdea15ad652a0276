//! The list of a run's images: what each is, and what it is used for.

use super::LoadedData;
use crate::dataset::Split;
pub use crate::dataset::difference::Listed;
use crate::dataset::difference::{Difference, Images};
use crate::dataset::split::Splits;
use crate::error::Result;
use crate::metrics::Fingerprint;
use crate::store::{NewRun, Store};

/// A run's images by file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest(pub Vec<Listed>);

impl Manifest {
    #[must_use]
    pub fn of(data: &LoadedData, splits: &Splits) -> Self {
        let listed = |split, &index: &usize| {
            let image = &data.dataset.images[index];
            let (file, patient) = (image.file.clone(), image.patient.id.clone());
            Listed { file, md5: data.cache.facts(index).md5.clone(), patient, split }
        };
        let of = |split| splits.of(split).iter().map(move |index| listed(split, index));
        let mut images: Vec<Listed> = Split::ALL.into_iter().flat_map(of).collect();
        images.sort_unstable();
        Self(images)
    }

    /// One image a line: md5, split, patient and file, as a JSON array.
    #[must_use]
    pub fn text(&self) -> String {
        let line = |image: &Listed| {
            let Listed { file, md5, patient, split } = image;
            format!("{}\n", serde_json::json!([md5, split, patient, file]))
        };
        self.0.iter().map(line).collect()
    }

    /// What [`Manifest::text`] has written; `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let line = |line: &str| {
            let (md5, split, patient, file) = serde_json::from_str(line).ok()?;
            Some(Listed { file, md5, patient, split })
        };
        text.lines().map(line).collect::<Option<_>>().map(Self)
    }

    /// The list that a run has kept; `None` of one from before there were such lists, or of one that cannot be read.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn of_run(store: &Store, run: &NewRun) -> Result<Option<Self>> {
        let text = run.manifest.as_deref().map(|digest| store.manifest(digest)).transpose()?.flatten();
        Ok(text.as_deref().and_then(Self::parse))
    }

    /// How what two runs have seen differs.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn difference(store: &Store, [a, b]: [&NewRun; 2]) -> Result<Difference> {
        let lists = [Self::of_run(store, a)?, Self::of_run(store, b)?];
        let [Some(of_a), Some(of_b)] = &lists else {
            let (same_data, same_splits) = (a.data_hash == b.data_hash, a.split_hash == b.split_hash);
            return Ok(Difference { same_data, same_splits, images: None });
        };
        let images = Images::between(&of_a.0, &of_b.0);
        Ok(Difference {
            same_data: a.data_hash == b.data_hash,
            same_splits: images.moved.is_empty(),
            images: Some(images),
        })
    }

    #[must_use]
    pub fn digest(&self) -> String {
        Fingerprint::of(self.text().as_bytes()).to_string()
    }

    /// The first image that is not the same in `now`, in words; `None` where all are.
    #[must_use]
    pub fn first_difference(&self, now: &Self) -> Option<String> {
        let (mut was, mut is) = (self.0.iter().peekable(), now.0.iter().peekable());
        loop {
            return match (was.peek(), is.peek()) {
                (None, None) => None,
                (Some(a), Some(b)) if a == b => {
                    was.next();
                    is.next();
                    continue;
                }
                (Some(a), Some(b)) if a.file == b.file => Some(changed(a, b)),
                (Some(a), Some(b)) if a.file < b.file => Some(format!("image {} is missing", a.file)),
                (Some(a), None) => Some(format!("image {} is missing", a.file)),
                (_, Some(b)) => Some(format!("image {} is new", b.file)),
            };
        }
    }
}

fn changed(was: &Listed, is: &Listed) -> String {
    let file = &was.file;
    if was.md5 != is.md5 {
        return format!("image {file} has another content: md5 {}, it was {}", is.md5, was.md5);
    }
    if was.split != is.split {
        return format!("image {file} is in {} now, it was in {}", is.split.name(), was.split.name());
    }
    format!("image {file} is of patient {} now, it was of {}", is.patient, was.patient)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(file: &str, md5: &str) -> Listed {
        Listed { file: file.into(), md5: md5.into(), patient: "p\u{e9}".into(), split: Split::Validation }
    }

    #[test]
    fn a_list_comes_back_from_its_text() {
        let list = Manifest(vec![listed("train/a b.png", "00"), listed("train/c\td\n.png", "01")]);
        assert_eq!(Manifest::parse(&list.text()), Some(list));
        assert_eq!(Manifest::parse("no list"), None);
    }

    #[test]
    fn the_first_image_that_differs_is_named() {
        let was = Manifest(vec![listed("a", "0"), listed("b", "1"), listed("d", "2")]);
        let with = |images: &[Listed]| Manifest(images.to_vec());
        let [a, b, d] = [&was.0[0], &was.0[1], &was.0[2]].map(Clone::clone);
        assert_eq!(was.first_difference(&was), None);
        let said = |now: &[Listed]| was.first_difference(&with(now)).unwrap();
        assert!(said(&[a.clone(), listed("b", "9"), d.clone()]).contains("image b has another content"));
        assert_eq!(said(&[a.clone(), d.clone()]), "image b is missing");
        assert_eq!(said(&[a.clone(), b.clone(), listed("c", "3"), d]), "image c is new");
        assert_eq!(said(&[a, b]), "image d is missing");
    }
}
