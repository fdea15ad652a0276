//! Test images that were called wrong, the surest first, with their pictures.

use std::io;
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::card::{self, Block, Picture, Section};
use super::material::{Material, Scored};
use crate::dataset::hash::md5_hex;
use crate::dataset::{Class, GreyImage, format, resize};
use crate::metrics::{OperatingPoint, margin, probability};
use crate::session::manifest::Manifest;
use crate::store::{Answer, Run};
use crate::units::count;

/// Mistakes that are shown.
const MOST: usize = 12;

/// Pixels of a picture's longer side, about.
const LONG_SIDE: usize = 256;

pub fn section(material: &Material) -> Section {
    let test = &material.test;
    let wrong = test.figures.as_ref().map_or(0, |figures| figures.confusion.fp + figures.confusion.fn_);
    let mut blocks = Vec::new();
    if material.run.folds().is_some() {
        blocks.push(Block::Text(card::SEE_PARTS.into()));
    } else if material.test.is_empty() {
        blocks.push(Block::Text("There are no answers for test images.".into()));
    } else if material.mistakes.is_empty() {
        blocks.push(Block::Text(format!("All {} test images were called right.", count(test.answers.len()))));
    } else {
        blocks.push(Block::Text(format!(
            "Of {} test images, {} called wrong. Here are at most {MOST}, those farthest on the wrong side of the threshold \
             first.",
            count(test.answers.len()),
            if wrong == 1 { "1 is".into() } else { format!("{} are", super::summary::whole(wrong)) },
        )));
        if material.data_is_gone {
            blocks.push(Block::Text("The run's data folder is not there any more, so there are no pictures.".into()));
            blocks.push(Block::Table(card::listed(&material.mistakes)));
        } else {
            blocks.push(Block::Pictures(material.mistakes.clone()));
        }
    }
    Section { title: "Worst mistakes", blocks }
}

/// The worst mistakes with what the data folder still has of them.
pub fn find(run: &Run, (test, point): (&Scored, &OperatingPoint), manifest: Option<&Manifest>) -> Vec<Picture> {
    let threshold = point.threshold.margin;
    let is_ill = |answer: &Answer| answer.truth == Class::Pneumonia;
    let mut wrong: Vec<(f64, &Answer)> = test
        .answers
        .iter()
        .map(|answer| (margin(answer.logits) - threshold, answer))
        .filter(|(above, answer)| (*above > 0.0) != is_ill(answer))
        .collect();
    wrong.sort_by(|(a, _), (b, _)| b.abs().total_cmp(&a.abs()));
    let picture = |(above, answer): &(f64, &Answer)| {
        let probability = probability(answer.logits);
        Picture {
            file: answer.file.clone(),
            truth: answer.truth.name(),
            called: if *above > 0.0 { Class::Pneumonia.name() } else { Class::Normal.name() },
            probability: probability.is_finite().then_some(probability),
            png: read(&run.started.data.join(&answer.file), md5_of(&answer.file, manifest)),
        }
    };
    wrong.iter().take(MOST).map(picture).collect()
}

fn md5_of<'a>(file: &str, manifest: Option<&'a Manifest>) -> Option<&'a str> {
    manifest?.0.iter().find(|image| image.file == file).map(|image| image.md5.as_str())
}

/// The file as a small PNG, where it still has the content that was answered.
fn read(path: &Path, md5: Option<&str>) -> Result<Vec<u8>, &'static str> {
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "the file is gone",
        _ => "the file cannot be read",
    })?;
    if md5.is_some_and(|md5| md5 != md5_hex(&bytes)) {
        return Err("the file has another content now");
    }
    let decoded = format::decode(&bytes).map_err(|_| "the file cannot be decoded")?;
    png(&small(&decoded.grey)).ok_or("the picture cannot be written")
}

fn small(picture: &GreyImage) -> GreyImage {
    let (long, short) = (picture.width.max(picture.height), picture.width.min(picture.height));
    let at_most = if long > LONG_SIDE { (short * LONG_SIDE / long).max(1) } else { short };
    resize::to_short_side(picture, at_most)
}

fn png(picture: &GreyImage) -> Option<Vec<u8>> {
    let [width, height] = [picture.width, picture.height].map(u32::try_from);
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new(&mut bytes);
    encoder.write_image(&picture.pixels, width.ok()?, height.ok()?, ExtendedColorType::L8).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_made_to_fit_and_comes_back_from_its_png() {
        for (width, height, fits) in [(1000, 500, (256, 128)), (90, 300, (76, 253)), (40, 30, (40, 30))] {
            let picture = small(&GreyImage { width, height, pixels: vec![7; width * height] });
            assert_eq!((picture.width, picture.height), fits);
            let back = format::decode(&png(&picture).unwrap()).unwrap().grey;
            assert_eq!(back, picture);
        }
    }

    #[test]
    fn a_picture_that_is_not_there_or_another_has_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        assert_eq!(read(&path, None), Err("the file is gone"));
        std::fs::write(&path, "no picture").unwrap();
        assert_eq!(read(&path, None), Err("the file cannot be decoded"));
        assert_eq!(read(&path, Some("00")), Err("the file has another content now"));
        assert_eq!(read(folder.path(), None), Err("the file cannot be read"));
    }
}
