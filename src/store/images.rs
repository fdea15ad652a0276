//! What its user says of an image: its label looks wrong, it is of poor quality, a favourite, a note.

use rusqlite::{Row, params};

use super::{Store, now};
use crate::error::Result;

/// What is said of one image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageMark {
    pub wrong_label: bool,
    pub poor_quality: bool,
    pub favourite: bool,
    pub note: Option<String>,
}

impl ImageMark {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A mark with the image that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedImage {
    /// Path below the data set's root.
    pub file: String,
    /// Of the file's bytes, as 32 hexadecimal digits: an image that was put in its place is not marked.
    pub md5: String,
    pub mark: ImageMark,
    /// RFC 3339, UTC.
    pub at: String,
}

impl Store {
    /// Keeps what is said of an image, in place of what was said before; an empty mark takes it back.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn mark_image(&self, (file, md5): (&str, &str), mark: &ImageMark) -> Result<()> {
        if mark.is_empty() {
            return self.change("DELETE FROM image_marks WHERE file = ?1 AND md5 = ?2", params![file, md5]);
        }
        let sql = "INSERT OR REPLACE INTO image_marks (file, md5, wrong_label, poor_quality, favourite, note, at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let values = params![file, md5, mark.wrong_label, mark.poor_quality, mark.favourite, mark.note, now()];
        self.change(sql, values)
    }

    /// All marked images, by their paths.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn marked_images(&self) -> Result<Vec<MarkedImage>> {
        self.read("SELECT * FROM image_marks ORDER BY file, md5", [], marked_image)
    }
}

fn marked_image(row: &Row) -> rusqlite::Result<MarkedImage> {
    let mark = ImageMark {
        wrong_label: row.get("wrong_label")?,
        poor_quality: row.get("poor_quality")?,
        favourite: row.get("favourite")?,
        note: row.get("note")?,
    };
    Ok(MarkedImage { file: row.get("file")?, md5: row.get("md5")?, mark, at: row.get("at")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_an_image_is_kept_and_taken_back_and_another_image_in_its_place_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        let image = ("train/NORMAL/a.jpeg", "0123");
        let mark = ImageMark { wrong_label: true, note: Some("looks ill".into()), ..ImageMark::default() };
        store.mark_image(image, &ImageMark { favourite: true, ..ImageMark::default() }).unwrap();
        store.mark_image(image, &mark).unwrap();
        let marked = store.marked_images().unwrap();
        assert_eq!(marked.len(), 1);
        assert_eq!((marked[0].md5.as_str(), &marked[0].mark), ("0123", &mark));
        store.mark_image((image.0, "4567"), &ImageMark::default()).unwrap();
        assert_eq!(store.marked_images().unwrap().len(), 1, "another image's is another mark");
        store.mark_image(image, &ImageMark::default()).unwrap();
        assert_eq!(store.marked_images().unwrap(), []);
    }
}
