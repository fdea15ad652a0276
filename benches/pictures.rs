//! How fast a picture of 2,000 x 1,600 is made ready for the screen, on one core. `cargo bench --bench pictures`

#![allow(clippy::print_stdout, reason = "a measurement for the one who runs it")]

use std::hint::black_box;
use std::time::Instant;

use xray_tui::dataset::GreyImage;
use xray_tui::picture::{ColourMap, HeatMap, Look, Part, Picture, clahe, fit, overlay};

const SIZE: (usize, usize) = (2000, 1600);
const TIMES: usize = 21;

fn main() {
    // `cargo test --benches` is no place to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let (grey, heat) = (grey(), HeatMap { width: 7, height: 7, values: vec![0.5; 49] });
    let (coloured, look) = (Picture::from(&grey), Look { window: 180, gamma: 1.2, ..Look::default() });
    print("look", || look.apply(&grey));
    print("equalised", || clahe::equalised(&grey));
    print("equalised, then look", || Look { equalised: true, ..look }.apply(&grey));
    print("a quarter cut", || Part::new(2.0, (0.4, 0.4)).cut(&grey));
    print("grey fitted to 800 x 600", || fit::grey(&grey, 800, 600));
    print("colours fitted to 800 x 600", || coloured.fitted(800, 600));
    print("heat map enlarged", || heat.resized(SIZE.0, SIZE.1));
    print("heat map over it", || overlay(&grey, &heat, 0.6, ColourMap::Inferno));
}

/// A dark margin, then a slope with grain.
fn grey() -> GreyImage {
    let mut grain = 1_u32;
    let level = |place: usize| {
        grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (x, y) = (place % SIZE.0, place / SIZE.0);
        let slope = u8::try_from(x * 160 / SIZE.0 + y * 64 / SIZE.1).unwrap_or(u8::MAX);
        if x < SIZE.0 / 6 { 0 } else { slope + (grain >> 27).to_le_bytes()[0] }
    };
    GreyImage { width: SIZE.0, height: SIZE.1, pixels: (0..SIZE.0 * SIZE.1).map(level).collect() }
}

fn print<T>(what: &str, made: impl Fn() -> T) {
    let mut times: Vec<f64> = (0..TIMES)
        .map(|_| {
            let start = Instant::now();
            black_box(made());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{what:30} median {:5.1} ms, best {:5.1} ms", times[TIMES / 2], times[0]);
}
