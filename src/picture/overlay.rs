//! A heat map in colours over the grey picture.

use std::borrow::Cow;

use super::{ColourMap, HeatMap, Picture, rounded};
use crate::dataset::GreyImage;

/// `grey` with `heat` over it: each pixel moves from its grey towards the colour of its heat by the share `strength * heat`,
/// so that it stays as it is where there is none. `strength` is 0 to 1; a map of another size is resized first.
///
/// Rounded to the nearest level, a half to the even one. What is no number, or below 0, counts as 0, what is above 1 as 1.
#[must_use]
pub fn overlay(grey: &GreyImage, heat: &HeatMap, strength: f32, colours: ColourMap) -> Picture {
    let same = (heat.width, heat.height) == (grey.width, grey.height);
    let heat = if same { Cow::Borrowed(heat) } else { Cow::Owned(heat.resized(grey.width, grey.height)) };
    let (table, strength) = (colours.table().map(|colour| colour.map(f32::from)), share(strength));
    let pixels = grey.pixels.iter().zip(&heat.values).map(|(&level, &heat)| {
        let (level, heat) = (f32::from(level), share(heat));
        let alpha = strength * heat;
        table[usize::from(rounded(heat * 255.0))].map(|colour| rounded(level + alpha * (colour - level)))
    });
    Picture { width: grey.width, height: grey.height, pixels: pixels.collect() }
}

fn share(value: f32) -> f32 {
    if value > 0.0 { value.min(1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    fn map(width: usize, values: &[f32]) -> HeatMap {
        HeatMap { width, height: values.len() / width, values: values.to_vec() }
    }

    #[test]
    fn where_there_is_no_heat_the_grey_stays() {
        let grey = synthetic::picture("noise", 16, 16);
        for colours in ColourMap::ALL {
            assert_eq!(overlay(&grey, &map(1, &[0.0]), 1.0, colours), Picture::from(&grey));
            assert_eq!(overlay(&grey, &map(1, &[1.0]), 0.0, colours), Picture::from(&grey));
        }
    }

    #[test]
    fn full_heat_at_full_strength_is_the_colour_alone() {
        let grey = synthetic::picture("noise", 16, 16);
        let shown = overlay(&grey, &map(1, &[1.0]), 1.0, ColourMap::Viridis);
        assert!(shown.pixels.iter().all(|&pixel| pixel == ColourMap::Viridis.table()[255]));
    }

    #[test]
    fn half_heat_is_half_way_to_its_colour_at_full_strength() {
        let grey = GreyImage { width: 3, height: 1, pixels: vec![0, 100, 255] };
        let shown = overlay(&grey, &map(3, &[0.5, 0.5, 0.5]), 1.0, ColourMap::Grey);
        // The colour is level 128; 191.5 goes to the even 192.
        assert_eq!(shown.pixels, [[64; 3], [114; 3], [192; 3]]);
    }

    #[test]
    fn a_coarse_map_is_spread_over_the_picture() {
        let grey = synthetic::picture("chest", 40, 30);
        let coarse = map(2, &[0.0, 0.25, 0.5, 1.0]);
        let fine = coarse.resized(40, 30);
        let [a, b] = [&coarse, &fine].map(|heat| overlay(&grey, heat, 0.6, ColourMap::Turbo));
        assert_eq!(a, b);
    }

    #[test]
    fn what_is_no_share_counts_as_the_nearest() {
        let grey = GreyImage { width: 4, height: 1, pixels: vec![50; 4] };
        let wild = overlay(&grey, &map(4, &[f32::NAN, -1.0, 2.0, f32::INFINITY]), 7.0, ColourMap::Inferno);
        assert_eq!(wild, overlay(&grey, &map(4, &[0.0, 0.0, 1.0, 1.0]), 1.0, ColourMap::Inferno));
    }
}
