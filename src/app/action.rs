//! Everything a key, a click or the command palette can do, and where.

/// An enumeration that knows its members and their names, as configuration and documentation write them.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$inner:meta])* $member:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$inner])* $member,)* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$member,)*];

            /// `NextScreen` is `next-screen`.
            #[must_use]
            pub fn name(self) -> String {
                match self { $(Self::$member => kebab(stringify!($member)),)* }
            }
        }
    };
}

named! {
    /// A thing the user can do.
    Action {
        Quit,
        Suspend,
        Redraw,
        Help,
        Palette,
        ShowData,
        ShowTrain,
        ShowRuns,
        ShowInspect,
        NextScreen,
        PreviousScreen,
        Zoom,
        NextTheme,
        ToggleMouse,
        Back,
        Up,
        Down,
        PageUp,
        PageDown,
        First,
        Last,
        MakeDemo,
        Reload,
        Edit,
        Less,
        More,
        Start,
        Stop,
        FinishEpoch,
        FindRate,
        PlanRun,
        ShowQueue,
        ShowPipeline,
        PauseOrResume,
        Smoother,
        Rougher,
        Unsmoothed,
        LogScale,
        NextAxis,
        NextChart,
        PreviousChart,
        ZoomIn,
        ZoomOut,
        PanLeft,
        PanRight,
        Follow,
        Overlay,
        CursorLeft,
        CursorRight,
        CursorFirst,
        CursorLast,
        ShowLog,
        NewRun,
        Open,
        Sort,
        SortBack,
        TurnSort,
        ColumnLeft,
        ColumnRight,
        ChooseColumns,
        MoveUp,
        MoveDown,
        Search,
        Filter,
        GroupBy,
        Mark,
        ClearMarks,
        Star,
        Promote,
        RollBack,
        Rename,
        Note,
        Tags,
        Baseline,
        Compare,
        ShowAll,
        Scatter,
        NextSetting,
        PreviousSetting,
        NextFigure,
        PreviousFigure,
        CopyValue,
        CopyRow,
        Export,
        Delete,
        Retry,
        Undo,
        EmptyTrash,
        ResumeRun,
        InspectRun,
        Attach,
        Again,
        Report,
        Verify,
        ThresholdUp,
        ThresholdDown,
        OwnThreshold,
        Narrower,
        Wider,
        Brighter,
        Darker,
        GammaUp,
        GammaDown,
        Invert,
        Equalise,
        PanUp,
        PanDown,
        PlainLook,
        Heat,
        Stronger,
        Weaker,
        NextColours,
        Grid,
        Curves,
        Similar,
        CheckHeat,
        NetworkView,
        NextSplit,
        OpenFile,
        SamePatient,
        OtherRun,
        OnlyDiffering,
        Favourite,
        WrongLabel,
        PoorQuality,
        NextMistake,
        PreviousMistake,
        NextRun,
        PreviousRun,
        Yes,
        No,
        Keep,
        Discard,
    }
}

named! {
    /// Where a key works.
    Place {
        /// Also while something is typed.
        Always,
        Everywhere,
        Data,
        DataMissing,
        /// The data set is being read: no key but those of everywhere.
        DataBusy,
        Form,
        /// A value is typed: letters go into it.
        Editing,
        /// A learning rate is searched for, or found.
        Finder,
        Live,
        Ended,
        Queue,
        Pipeline,
        Runs,
        /// A filter is typed: letters go into it.
        Filter,
        Compare,
        Scatter,
        Detail,
        Inspect,
        /// Inspect with many images at once.
        Grid,
        /// Inspect with the curves of all answers.
        Curves,
        /// Inspect with the images most like the shown one.
        Similar,
        /// Wherever there are charts of a run.
        Charts,
        Question,
        /// A text is typed into a popup.
        Prompt,
        /// One of a list is chosen: letters search.
        Choice,
        Columns,
        /// A column is searched: letters go into the search.
        ColumnSearch,
        /// Help and palette: letters search.
        Commands,
    }
}

impl Place {
    /// What it is called in the help.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Always => "Everywhere, while typing too",
            Self::Everywhere => "Everywhere",
            Self::Data => "Data",
            Self::DataMissing => "Data, none found",
            Self::DataBusy => "Data, being read",
            Self::Form => "Train: settings",
            Self::Editing => "Typing a value",
            Self::Finder => "Train: search for a learning rate",
            Self::Queue => "The queue",
            Self::Pipeline => "The pipeline",
            Self::Live => "Train: a run under way",
            Self::Ended => "Train: a run that ended",
            Self::Runs => "Runs",
            Self::Filter => "Runs: typing a filter",
            Self::Compare => "Runs: some side by side",
            Self::Scatter => "Runs: as points",
            Self::Detail => "Runs: one run",
            Self::Inspect => "Inspect",
            Self::Grid => "Inspect: many images",
            Self::Curves => "Inspect: curves",
            Self::Similar => "Inspect: similar images",
            Self::Charts => "Charts",
            Self::Question => "A question",
            Self::Prompt => "Typing a text",
            Self::Choice => "Choosing one of a list",
            Self::Columns => "Runs: its columns",
            Self::ColumnSearch => "Runs: searching a column",
            Self::Commands => "This help, and the palette",
        }
    }

    /// The places whose keys work here, the nearest first. A question, a typed value and the help take all keys.
    #[must_use]
    pub fn layers(self) -> Vec<Self> {
        match self {
            Self::Always => vec![self],
            Self::Everywhere | Self::Question | Self::Columns | Self::Queue | Self::Pipeline => {
                vec![self, Self::Always]
            }
            place if place.is_typing() => vec![self, Self::Always],
            Self::Live | Self::Ended | Self::Detail => vec![self, Self::Charts, Self::Everywhere, Self::Always],
            Self::Grid | Self::Curves | Self::Similar => vec![self, Self::Inspect, Self::Everywhere, Self::Always],
            _ => vec![self, Self::Everywhere, Self::Always],
        }
    }

    /// Whether letters go into a text here.
    #[must_use]
    pub const fn is_typing(self) -> bool {
        matches!(self, Self::Editing | Self::Commands | Self::Filter | Self::Prompt | Self::Choice | Self::ColumnSearch)
    }
}

impl Action {
    /// Only moves about: nothing for the palette.
    #[must_use]
    pub const fn is_movement(self) -> bool {
        matches!(self, Self::Up | Self::Down | Self::PageUp | Self::PageDown | Self::First | Self::Last | Self::Back)
    }
}

fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_named_as_people_would_write_them() {
        assert_eq!(Action::PauseOrResume.name(), "pause-or-resume");
        assert_eq!(Place::DataMissing.name(), "data-missing");
    }
}
