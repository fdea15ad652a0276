//! Changes of a picture's greys, 0 black to 255 white, wherever they lie.

/// Multiplies by `factor`.
pub fn adjust_brightness(grey: &mut [f32], factor: f32) {
    for value in grey {
        *value = (*value * factor).clamp(0.0, 255.0);
    }
}

/// `mean + factor * (value - mean)`, written so that a factor of 1 changes nothing, not even by a rounding.
pub fn adjust_contrast(grey: &mut [f32], factor: f32) {
    let mean = mean(grey);
    for value in grey {
        *value = (*value + (factor - 1.0) * (*value - mean)).clamp(0.0, 255.0);
    }
}

/// Raises values to the power `exponent`, white being 1: more than 1 darkens. Black and white stay, and 1 changes nothing.
pub fn adjust_gamma(grey: &mut [f32], exponent: f32) {
    // Within a rounding of 1 is 1: the division and the multiplication would not leave every value as it is.
    if (exponent - 1.0).abs() <= f32::EPSILON {
        return;
    }
    // The standard library's power may have other last bits on another processor.
    for value in grey {
        *value = libm::powf(*value / 255.0, exponent) * 255.0;
    }
}

/// The mean grey, 0 of none.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a mean of greys")]
pub fn mean(grey: &[f32]) -> f32 {
    let sum: f64 = grey.iter().copied().map(f64::from).sum();
    (sum / grey.len().max(1) as f64) as f32
}

/// The nearest level, halves away from zero.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
pub fn to_byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
