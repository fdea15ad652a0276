//! Which images of a run are stepped through: `wrong kind:viral conf>0.9 !marked`.

use super::case::{Case, Verdict};
use crate::app::query::{self, Comparison, Problem, Sign, Term};
use crate::dataset::Class;
use crate::metrics::Threshold;

/// What must hold of an image; without any words all images match.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter(Vec<Term<Test>>);

#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// In its file's path or its note; in small letters.
    Anywhere(String),
    Flag(Flag),
    Words(Words, Sign, String),
    /// With how far off still counts as equal.
    Number(Number, Sign, (f64, f64)),
}

/// What is asked for by a single word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flag {
    Right,
    Wrong,
    Verdict(Verdict),
    /// The other run calls it something else.
    Differs,
    Marked,
    WrongLabel,
    PoorQuality,
    Favourite,
    /// Nearly the same as an image of another split.
    NearDuplicate,
}

/// Every flag by its word.
const FLAGS: [(&str, Flag); 12] = [
    ("right", Flag::Right),
    ("wrong", Flag::Wrong),
    ("tp", Flag::Verdict(Verdict::TruePositive)),
    ("tn", Flag::Verdict(Verdict::TrueNegative)),
    ("fp", Flag::Verdict(Verdict::FalsePositive)),
    ("fn", Flag::Verdict(Verdict::FalseNegative)),
    ("differs", Flag::Differs),
    ("marked", Flag::Marked),
    ("wrong-label", Flag::WrongLabel),
    ("poor-quality", Flag::PoorQuality),
    ("favourite", Flag::Favourite),
    ("near-duplicate", Flag::NearDuplicate),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    File,
    Patient,
    Kind,
    Truth,
    Called,
    Note,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Probability,
    Confidence,
    Loss,
    Disagreement,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Words(Words),
    Number(Number),
}

/// Every key by its name.
const KEYS: [(&str, Key); 10] = [
    ("file", Key::Words(Words::File)),
    ("patient", Key::Words(Words::Patient)),
    ("kind", Key::Words(Words::Kind)),
    ("truth", Key::Words(Words::Truth)),
    ("called", Key::Words(Words::Called)),
    ("note", Key::Words(Words::Note)),
    ("p", Key::Number(Number::Probability)),
    ("conf", Key::Number(Number::Confidence)),
    ("loss", Key::Number(Number::Loss)),
    ("dis", Key::Number(Number::Disagreement)),
];

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The first word that cannot be understood, with what could stand there.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        query::parse(text, test).map(Self)
    }

    /// Whether an image is stepped to; `thresholds` are the run's and the other run's.
    #[must_use]
    pub fn matches(&self, case: &Case, thresholds: [Threshold; 2]) -> bool {
        self.0.iter().all(|term| term.test.holds(case, thresholds) != term.negated)
    }
}

/// What a word that is being typed may become, and whether that asks for something by itself.
pub fn words() -> impl Iterator<Item = (&'static str, bool)> {
    FLAGS.iter().map(|(flag, _)| (*flag, true)).chain(KEYS.iter().map(|(key, _)| (*key, false)))
}

impl Test {
    fn holds(&self, case: &Case, thresholds: [Threshold; 2]) -> bool {
        match self {
            Self::Anywhere(word) => {
                [Words::File, Words::Note].iter().any(|of| of.of(case, thresholds[0]).contains(word))
            }
            Self::Flag(flag) => flag.holds(case, thresholds),
            Self::Words(of, sign, word) => sign.holds_for_words(&of.of(case, thresholds[0]), word),
            Self::Number(of, sign, number) => {
                of.of(case, thresholds[0]).is_some_and(|value| sign.holds_for_number(value, *number))
            }
        }
    }
}

impl Flag {
    fn holds(self, case: &Case, thresholds: [Threshold; 2]) -> bool {
        match self {
            Self::Right => case.is_right(thresholds[0]) == Some(true),
            Self::Wrong => case.is_right(thresholds[0]) == Some(false),
            Self::Verdict(verdict) => case.verdict(thresholds[0]) == Some(verdict),
            Self::Differs => case.differs(thresholds) == Some(true),
            Self::Marked => !case.mark.is_empty(),
            Self::WrongLabel => case.mark.wrong_label,
            Self::PoorQuality => case.mark.poor_quality,
            Self::Favourite => case.mark.favourite,
            Self::NearDuplicate => case.twin.is_some(),
        }
    }
}

impl Words {
    /// In small letters.
    fn of(self, case: &Case, threshold: Threshold) -> String {
        let text = match self {
            Self::File => &case.file,
            Self::Patient => &case.patient,
            Self::Kind => case.kind.name(),
            Self::Truth => case.truth.map_or("", Class::name),
            Self::Called => case.predicted(threshold).map_or("", Class::name),
            Self::Note => case.mark.note.as_deref().unwrap_or_default(),
        };
        text.to_lowercase()
    }
}

impl Number {
    fn of(self, case: &Case, threshold: Threshold) -> Option<f64> {
        match self {
            Self::Probability => case.probability(),
            Self::Confidence => case.confidence(threshold),
            Self::Loss => case.loss(),
            Self::Disagreement => case.disagreement,
        }
    }
}

fn test(at: usize, word: &str) -> Result<Test, Problem> {
    let Some(comparison) = Comparison::of(at, word) else {
        let flag = FLAGS.iter().find(|(flag, _)| *flag == word);
        return Ok(flag.map_or_else(|| Test::Anywhere(word.replace('"', "").to_lowercase()), |(_, f)| Test::Flag(*f)));
    };
    let (sign_at, sign) = comparison.sign;
    let Some((name, key)) = KEYS.iter().find(|(name, _)| *name == comparison.key) else {
        let keys: Vec<&str> = KEYS.iter().map(|(name, _)| *name).collect();
        let text = format!("there is no {:?} of an image; there are {}", comparison.key, keys.join(" "));
        return Err(Problem { at, text });
    };
    let (value_at, value) = (comparison.value.0, comparison.plain_value());
    let wrong = |text: String| Problem { at: value_at, text };
    match key {
        _ if value.is_empty() => Err(wrong(format!("a value must stand here: {}", example(name, *key)))),
        Key::Words(_) if sign.is_order() => {
            Err(Problem { at: sign_at, text: format!("{name} is no number: compare it with : or =") })
        }
        Key::Words(words) => Ok(Test::Words(*words, sign, value.to_lowercase())),
        Key::Number(number) => query::share(&value)
            .map(|typed| Test::Number(*number, sign, typed))
            .ok_or_else(|| wrong(format!("{value:?} is no number: write {}", example(name, *key)))),
    }
}

fn example(name: &str, key: Key) -> String {
    match key {
        Key::Words(Words::Kind) => format!("{name}:viral"),
        Key::Words(Words::Truth | Words::Called) => format!("{name}:normal"),
        Key::Words(_) => format!("{name}:text"),
        Key::Number(Number::Loss) => format!("{name}>1"),
        Key::Number(_) => format!("{name}>0.9"),
    }
}
