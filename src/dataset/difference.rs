//! How the images that two runs have seen differ.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Split;

/// One image of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Path below the data set's root.
    pub file: String,
    /// Of the file's content.
    pub md5: String,
    pub patient: String,
    pub split: Split,
}

/// What two runs, A and B, have seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Their data folders have the same id, whatever was drawn from them.
    pub same_data: bool,
    /// Every image is in the same split.
    pub same_splits: bool,
    /// `None` where a run has no list of its images.
    pub images: Option<Images>,
}

/// The images that are not the same in both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Images {
    pub only_a: Vec<String>,
    pub only_b: Vec<String>,
    /// In both, with another content.
    pub changed: Vec<String>,
    /// Patients with the same images in another split.
    pub moved: Vec<Moved>,
}

/// A patient whose images are used for something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    pub patient: String,
    pub a: Split,
    pub b: Split,
    pub images: usize,
}

impl Images {
    /// Of two lists, each with a file once.
    #[must_use]
    pub fn between(a: &[Listed], b: &[Listed]) -> Self {
        let of_b: BTreeMap<&str, &Listed> = b.iter().map(|image| (image.file.as_str(), image)).collect();
        let of_a: BTreeMap<&str, &Listed> = a.iter().map(|image| (image.file.as_str(), image)).collect();
        let mut found = Self::default();
        let mut moved: BTreeMap<(&str, Split, Split), usize> = BTreeMap::new();
        for (file, was) in &of_a {
            match of_b.get(file) {
                None => found.only_a.push((*file).to_owned()),
                Some(is) => {
                    found.changed.extend((is.md5 != was.md5).then(|| (*file).to_owned()));
                    if is.split != was.split {
                        *moved.entry((was.patient.as_str(), was.split, is.split)).or_default() += 1;
                    }
                }
            }
        }
        found.only_b = of_b.keys().filter(|file| !of_a.contains_key(*file)).map(|file| (*file).to_owned()).collect();
        found.moved = moved
            .into_iter()
            .map(|((patient, a, b), images)| Moved { patient: patient.to_owned(), a, b, images })
            .collect();
        found
    }

    #[must_use]
    pub const fn are_the_same(&self) -> bool {
        self.only_a.is_empty() && self.only_b.is_empty() && self.changed.is_empty() && self.moved.is_empty()
    }

    /// Every image or patient that is not the same, with what is otherwise with it.
    #[must_use]
    pub fn lines(&self, [a, b]: [&str; 2]) -> Vec<String> {
        let each =
            |files: &[String], what: &str| files.iter().map(|file| format!("{what}: {file}")).collect::<Vec<_>>();
        let only = |name: &str| format!("only in {name}");
        let mut lines = each(&self.changed, "changed");
        lines.extend(each(&self.only_a, &only(a)));
        lines.extend(each(&self.only_b, &only(b)));
        lines.extend(self.moved.iter().map(|Moved { patient, a, b, images }| {
            let plural = if *images == 1 { "" } else { "s" };
            format!("moved: {patient}, {images} image{plural} from {} to {}", a.name(), b.name())
        }));
        lines
    }
}

impl Difference {
    /// Whether both have seen the same, as far as is known.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.same_data && self.same_splits && self.images.as_ref().is_none_or(Images::are_the_same)
    }

    /// In a few words; A and B by their names.
    #[must_use]
    pub fn summary(&self, [a, b]: [&str; 2]) -> String {
        let data = if self.same_data { "same data" } else { "data differ" };
        let Some(images) = &self.images else {
            let splits = if self.same_splits { "same splits" } else { "other splits" };
            let unknown = if self.same_data { "" } else { ": which files is not known, as a run kept no list" };
            return format!("{data}, {splits}{unknown}");
        };
        let parts = [
            (images.only_a.len(), format!("only in {a}")),
            (images.only_b.len(), format!("only in {b}")),
            (images.changed.len(), "changed".to_owned()),
            (images.moved.iter().map(|moved| moved.images).sum(), format!("in another split ({})", self.patients())),
        ];
        let parts: Vec<String> =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        match (parts.is_empty(), self.same_data) {
            (true, true) => "same data, same splits".into(),
            (true, false) => "data differ, but in none of the images that they used".into(),
            (false, _) => format!("{data}: images {}", parts.join(", ")),
        }
    }

    fn patients(&self) -> String {
        let moved = self.images.iter().flat_map(|images| &images.moved);
        let mut names: Vec<&str> = moved.map(|moved| moved.patient.as_str()).collect();
        names.dedup();
        match names.len() {
            1 => "1 patient".into(),
            count => format!("{count} patients"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn listed(file: &str, md5: &str, split: Split) -> Listed {
        Listed { file: file.into(), md5: md5.into(), patient: format!("p{}", &file[..1]), split }
    }

    fn difference(a: &[Listed], b: &[Listed], same_data: bool) -> Difference {
        let images = Images::between(a, b);
        Difference { same_data, same_splits: images.moved.is_empty(), images: Some(images) }
    }

    #[test]
    fn files_that_are_in_one_alone_or_changed_are_told() {
        let (train, test) = (Split::Train, Split::Test);
        let a = [listed("a", "0", train), listed("b", "1", train), listed("c", "2", test), listed("e", "4", test)];
        let b = [listed("a", "0", train), listed("b", "9", train), listed("d", "3", test), listed("e", "4", test)];
        let found = difference(&a, &b, false);
        assert_eq!(found.summary(["one", "two"]), "data differ: images 1 only in one, 1 only in two, 1 changed");
        let lines = found.images.unwrap().lines(["one", "two"]);
        assert_eq!(lines, ["changed: b", "only in one: c", "only in two: d"]);
    }

    #[test]
    fn patients_in_another_split_are_told_apart_from_other_data() {
        let (train, validation) = (Split::Train, Split::Validation);
        let a = [listed("a1", "0", train), listed("a2", "1", train), listed("b", "2", validation)];
        let b = [listed("a1", "0", validation), listed("a2", "1", validation), listed("b", "2", train)];
        let found = difference(&a, &b, true);
        assert_eq!(found.summary(["x", "y"]), "same data: images 3 in another split (2 patients)");
        assert_eq!(
            found.images.unwrap().lines(["x", "y"]),
            ["moved: pa, 2 images from train to validation", "moved: pb, 1 image from validation to train"]
        );
    }

    #[test]
    fn the_same_is_said_and_so_is_what_is_not_known() {
        let a = [listed("a", "0", Split::Train)];
        assert_eq!(difference(&a, &a, true).summary(["x", "y"]), "same data, same splits");
        assert!(difference(&a, &a, false).summary(["x", "y"]).contains("none of the images"));
        let unknown = Difference { same_data: false, same_splits: true, images: None };
        assert!(unknown.summary(["x", "y"]).contains("which files is not known"));
    }

    proptest! {
        #[test]
        fn from_the_other_side_it_is_the_mirror_image(
            a in prop::collection::btree_map("[a-f]{1,2}", ("[0-2]", 0..3_usize), 0..9),
            b in prop::collection::btree_map("[a-f]{1,2}", ("[0-2]", 0..3_usize), 0..9),
        ) {
            let list = |of: &BTreeMap<String, (String, usize)>| {
                of.iter().map(|(file, (md5, split))| listed(file, md5, Split::ALL[*split])).collect::<Vec<_>>()
            };
            let (a, b) = (list(&a), list(&b));
            let (there, back) = (Images::between(&a, &b), Images::between(&b, &a));
            prop_assert_eq!(&there.only_a, &back.only_b);
            prop_assert_eq!(&there.only_b, &back.only_a);
            prop_assert_eq!(&there.changed, &back.changed);
            prop_assert_eq!(there.moved.len(), back.moved.len());
            prop_assert_eq!(there.are_the_same(), a == b);
        }
    }
}
