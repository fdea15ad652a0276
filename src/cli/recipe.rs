//! How to train, as `train`, `cv`, `sweep`, `find-rate` and `pipeline run` take it: a flag for every setting.

use clap::builder::{BoolValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgGroup, ArgMatches, Args, Command, Error, FromArgMatches, Id};
use serde_json::Value;

use crate::config;
use crate::train::TrainConfig;
use crate::train::setting::{self, Setting, Step};

/// What a command that takes no settings with another flag names them all by.
const GROUP: &str = "Recipe";

/// Says the contrary of `--flip`, which is on by default.
const NO_FLIP: &str = "no_flip";

/// How to train.
#[derive(Debug, Clone)]
pub struct Recipe {
    said: config::Recipe,
}

impl Recipe {
    /// The settings: what was said, else what is `plain`.
    #[must_use]
    pub fn config(&self, plain: &TrainConfig) -> TrainConfig {
        self.said.over(plain)
    }

    fn hear(&mut self, matches: &ArgMatches) {
        for setting in setting::ALL {
            if let Some(value) = matches.get_one::<Value>(setting.name) {
                self.said.say(setting, value.clone());
            }
        }
        let flip = setting::find("flip").zip(matches.get_one::<Value>(NO_FLIP));
        if let Some((flip, Value::Bool(no))) = flip {
            self.said.say(flip, Value::Bool(!no));
        }
    }
}

impl FromArgMatches for Recipe {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut recipe = Self { said: config::Recipe::default() };
        recipe.hear(matches);
        Ok(recipe)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.hear(matches);
        Ok(())
    }
}

impl Args for Recipe {
    fn group_id() -> Option<Id> {
        Some(GROUP.into())
    }

    fn augment_args(command: Command) -> Command {
        let mut args: Vec<Arg> = setting::ALL.iter().map(arg).collect();
        let after_flip = args.iter().position(|arg| arg.get_id() == "flip").map_or(0, |at| at + 1);
        args.insert(after_flip, no_flip());
        let names: Vec<Id> = args.iter().map(|arg| arg.get_id().clone()).collect();
        command.group(ArgGroup::new(GROUP).multiple(true).args(names)).args(args)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn arg(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.name)
        .long(setting.flag)
        .value_name(setting.value)
        .help(help(setting))
        .help_heading("How to train");
    match setting.step {
        Step::Switch => switch(arg),
        Step::Words(names) => arg.value_parser(PossibleValuesParser::new(names).map(Value::String)),
        _ => arg.value_parser(move |text: &str| setting.typed(text)),
    }
}

/// With its default, where that is something.
fn help(setting: &Setting) -> String {
    let default = match setting.value(&TrainConfig::default()) {
        Value::Bool(on) => on.to_string(),
        value => setting.shown(&value),
    };
    if default.is_empty() { setting.help.to_owned() } else { format!("{} [default: {default}]", setting.help) }
}

fn switch(arg: Arg) -> Arg {
    let arg = arg.num_args(0..=1).require_equals(true).default_missing_value("true");
    arg.value_parser(BoolValueParser::new().map(Value::Bool))
}

fn no_flip() -> Arg {
    let arg = Arg::new(NO_FLIP).long("no-flip").value_name("true|false").help("Do not mirror training images");
    switch(arg).help_heading("How to train").conflicts_with("flip")
}
