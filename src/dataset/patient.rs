//! Who an image shows, as far as its file name tells.

use super::Class;

/// What an image shows, by file name and folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Normal,
    Bacterial,
    Viral,
    Unknown,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Normal, Self::Bacterial, Self::Viral, Self::Unknown];

    /// The key in `data stats` and the label on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Bacterial => "bacterial",
            Self::Viral => "viral",
            Self::Unknown => "unknown",
        }
    }
}

/// Whom an image shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Patient {
    /// `person12_virus`, `IM-0115`, `NORMAL2-IM-0115`, or the path without its extension where the name tells no patient.
    pub id: String,
    /// The `12` of `person12_virus`: equal numbers are kept in one split.
    pub number: Option<u32>,
    pub kind: Kind,
    /// Whether the name tells a patient.
    pub known: bool,
}

impl Patient {
    /// Equal person numbers may be one child, as far as names can tell: they share a group.
    #[must_use]
    pub fn group(&self) -> String {
        self.number.map_or_else(|| self.id.clone(), |number| format!("person{number}"))
    }
}

/// Reads the patient off a file's name or path; folders, the extension and the case of letters don't matter.
///
/// A name of another form is a patient of its own, one for each folder that has it.
#[must_use]
pub fn parse(file: &str, class: Class) -> Patient {
    let path = without_extension(file);
    let stem = path.rsplit('/').next().unwrap_or(path);
    person(stem, class).or_else(|| radiograph(stem, class)).unwrap_or_else(|| Patient {
        id: path.to_owned(),
        number: None,
        kind: kind_of(class, Kind::Unknown),
        known: false,
    })
}

/// `person<N>_<bacteria|virus>`, and whatever follows.
fn person(stem: &str, class: Class) -> Option<Patient> {
    let (digits, rest) = number(strip(stem, "person")?)?;
    let number: u32 = digits.parse().ok()?;
    let rest = rest.strip_prefix('_')?;
    let (name, kind, rest) = strip(rest, "bacteria")
        .map(|rest| ("bacteria", Kind::Bacterial, rest))
        .or_else(|| strip(rest, "virus").map(|rest| ("virus", Kind::Viral, rest)))?;
    ends(rest).then(|| Patient {
        id: format!("person{number}_{name}"),
        number: Some(number),
        kind: kind_of(class, kind),
        known: true,
    })
}

/// `IM-<N>` or `NORMAL2-IM-<N>`, and whatever follows. The two series number their patients apart.
fn radiograph(stem: &str, class: Class) -> Option<Patient> {
    let (series, rest) = strip(stem, "NORMAL2-").map_or(("", stem), |rest| ("NORMAL2-", rest));
    let (digits, rest) = number(strip(rest, "IM-")?)?;
    ends(rest).then(|| Patient {
        id: format!("{series}IM-{digits}"),
        number: None,
        kind: kind_of(class, Kind::Unknown),
        known: true,
    })
}

/// The folder decides the label, so that a healthy child is never counted as ill.
const fn kind_of(class: Class, by_name: Kind) -> Kind {
    match class {
        Class::Normal => Kind::Normal,
        Class::Pneumonia => by_name,
    }
}

/// `text` without `prefix`, in any case.
fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The digits at the beginning, at least one, and what follows them.
fn number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(digits, _)| !digits.is_empty())
}

fn ends(rest: &str) -> bool {
    !rest.starts_with(char::is_alphanumeric)
}

fn without_extension(file: &str) -> &str {
    file.rsplit_once('.')
        .filter(|(_, extension)| super::scan::is_image_extension(extension))
        .map_or(file, |(path, _)| path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(files: &[&str], class: Class) -> Vec<String> {
        files.iter().map(|file| parse(file, class).id).collect()
    }

    #[test]
    fn every_form_of_the_published_names_tells_its_patient() {
        let healthy = ["IM-0115-0001", "IM-0122-0001-0002.jpeg", "test/NORMAL/NORMAL2-IM-1234-0001.jpeg"];
        assert_eq!(ids(&healthy, Class::Normal), ["IM-0115", "IM-0122", "NORMAL2-IM-1234"]);
        let ill = ["person1000_bacteria_2931", "train/PNEUMONIA/person447_virus_921_1.jpeg", "person1_virus_6 (1).JPG"];
        assert_eq!(ids(&ill, Class::Pneumonia), ["person1000_bacteria", "person447_virus", "person1_virus"]);
        assert!(healthy.iter().all(|file| parse(file, Class::Normal).known));
        assert!(ill.iter().all(|file| parse(file, Class::Pneumonia).known));
    }

    #[test]
    fn bacteria_and_virus_of_one_number_are_two_patients_with_the_same_number() {
        let (bacteria, virus) =
            (parse("person100_bacteria_475", Class::Pneumonia), parse("person100_virus_184", Class::Pneumonia));
        assert_ne!(bacteria.id, virus.id);
        assert_eq!((bacteria.number, virus.number), (Some(100), Some(100)));
        assert_eq!((bacteria.kind, virus.kind), (Kind::Bacterial, Kind::Viral));
    }

    #[test]
    fn the_two_series_of_healthy_children_are_numbered_apart() {
        assert_ne!(parse("IM-0115-0001", Class::Normal).id, parse("NORMAL2-IM-0115-0001", Class::Normal).id);
    }

    #[test]
    fn another_name_is_its_own_patient_in_each_folder() {
        let files = ["train/NORMAL/a.jpeg", "train/PNEUMONIA/a.jpeg", "test/NORMAL/a.jpeg", "train/NORMAL/b.v2.png"];
        assert_eq!(
            ids(&files, Class::Normal),
            ["train/NORMAL/a", "train/PNEUMONIA/a", "test/NORMAL/a", "train/NORMAL/b.v2"]
        );
        assert!(files.iter().all(|file| !parse(file, Class::Normal).known));
    }

    #[test]
    fn names_that_only_begin_like_a_patient_are_unknown() {
        for file in [
            "person_virus_1",
            "person12_viruses_1",
            "person12",
            "person12virus",
            "IM-",
            "IM-12a",
            "person99999999999_virus_1",
        ] {
            assert!(!parse(file, Class::Pneumonia).known, "{file}");
        }
    }

    #[test]
    fn the_folder_decides_whether_a_child_is_healthy() {
        assert_eq!(parse("person1_virus_6", Class::Normal).kind, Kind::Normal);
        assert_eq!(parse("IM-0115-0001", Class::Pneumonia).kind, Kind::Unknown);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(file in "\\PC{0,40}", normal: bool) {
            let class = if normal { Class::Normal } else { Class::Pneumonia };
            let patient = parse(&file, class);
            prop_assert!(patient.known || file.starts_with(&patient.id));
        }

        #[test]
        fn images_of_one_person_have_one_patient(n in 0u32.., a in 0u32..9999, b in 0u32..9999) {
            let of = |k: u32| parse(&format!("train/PNEUMONIA/person{n}_virus_{k}.jpeg"), Class::Pneumonia);
            prop_assert_eq!(of(a), of(b));
        }
    }
}
