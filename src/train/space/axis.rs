//! One setting and the values that it may take: `learning_rate = 1e-3, 3e-4`, `rotation = 0..20`, `seed = 1..5`.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::train::setting::{self, Kind};

/// Whole numbers that a range may stand for, one by one.
const MOST_VALUES: usize = 10_000;

/// Whole numbers up to it have a float of their own: 2^53.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// How values lie in a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    Linear,
    /// Each power of ten is as likely as any other.
    Log,
}

/// What a setting may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Values {
    /// These, as JSON has them.
    List(Vec<Value>),
    /// From `low` to `high`, both included.
    Range { low: f64, high: f64, scale: Scale },
}

/// One setting of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// As [`setting::NAMES`] has it.
    pub setting: String,
    pub values: Values,
}

/// A word of a text and the letter that it begins at, counted from 1.
#[derive(Clone, Copy)]
struct Word<'a> {
    whole: &'a str,
    text: &'a str,
}

impl<'a> Word<'a> {
    /// A part of the same text, without spaces around it.
    fn part(self, text: &'a str) -> Self {
        Self { text: text.trim(), ..self }
    }

    /// What is wrong with it, and where it stands.
    fn wrong(self, problem: &str) -> String {
        let bytes = self.text.as_ptr().addr().saturating_sub(self.whole.as_ptr().addr());
        let letter = self.whole.get(..bytes).map_or(0, |before| before.chars().count()) + 1;
        format!("{:?} at letter {letter} of {:?} {problem}", self.text, self.whole)
    }
}

impl Axis {
    /// Reads `SETTING = VALUE, VALUE, …` or `SETTING = LOW..HIGH`, which `log` or `linear` may follow. Without either a
    /// learning rate's range is `log`, any other `linear`.
    ///
    /// # Errors
    /// Where the text is wrong, and what is allowed there.
    pub fn parse(text: &str) -> Result<Self, String> {
        let whole = Word { whole: text, text: text.trim() };
        let shape = "has no values: write SETTING=VALUE,VALUE or SETTING=LOW..HIGH";
        let (name, values) = text.split_once('=').ok_or_else(|| whole.wrong(shape))?;
        let name = whole.part(name);
        let setting = setting::resolve(name.text).map_err(|problem| name.wrong(&problem))?;
        let values = self::values(&setting, whole.part(values))?;
        Ok(Self { setting, values })
    }

    /// The values of `setting` as [`Axis::parse`] reads them behind the `=`.
    ///
    /// # Errors
    /// As [`Axis::parse`].
    pub fn of(setting: &str, values: &str) -> Result<Self, String> {
        let setting = setting::resolve(setting).map_err(|problem| format!("{setting:?} {problem}"))?;
        let values = self::values(&setting, Word { whole: values, text: values.trim() })?;
        Ok(Self { setting, values })
    }

    /// Every value, one by one.
    ///
    /// # Errors
    /// For a range of anything but whole numbers, or of too many.
    pub fn each(&self) -> Result<Vec<Value>, String> {
        let name = &self.setting;
        match &self.values {
            Values::List(values) => Ok(values.clone()),
            Values::Range { low, high, .. } if setting::kind(name) == Kind::Whole => {
                let values: Vec<u64> = (whole(*low)..=whole(*high)).take(MOST_VALUES + 1).collect();
                if values.len() > MOST_VALUES {
                    return Err(format!("{name}: a range stands for at most {MOST_VALUES} values"));
                }
                Ok(values.into_iter().map(|value| json!(value)).collect())
            }
            Values::Range { .. } => {
                Err(format!("{name}: a grid takes no range of numbers: list its values, or draw with --random N"))
            }
        }
    }

    /// A value by chance.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> Value {
        match &self.values {
            Values::List(values) => values.get(rng.random_range(0..values.len().max(1))).cloned().unwrap_or_default(),
            Values::Range { low, high, scale } => {
                let at: f64 = rng.random();
                let drawn = match scale {
                    Scale::Linear => low + at * (high - low),
                    Scale::Log => (low.ln() + at * (high.ln() - low.ln())).exp(),
                };
                if setting::kind(&self.setting) == Kind::Whole {
                    return json!(whole(drawn.round().clamp(*low, *high)));
                }
                json!(short(drawn).clamp(*low, *high))
            }
        }
    }

    /// The values that decide whether all others are allowed too.
    pub(super) fn ends(&self) -> Vec<Value> {
        match &self.values {
            Values::List(values) => values.clone(),
            Values::Range { low, high, .. } if setting::kind(&self.setting) == Kind::Whole => {
                vec![json!(whole(*low)), json!(whole(*high))]
            }
            Values::Range { low, high, .. } => vec![json!(low), json!(high)],
        }
    }

    /// As it is typed.
    #[must_use]
    pub fn text(&self) -> String {
        let name = &self.setting;
        match &self.values {
            Values::List(values) => {
                format!("{name} = {}", values.iter().map(setting::text).collect::<Vec<_>>().join(", "))
            }
            Values::Range { scale, .. } => {
                let ends: Vec<String> = self.ends().iter().map(setting::text).collect();
                let scale = match scale {
                    Scale::Linear => "linear",
                    Scale::Log => "log",
                };
                format!("{name} = {} {scale}", ends.join(".."))
            }
        }
    }
}

fn values(setting: &str, text: Word) -> Result<Values, String> {
    if text.text.is_empty() {
        return Err(format!("{setting}: has no values in {:?}: write VALUE,VALUE or LOW..HIGH", text.whole));
    }
    let numbers = matches!(setting::kind(setting), Kind::Whole | Kind::Number);
    match text.text.split_once("..") {
        Some((low, high)) if numbers => range(setting, text.part(low), text.part(high)),
        _ => list(setting, text),
    }
}

fn list(setting: &str, text: Word) -> Result<Values, String> {
    let mut found: Vec<Value> = Vec::new();
    for word in text.text.split(',').map(|word| text.part(word)) {
        if word.text.is_empty() {
            return Err(word.wrong("is no value"));
        }
        let value = setting::parse(setting, word.text).map_err(|problem| word.wrong(&problem))?;
        if found.contains(&value) {
            return Err(word.wrong("is there twice"));
        }
        found.push(value);
    }
    Ok(Values::List(found))
}

fn range(setting: &str, low: Word, high: Word) -> Result<Values, String> {
    let (end, scale) = match high.text.rsplit_once(char::is_whitespace) {
        Some((end, "log")) => (high.part(end), Scale::Log),
        Some((end, "linear")) => (high.part(end), Scale::Linear),
        Some((_, word)) => return Err(high.part(word).wrong("is neither log nor linear")),
        None => (high, if setting == "learning_rate" { Scale::Log } else { Scale::Linear }),
    };
    let number = |word: Word| {
        let value = setting::parse(setting, word.text).map_err(|problem| word.wrong(&problem))?;
        value.as_f64().ok_or_else(|| word.wrong("is no number"))
    };
    let (from, to) = (number(low)?, number(end)?);
    if to > LARGEST_WHOLE && setting::kind(setting) == Kind::Whole {
        return Err(end.wrong("is too large for a range: list its values"));
    }
    if from > to {
        return Err(low.wrong("is more than the end of its range: write LOW..HIGH"));
    }
    if scale == Scale::Log && from <= 0.0 {
        return Err(low.wrong("is not above 0, as a log scale needs: say linear behind the range"));
    }
    Ok(Values::Range { low: from, high: to, scale })
}

/// Ends of ranges of whole numbers are whole and at most 2^53.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "parsed as a whole number before")]
const fn whole(number: f64) -> u64 {
    number as u64
}

/// With three digits: more say nothing, and make names that nobody can read.
fn short(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::rand_core::SeedableRng;

    fn parsed(text: &str) -> Values {
        Axis::parse(text).unwrap().values
    }

    #[test]
    fn lists_and_ranges_are_read() {
        assert_eq!(parsed("learning_rate = 1e-3, 3e-4"), Values::List(vec![json!(1e-3), json!(3e-4)]));
        assert_eq!(parsed("flip=on,off"), Values::List(vec![json!(true), json!(false)]));
        assert_eq!(parsed("learning-rate=1e-4..1e-2"), Values::Range { low: 1e-4, high: 1e-2, scale: Scale::Log });
        assert_eq!(parsed("rotation=0..20"), Values::Range { low: 0.0, high: 20.0, scale: Scale::Linear });
        assert_eq!(parsed("batch_size = 8..128 log"), Values::Range { low: 8.0, high: 128.0, scale: Scale::Log });
        assert_eq!(parsed("pretrained=none,../a.pth"), Values::List(vec![Value::Null, json!("../a.pth")]));
        assert_eq!(
            parsed("threshold=half,sensitivity=0.9"),
            Values::List(vec![json!("half"), json!("sensitivity=0.9")])
        );
    }

    #[test]
    fn a_range_of_whole_numbers_is_each_of_them() {
        let seeds = Axis::parse("seed=1..5").unwrap().each().unwrap();
        assert_eq!(seeds, (1..=5).map(|seed| json!(seed)).collect::<Vec<_>>());
        assert!(Axis::parse("rotation=0..20").unwrap().each().unwrap_err().contains("--random N"));
        assert!(Axis::parse("seed=0..100000").unwrap().each().unwrap_err().contains("at most 10000"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_what_is_allowed() {
        let said = |text: &str| Axis::parse(text).unwrap_err();
        assert_eq!(said("learning_rate=1e-3,x"), r#""x" at letter 20 of "learning_rate=1e-3,x" is no number"#);
        assert!(said("speed=1").starts_with(r#""speed" at letter 1 of "speed=1" is no setting: choose of "#));
        assert!(said("epochs").contains("SETTING=LOW..HIGH"));
        assert!(said("epochs=").contains("has no values"));
        assert!(said("epochs=1,1").contains("is there twice"));
        assert!(said("pretrained=a.pth,,b.pth").contains("at letter 18"));
        assert!(said("seed=1..18446744073709551615").contains("too large for a range"));
        assert!(said("rotation=20..0").contains("LOW..HIGH"));
        assert!(said("rotation=0..20 log").contains("above 0"));
        assert!(said("rotation=0..20 cubic").contains("neither log nor linear"));
        assert!(said("seed=1..2.5").contains(r#""2.5" at letter 9"#));
    }

    proptest! {
        #[test]
        fn a_draw_lies_in_its_range(seed in any::<u64>(), low in 1e-6_f64..1.0, width in 0.0_f64..9.0, log in any::<bool>()) {
            let scale = if log { Scale::Log } else { Scale::Linear };
            let values = Values::Range { low, high: low + width, scale };
            let drawn = Axis { setting: "learning_rate".into(), values }.draw(&mut ChaCha8Rng::seed_from_u64(seed));
            prop_assert!((low..=low + width).contains(&drawn.as_f64().unwrap()));
        }

        #[test]
        fn what_is_shown_of_an_axis_is_read_as_the_same(low in 0_u32..1000, more in 0_u32..1000, log in any::<bool>()) {
            let scale = if log && low > 0 { Scale::Log } else { Scale::Linear };
            for setting in ["seed", "rotation", "learning_rate"] {
                let (low, high) = (f64::from(low), f64::from(low + more));
                let axis = Axis { setting: setting.into(), values: Values::Range { low, high, scale } };
                prop_assert_eq!(Axis::parse(&axis.text()), Ok(axis));
            }
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[a-z_]{0,12}[=.,0-9e a-z-]{0,20}\\PC{0,3}") {
            let _ = Axis::parse(&text);
            let _ = Axis::parse(&format!("learning_rate={text}"));
        }
    }
}
