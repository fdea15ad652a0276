//! The words that settings are chosen by, the same in the file, the environment and on the command line.

use crate::words::words;

words! {
    /// The instruction set of the kernels.
    Isa {
        /// The best that this processor has.
        #[default] Auto = "auto",
        Avx512 = "avx512",
        Avx2 = "avx2",
        Portable = "portable",
    }
}

words! {
    /// The colours of the screen.
    Theme {
        /// By the terminal's background.
        #[default] Auto = "auto",
        Dark = "dark",
        Light = "light",
        /// On dark, told apart by all kinds of colour vision.
        ColourBlind = "colour-blind",
        ColourBlindLight = "colour-blind-light",
    }
}

words! {
    /// How many colours the terminal gets.
    Colours {
        /// By `NO_COLOR`, `COLORTERM` and `TERM`.
        #[default] Auto = "auto",
        None = "none",
        Sixteen = "16",
        Indexed = "256",
        True = "true",
    }
}

words! {
    /// Whether the screen is drawn in ASCII alone.
    Ascii {
        /// Where the locale is not UTF-8.
        #[default] Auto = "auto",
        On = "on",
        Off = "off",
    }
}

words! {
    /// How the end of a run is told to whoever looks elsewhere.
    Notify {
        /// As the terminal can.
        #[default] Auto = "auto",
        Bell = "bell",
        Off = "off",
    }
}

words! {
    /// Whether pictures are shown in real pixels.
    Graphics {
        /// Where the terminal confirms that it can.
        #[default] Auto = "auto",
        Off = "off",
    }
}

words! {
    /// What the cells of a picture show where there are no real pixels.
    Cells {
        /// The finest that the terminal is known to draw without gaps.
        #[default] Auto = "auto",
        Half = "half",
        Quadrants = "quadrants",
        Sextants = "sextants",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_means_itself() {
        for name in Theme::NAMES {
            assert_eq!(name.parse::<Theme>().unwrap().name(), *name);
        }
        assert_eq!(Theme::NAMES[0], Theme::default().name());
        assert_eq!("17".parse::<Colours>().unwrap_err(), "`17` is none of auto, none, 16, 256, true");
    }
}
