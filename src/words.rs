//! Settings that are one of a few words: the same word in files, in the store, on the command line and on screen.

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$attribute:meta])* $word:ident = $text:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$attribute])* #[serde(rename = $text)] $word),+
        }

        impl $name {
            /// All that can be said, the default first.
            pub const NAMES: &[&'static str] = &[$($text),+];

            /// The word for it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$word => $text),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$word),)+
                    _ => Err(format!("`{text}` is none of {}", Self::NAMES.join(", "))),
                }
            }
        }
    };
}

pub(crate) use words;
