//! What a card's figures do not say.

use super::card::{Block, Section};
use super::material::Material;

pub fn section(material: &Material) -> Section {
    let mut said = vec![format!("{}. No figure here says what the network does to a patient.", super::card::WARNING)];
    said.push(if material.run.started.synthetic {
        "The images are computed, so the figures say that the program works and nothing about chest X-rays.".into()
    } else {
        "If these are the images of Kermany et al. 2018 (doi:10.17632/rscbjbr9sj), they are of children aged 1 to 5 of one \
         hospital, the Guangzhou Women and Children's Medical Center: nothing is known about adults, other hospitals or \
         other machines."
            .into()
    });
    said.extend(ALWAYS.map(str::to_owned));
    Section { title: "Limits", blocks: vec![Block::List(said)] }
}

const ALWAYS: [&str; 6] = [
    "Labels are those of the folders that the files lie in, and were not checked. Each image has one: PNEUMONIA or NORMAL. \
     Whoever is ill with something else is called one of the two all the same.",
    "The network was not evaluated on images from elsewhere. Validation images look like training images; test images of \
     the public set look different from both.",
    "The folder val is not used as the validation set: it is put together with train before patients are drawn.",
    "Who a patient is, is read off file names; a file whose name tells no patient counts as a patient of its own.",
    "Intervals hold 95 %. Wilson's and DeLong's take each image as independent, although images of one patient are alike; \
     the bootstrap draws patients. None of them accounts for the choice of data, seed or settings.",
    "PPV and NPV hold for this mix of classes alone. The more often the test images were looked at, the less the best \
     figures on them are worth.",
];
