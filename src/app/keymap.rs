//! The one table of what can be done where, which gives keys, footer, help, palette and documentation; and the keys as the
//! user has them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::action::{Action as A, Place as P};
use super::key::Key;

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    pub action: A,
    pub place: P,
    /// The usual keys, by their names; none: in the palette alone.
    keys: &'static str,
    /// One or two words for the footer; empty: not in the footer.
    pub short: &'static str,
    pub help: &'static str,
}

const fn bind((place, action): (P, A), keys: &'static str, (short, help): (&'static str, &'static str)) -> Binding {
    Binding { action, place, keys, short, help }
}

/// Everything that can be done, by place, in the order of footer and help.
pub const BINDINGS: &[Binding] = &[
    bind((P::DataMissing, A::MakeDemo), "d enter", ("demo set", "write the synthetic demo set")),
    bind((P::DataMissing, A::Reload), "r", ("look again", "look for a data set again")),
    bind((P::Data, A::Reload), "r", ("reload", "read the data set again")),
    bind((P::Data, A::Up), "up k", ("", "scroll up")),
    bind((P::Data, A::Down), "down j", ("scroll", "scroll down")),
    bind((P::Data, A::InspectRun), "i", ("inspect", "step through its images, without a run")),
    bind((P::Form, A::Start), "s", ("start", "start training")),
    bind((P::Form, A::Up), "up k", ("", "setting before")),
    bind((P::Form, A::Down), "down j", ("choose", "next setting")),
    bind((P::Form, A::First), "g home", ("", "first setting")),
    bind((P::Form, A::Last), "G end", ("", "last setting")),
    bind((P::Form, A::Less), "left h", ("", "smaller value, or off")),
    bind((P::Form, A::More), "right l", ("change", "larger value, or on")),
    bind((P::Form, A::Edit), "enter", ("type", "type a value")),
    bind((P::Form, A::FindRate), "F", ("", "search for a learning rate: a short training with a rising one")),
    bind((P::Form, A::ShowQueue), "Q", ("", "runs that wait for their turn")),
    bind((P::Form, A::ResumeRun), "c", ("", "go on with the newest run that was stopped, failed or crashed")),
    bind((P::Form, A::Attach), "a", ("", "follow the newest run that another process trains")),
    bind((P::Form, A::Back), "esc", ("back", "back to the run under way")),
    bind((P::Finder, A::Keep), "enter", ("take it", "take the learning rate that was found")),
    bind((P::Finder, A::Back), "esc s", ("back", "stop searching; back to the settings")),
    bind((P::Editing, A::Keep), "enter", ("keep", "keep the typed value")),
    bind((P::Editing, A::Discard), "esc", ("discard", "leave the value as it was")),
    bind((P::Live, A::PauseOrResume), "space p", ("pause", "pause or go on")),
    bind((P::Live, A::Less), "<", ("", "smaller learning rate, from the next batch on")),
    bind((P::Live, A::More), ">", ("rate", "larger learning rate, from the next batch on")),
    bind((P::Live, A::Stop), "s", ("stop", "stop after this batch; the run can be resumed")),
    bind((P::Live, A::PlanRun), "n", ("", "settings of a next run, which waits for this one's end")),
    bind((P::Live, A::ShowQueue), "Q", ("", "runs that wait for their turn")),
    bind((P::Live, A::FinishEpoch), "S", ("", "finish this epoch, then stop")),
    bind((P::Live, A::Back), "esc", ("", "take the cursor away, then the zoom; then leave the run of another process")),
    bind((P::Ended, A::Back), "esc", ("", "take the cursor away, then the zoom; then back to the settings")),
    bind((P::Ended, A::ShowQueue), "Q", ("", "runs that wait for their turn")),
    bind((P::Ended, A::NewRun), "n enter", ("new run", "back to the settings")),
    bind((P::Ended, A::ResumeRun), "c", ("continue", "go on with it, if it was stopped or failed")),
    bind((P::Ended, A::InspectRun), "i", ("inspect", "step through its test images")),
    bind((P::Ended, A::Again), "r", ("run again", "back to the settings, with those of this run")),
    bind((P::Queue, A::Up), "up k", ("", "line above")),
    bind((P::Queue, A::Down), "down j", ("choose", "line below")),
    bind((P::Queue, A::PageUp), "pageup", ("", "page up")),
    bind((P::Queue, A::PageDown), "pagedown", ("", "page down")),
    bind((P::Queue, A::First), "g home", ("", "first line")),
    bind((P::Queue, A::Last), "G end", ("", "last line")),
    bind((P::Queue, A::Start), "s", ("run", "run what waits, one after the other")),
    bind((P::Queue, A::Delete), "x delete", ("take out", "take a run out that is not under way")),
    bind((P::Queue, A::Retry), "t", ("try again", "let a run that has failed wait again")),
    bind((P::Queue, A::Back), "esc Q", ("close", "close")),
    bind((P::Runs, A::Up), "up k", ("", "run above")),
    bind((P::Runs, A::Down), "down j", ("", "run below")),
    bind((P::Runs, A::PageUp), "pageup ctrl-b", ("", "page up")),
    bind((P::Runs, A::PageDown), "pagedown ctrl-f", ("", "page down")),
    bind((P::Runs, A::First), "g home", ("", "first run")),
    bind((P::Runs, A::Last), "G end", ("", "last run")),
    bind((P::Runs, A::Open), "enter", ("open", "show the run with its curves; unfold a group; compare marked runs")),
    bind((P::Runs, A::Filter), "/", ("filter", "show only some runs: acc>0.9 tag:baseline !crashed")),
    bind((P::Runs, A::Mark), "space", ("mark", "mark the run, or no more")),
    bind((P::Runs, A::Compare), "=", ("compare", "compare the marked runs, or the chosen one with the baseline")),
    bind((P::Runs, A::Undo), "u", ("undo", "bring back what was moved to the trash last")),
    bind((P::Runs, A::Attach), "a", ("attach", "follow a run under way on Train, whoever trains it")),
    bind((P::Runs, A::Sort), ">", ("sort", "sort by the next column")),
    bind((P::Runs, A::SortBack), "<", ("", "sort by the column before")),
    bind((P::Runs, A::TurnSort), "s", ("", "turn the order round")),
    bind((P::Runs, A::ResumeRun), "c", ("continue", "go on with a stopped, failed or crashed run")),
    bind((P::Runs, A::InspectRun), "i", ("inspect", "step through its test images")),
    bind((P::Runs, A::Again), "r", ("run again", "take its settings to Train, to change and run again")),
    bind((P::Runs, A::ChooseColumns), "v", ("columns", "choose the columns and their order")),
    bind((P::Runs, A::ColumnLeft), "left h", ("", "columns to the left")),
    bind((P::Runs, A::ColumnRight), "right l", ("", "columns to the right")),
    bind((P::Runs, A::GroupBy), "B", ("group", "group by a setting: mean and deviation")),
    bind((P::Runs, A::Baseline), "b", ("baseline", "show figures as differences to this run, or no more")),
    bind((P::Runs, A::Scatter), "p", ("points", "runs as points: a setting against a figure")),
    bind((P::Runs, A::Delete), "x delete", ("trash", "move the run, or the marked ones, to the trash")),
    bind((P::Runs, A::Star), "*", ("star", "give it a star, or take it away")),
    bind((P::Runs, A::Rename), "n", ("name", "give it another name")),
    bind((P::Runs, A::Note), "N", ("note", "write a note to it")),
    bind((P::Runs, A::Tags), "t", ("tags", "give it tags; the marked ones too")),
    bind((P::Runs, A::CopyValue), "y", ("copy", "copy the value in the sorted column, else its id")),
    bind((P::Runs, A::CopyRow), "Y", ("", "copy its row with titles")),
    bind((P::Runs, A::Export), "e", ("export", "write the shown table to a file: CSV, JSON or Markdown")),
    bind((P::Runs, A::ClearMarks), "M", ("", "mark none")),
    bind((P::Runs, A::Back), "esc", ("", "the filter before")),
    bind((P::Runs, A::EmptyTrash), "", ("", "empty the trash")),
    bind((P::Filter, A::Keep), "enter", ("keep", "keep the filter")),
    bind((P::Filter, A::Discard), "esc", ("back", "back to the filter before")),
    bind((P::Compare, A::Back), "esc", ("back", "take the cursor away, then the zoom; then back to the table")),
    bind((P::Compare, A::ShowAll), "a", ("all", "show all, or only what differs")),
    bind((P::Compare, A::ColumnRight), "]", ("next run", "choose the next run")),
    bind((P::Compare, A::ColumnLeft), "[", ("", "choose the run before")),
    bind((P::Compare, A::Open), "enter", ("open", "show the chosen run with its curves")),
    bind((P::Compare, A::Baseline), "b", ("", "make the chosen run the baseline, or no more")),
    bind((P::Compare, A::Up), "up k", ("", "scroll up")),
    bind((P::Compare, A::Down), "down j", ("scroll", "scroll down")),
    bind((P::Compare, A::PageUp), "pageup ctrl-b", ("", "page up")),
    bind((P::Compare, A::PageDown), "pagedown ctrl-f", ("", "page down")),
    bind((P::Compare, A::First), "g", ("", "to the top")),
    bind((P::Compare, A::Last), "G", ("", "to the end")),
    bind((P::Compare, A::CursorLeft), "left h", ("", "read the values at a cursor; without charts the run before")),
    bind((P::Compare, A::CursorRight), "right l", ("", "move the cursor right; without charts the next run")),
    bind((P::Compare, A::CursorFirst), "home", ("", "cursor to the first values; without charts to the top")),
    bind((P::Compare, A::CursorLast), "end", ("", "cursor to the newest values; without charts to the end")),
    bind((P::Compare, A::ZoomIn), ".", ("", "zoom in, about the cursor; dragging the mouse does too")),
    bind((P::Compare, A::ZoomOut), ",", ("", "zoom out")),
    bind((P::Compare, A::PanLeft), "{", ("", "pan left")),
    bind((P::Compare, A::PanRight), "}", ("", "pan right")),
    bind((P::Compare, A::CopyValue), "y", ("", "copy the value in the sorted column, else the run's id")),
    bind((P::Compare, A::CopyRow), "Y", ("", "copy the run's row with titles")),
    bind((P::Scatter, A::Back), "esc", ("back", "back to the table")),
    bind((P::Scatter, A::CursorRight), "right l", ("next run", "next point")),
    bind((P::Scatter, A::CursorLeft), "left h", ("", "point before")),
    bind((P::Scatter, A::First), "g home", ("", "first point")),
    bind((P::Scatter, A::Last), "G end", ("", "last point")),
    bind((P::Scatter, A::NextSetting), "x", ("setting", "next setting across")),
    bind((P::Scatter, A::PreviousSetting), "X", ("", "setting before")),
    bind((P::Scatter, A::NextFigure), "y", ("figure", "next figure upward")),
    bind((P::Scatter, A::PreviousFigure), "Y", ("", "figure before")),
    bind((P::Scatter, A::LogScale), "L", ("log", "logarithmic scale across, or back")),
    bind((P::Scatter, A::Open), "enter", ("open", "show the run with its curves")),
    bind((P::Scatter, A::Mark), "space", ("mark", "mark the run, or no more")),
    bind((P::Scatter, A::Baseline), "b", ("", "make it the baseline, or no more")),
    bind((P::Detail, A::Back), "esc enter", ("back", "take the cursor away, then the zoom; then back to the table")),
    bind((P::Detail, A::Again), "r", ("run again", "take its settings to Train, to change and run again")),
    bind((P::Detail, A::Report), "w", ("report", "write its model card into the working folder")),
    bind((P::Detail, A::Verify), "v", ("verify", "make its stored figures again and compare")),
    bind((P::Detail, A::ResumeRun), "c", ("continue", "go on with a stopped, failed or crashed run")),
    bind((P::Detail, A::InspectRun), "i", ("inspect", "step through its test images")),
    bind((P::Detail, A::Star), "*", ("star", "give it a star, or take it away")),
    bind((P::Detail, A::Rename), "n", ("name", "give it another name")),
    bind((P::Detail, A::Note), "N", ("", "write a note to it")),
    bind((P::Detail, A::Tags), "t", ("", "give it tags")),
    bind((P::Detail, A::Delete), "x delete", ("", "move it to the trash")),
    bind((P::Inspect, A::Down), "down j right", ("next", "next image")),
    bind((P::Inspect, A::Up), "up k left", ("before", "image before")),
    bind((P::Inspect, A::PageDown), "pagedown", ("", "ten images on")),
    bind((P::Inspect, A::PageUp), "pageup", ("", "ten images back")),
    bind((P::Inspect, A::First), "g home", ("", "first image")),
    bind((P::Inspect, A::Last), "G end", ("", "last image")),
    bind((P::Inspect, A::NextMistake), "n", ("mistake", "next mistake")),
    bind((P::Inspect, A::PreviousMistake), "N", ("", "mistake before")),
    bind((P::Inspect, A::Filter), "/", ("filter", "step through some images only: wrong kind:viral conf>0.9")),
    bind((P::Inspect, A::Grid), "t", ("grid", "many images at once, or one")),
    bind((P::Inspect, A::Curves), "r", ("curves", "ROC, precision-recall and reliability curve, and the matrix")),
    bind(
        (P::Inspect, A::Similar),
        "f",
        ("similar", "the images that the network sees as most like this one, in train too"),
    ),
    bind((P::Inspect, A::ZoomIn), "+ .", ("", "zoom into the picture; the wheel does too, where it points")),
    bind((P::Inspect, A::ZoomOut), "- ,", ("", "zoom out")),
    bind((P::Inspect, A::PanLeft), "H", ("", "move a zoomed picture left; dragging does too")),
    bind((P::Inspect, A::PanDown), "J", ("", "move it down")),
    bind((P::Inspect, A::PanUp), "K", ("", "move it up")),
    bind((P::Inspect, A::PanRight), "L", ("", "move it right")),
    bind(
        (P::Inspect, A::Narrower),
        "w",
        ("window", "narrower window: more contrast; dragging the right button does too"),
    ),
    bind((P::Inspect, A::Wider), "W", ("", "wider window: less contrast")),
    bind((P::Inspect, A::Brighter), "b", ("", "brighter: the window over darker levels")),
    bind((P::Inspect, A::Darker), "B", ("", "darker")),
    bind((P::Inspect, A::GammaUp), "y", ("", "more gamma: brighter middle tones")),
    bind((P::Inspect, A::GammaDown), "Y", ("", "less gamma")),
    bind((P::Inspect, A::Invert), "i", ("", "black for white")),
    bind((P::Inspect, A::Equalise), "c", ("", "contrast equal over the picture (CLAHE)")),
    bind((P::Inspect, A::PlainLook), "0", ("", "the whole picture, as it is")),
    bind(
        (P::Inspect, A::Heat),
        "m",
        ("heat map", "where the network looks: for what it calls it, for the other class, not"),
    ),
    bind((P::Inspect, A::NetworkView), "v", ("", "beside the picture the square that the network gets, or not")),
    bind((P::Inspect, A::Stronger), "}", ("", "stronger heat map")),
    bind((P::Inspect, A::Weaker), "{", ("", "weaker heat map")),
    bind((P::Inspect, A::NextColours), "M", ("", "other colours for it")),
    bind(
        (P::Inspect, A::CheckHeat),
        "X",
        ("", "check the heat map: what becomes of the answer when its hot areas are taken away"),
    ),
    bind((P::Inspect, A::Sort), ">", ("sort", "another order: by loss, doubt, confidence, probability, patient")),
    bind((P::Inspect, A::SortBack), "<", ("", "the order before")),
    bind((P::Inspect, A::TurnSort), "s", ("", "turn the order round")),
    bind(
        (P::Inspect, A::NextSplit),
        "S",
        ("", "the run's other images: of validation, of training, of the test again"),
    ),
    bind((P::Inspect, A::OpenFile), "o", ("", "open a picture from anywhere; dropping or pasting its path does too")),
    bind((P::Inspect, A::SamePatient), "P", ("", "only images of this patient, or all again")),
    bind((P::Inspect, A::OtherRun), "d", ("", "hold it against another run")),
    bind((P::Inspect, A::OnlyDiffering), "D", ("", "only images that the two runs call differently, or all again")),
    bind((P::Inspect, A::ThresholdUp), ")", ("", "try a higher threshold: fewer called PNEUMONIA")),
    bind((P::Inspect, A::ThresholdDown), "(", ("", "try a lower threshold: more called PNEUMONIA")),
    bind((P::Inspect, A::OwnThreshold), "=", ("", "back to the threshold of the run")),
    bind((P::Inspect, A::Favourite), "space *", ("", "mark it as a favourite, or no more")),
    bind((P::Inspect, A::WrongLabel), "x", ("", "mark its label as one that looks wrong, or no more")),
    bind((P::Inspect, A::PoorQuality), "p", ("", "mark it as of poor quality, or no more")),
    bind((P::Inspect, A::Note), "a", ("", "write a note to it")),
    bind((P::Inspect, A::Export), "e", ("", "write these images with answers and marks into a CSV file")),
    bind((P::Inspect, A::Back), "esc", ("", "step through all images again")),
    bind((P::Grid, A::CursorRight), "right l", ("next", "next image")),
    bind((P::Grid, A::CursorLeft), "left h", ("", "image before")),
    bind((P::Grid, A::Down), "down j", ("", "image below")),
    bind((P::Grid, A::Up), "up k", ("", "image above")),
    bind((P::Grid, A::PageDown), "pagedown ctrl-f", ("", "next page")),
    bind((P::Grid, A::PageUp), "pageup ctrl-b", ("", "page before")),
    bind((P::Grid, A::Open), "enter", ("open", "the chosen image alone")),
    bind((P::Grid, A::Back), "esc", ("", "the chosen image alone")),
    bind((P::Grid, A::ZoomIn), "+ .", ("larger", "larger pictures")),
    bind((P::Grid, A::ZoomOut), "- ,", ("smaller", "smaller pictures")),
    bind((P::Curves, A::CursorRight), "right l", ("move", "next point, bar or cell; a point's threshold is tried")),
    bind((P::Curves, A::CursorLeft), "left h", ("", "point, bar or cell before")),
    bind((P::Curves, A::Down), "down j", ("chart", "next chart")),
    bind((P::Curves, A::Up), "up k", ("", "chart before")),
    bind((P::Curves, A::Open), "enter", ("images", "the images behind it; a click does too")),
    bind((P::Curves, A::Back), "esc", ("", "back to the images")),
    bind((P::Similar, A::CursorRight), "right l", ("choose", "next one")),
    bind((P::Similar, A::CursorLeft), "left h", ("", "one before")),
    bind((P::Similar, A::Down), "down j", ("", "next image, with its own")),
    bind((P::Similar, A::Up), "up k", ("", "image before, with its own")),
    bind((P::Similar, A::Open), "enter", ("open", "go to the chosen one, in its split")),
    bind((P::Similar, A::ZoomIn), "+ .", ("", "larger pictures")),
    bind((P::Similar, A::ZoomOut), "- ,", ("", "smaller pictures")),
    bind((P::Similar, A::Back), "esc", ("back", "back to the picture")),
    bind((P::Inspect, A::NextRun), "]", ("run", "next run")),
    bind((P::Inspect, A::PreviousRun), "[", ("", "run before")),
    bind((P::Charts, A::NextChart), "]", ("chart", "next chart: loss, accuracy, validation, rate, speed, CPU, memory")),
    bind((P::Charts, A::PreviousChart), "[", ("", "chart before")),
    bind((P::Charts, A::Smoother), "+ =", ("", "smoother line, the raw one faint behind it")),
    bind((P::Charts, A::Rougher), "-", ("", "less smooth")),
    bind((P::Charts, A::Unsmoothed), "0", ("", "not smoothed")),
    bind((P::Charts, A::LogScale), "L", ("", "logarithmic scale, or back")),
    bind((P::Charts, A::NextAxis), "X", ("", "along epochs, time or steps")),
    bind((P::Charts, A::CursorLeft), "left h", ("", "read the values at a cursor; move it left")),
    bind((P::Charts, A::CursorRight), "right l", ("", "move the cursor right")),
    bind((P::Charts, A::CursorFirst), "home", ("", "cursor to the first values")),
    bind((P::Charts, A::CursorLast), "end", ("", "cursor to the newest values")),
    bind((P::Charts, A::ZoomIn), ".", ("", "zoom in, about the cursor; dragging the mouse does too")),
    bind((P::Charts, A::ZoomOut), ",", ("", "zoom out")),
    bind((P::Charts, A::PanLeft), "{", ("", "pan left")),
    bind((P::Charts, A::PanRight), "}", ("", "pan right")),
    bind((P::Charts, A::Follow), "f", ("", "freeze what is shown; then follow the newest part; then all")),
    bind((P::Charts, A::Overlay), "O", ("", "earlier runs faintly behind, or not")),
    bind((P::Charts, A::ShowLog), "o", ("log", "the run's log")),
    bind((P::Question, A::Yes), "y enter", ("yes", "do it")),
    bind((P::Question, A::No), "n esc", ("no", "leave it")),
    bind((P::Prompt, A::Keep), "enter", ("keep", "keep what is typed")),
    bind((P::Prompt, A::Discard), "esc", ("discard", "leave it as it was")),
    bind((P::Choice, A::Up), "up ctrl-p", ("", "line above")),
    bind((P::Choice, A::Down), "down ctrl-n", ("choose", "line below")),
    bind((P::Choice, A::PageUp), "pageup", ("", "page up")),
    bind((P::Choice, A::PageDown), "pagedown", ("", "page down")),
    bind((P::Choice, A::First), "home", ("", "first line; in a typed search to its start")),
    bind((P::Choice, A::Last), "end", ("", "last line; in a typed search to its end")),
    bind((P::Choice, A::Open), "enter", ("take", "take the chosen line")),
    bind((P::Choice, A::Back), "esc", ("close", "close")),
    bind((P::Columns, A::Mark), "space", ("on/off", "show the column, or not")),
    bind((P::Columns, A::MoveDown), "J", ("down", "move the column down")),
    bind((P::Columns, A::MoveUp), "K", ("up", "move the column up")),
    bind((P::Columns, A::Search), "/", ("search", "search a column")),
    bind((P::Columns, A::Up), "up k", ("", "column above")),
    bind((P::Columns, A::Down), "down j", ("choose", "column below")),
    bind((P::Columns, A::PageUp), "pageup ctrl-b", ("", "page up")),
    bind((P::Columns, A::PageDown), "pagedown ctrl-f", ("", "page down")),
    bind((P::Columns, A::First), "g home", ("", "first column")),
    bind((P::Columns, A::Last), "G end", ("", "last column")),
    bind((P::Columns, A::Back), "esc enter v", ("close", "close")),
    bind((P::ColumnSearch, A::Keep), "enter", ("keep", "keep the search")),
    bind((P::ColumnSearch, A::Discard), "esc", ("all", "show all columns again")),
    bind((P::ColumnSearch, A::Up), "up", ("", "column above")),
    bind((P::ColumnSearch, A::Down), "down", ("", "column below")),
    bind((P::Commands, A::Up), "up ctrl-p", ("", "line above")),
    bind((P::Commands, A::Down), "down ctrl-n", ("choose", "line below")),
    bind((P::Commands, A::PageUp), "pageup", ("", "page up")),
    bind((P::Commands, A::PageDown), "pagedown", ("", "page down")),
    bind((P::Commands, A::First), "home", ("", "first line; in a typed search to its start")),
    bind((P::Commands, A::Last), "end", ("", "last line; in a typed search to its end")),
    bind((P::Commands, A::Open), "enter", ("do it", "do what the chosen line says")),
    bind((P::Commands, A::Back), "esc ?", ("close", "close")),
    bind((P::Everywhere, A::ShowData), "1", ("", "Data")),
    bind((P::Everywhere, A::ShowTrain), "2", ("", "Train")),
    bind((P::Everywhere, A::ShowRuns), "3", ("", "Runs")),
    bind((P::Everywhere, A::ShowInspect), "4", ("", "Inspect")),
    bind((P::Everywhere, A::NextScreen), "tab", ("", "next screen")),
    bind((P::Everywhere, A::PreviousScreen), "shift-tab", ("", "screen before")),
    bind((P::Everywhere, A::Zoom), "z", ("", "give the whole screen to the chart or picture, or back")),
    bind((P::Everywhere, A::Palette), "ctrl-p :", ("", "everything that can be done here")),
    bind((P::Everywhere, A::NextTheme), "", ("", "next theme: dark, light, colour-blind safe")),
    bind((P::Everywhere, A::ToggleMouse), "", ("", "leave the mouse to the terminal, or take it again")),
    bind((P::Everywhere, A::Redraw), "ctrl-l", ("", "draw the screen anew")),
    bind((P::Everywhere, A::Help), "?", ("help", "all keys")),
    bind((P::Everywhere, A::Quit), "q", ("quit", "quit")),
    bind((P::Always, A::Suspend), "ctrl-z", ("", "give the terminal back to the shell; fg comes back")),
    bind((P::Always, A::Quit), "ctrl-c", ("", "quit")),
];

/// Keys by place and action, by their names, as the configuration has them.
pub type KeyNames = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// A key that cannot be given, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongKey {
    place: String,
    /// `None` where the place itself is wrong.
    action: Option<String>,
    pub problem: String,
}

impl WrongKey {
    /// Where it stands in the configuration.
    #[must_use]
    pub fn path(&self) -> Vec<&str> {
        ["keys", &self.place].into_iter().chain(self.action.as_deref()).collect()
    }
}

/// The keys of each line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap(Vec<Vec<Key>>);

impl Default for Keymap {
    fn default() -> Self {
        let usual = |binding: &Binding| binding.keys.split_whitespace().filter_map(|name| name.parse().ok()).collect();
        Self(BINDINGS.iter().map(usual).collect())
    }
}

impl Keymap {
    /// The usual keys, but for those that are named otherwise.
    ///
    /// # Errors
    /// A place, action or key that there is not, with what there is; a key that would mean two things in one place.
    pub fn with(names: &KeyNames) -> Result<Self, WrongKey> {
        let mut map = Self::default();
        for (place, actions) in names {
            for (action, keys) in actions {
                let wrong = |problem| WrongKey { place: place.clone(), action: Some(action.clone()), problem };
                let line = line_named(place, action)?;
                let parsed = keys.iter().map(|key| key.parse::<Key>());
                map.0[line] = parsed.collect::<Result<_, _>>().map_err(wrong)?;
            }
        }
        map.check().map(|()| map)
    }

    fn check(&self) -> Result<(), WrongKey> {
        for place in P::ALL {
            let lines: Vec<usize> = self.lines_at(*place).filter(|line| BINDINGS[*line].place != P::Always).collect();
            for (number, line) in lines.iter().enumerate() {
                let twice = lines[..number].iter().find_map(|other| {
                    let here = BINDINGS[*other].place == BINDINGS[*line].place;
                    let key = self.0[*line].iter().find(|key| here && self.0[*other].contains(key))?;
                    Some((key, other))
                });
                if let Some((key, other)) = twice {
                    let [one, other] = [line, other].map(|line| BINDINGS[*line].action.name());
                    let problem = format!("{} means both {other} and {one}", key.name());
                    return Err(WrongKey { place: BINDINGS[*line].place.name(), action: None, problem });
                }
            }
        }
        Ok(())
    }

    /// The lines of the table that work at `place`, its own first. What the grid does its own way hides what Inspect does.
    pub fn lines_at(&self, place: P) -> impl Iterator<Item = usize> + use<> {
        let of = |layer| (0..BINDINGS.len()).filter(move |at| BINDINGS[*at].place == layer);
        let is_own = move |action| of(place).any(|at| BINDINGS[at].action == action);
        let is_hidden =
            move |at: &usize| BINDINGS[*at].place == P::Inspect && place != P::Inspect && is_own(BINDINGS[*at].action);
        place.layers().into_iter().flat_map(of).filter(move |at| !is_hidden(at))
    }

    /// What `key` does at `place`. While something is typed, letters go into it.
    #[must_use]
    pub fn action_of(&self, key: Key, place: P) -> Option<A> {
        self.lines_at(place).find(|line| self.0[*line].contains(&key)).map(|line| BINDINGS[line].action)
    }

    /// The first key of a line, as the footer writes it.
    #[must_use]
    pub fn first(&self, line: usize) -> Option<Key> {
        self.0[line].first().copied()
    }

    /// All keys of a line, as the help writes them.
    #[must_use]
    pub fn written(&self, line: usize) -> String {
        self.0[line].iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// The whole table as Markdown, with the names that the configuration knows.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::from("| where | keys | what it does | name |\n| --- | --- | --- | --- |\n");
        for (line, binding) in BINDINGS.iter().enumerate() {
            let (keys, place) = (self.marked(line), binding.place);
            let (title, name, help) = (place.title(), place.name(), binding.help);
            let _ = writeln!(text, "| {title} | {keys} | {help} | `{name}.{}` |", binding.action.name());
        }
        text
    }

    /// What the footers have, a line a place, as Markdown; of what works in many places all but the ways to move.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = String::from("| | |\n| --- | --- |\n");
        for place in P::ALL {
            let all = matches!(place, P::Everywhere | P::Charts | P::Live);
            let told = |binding: &Binding| !binding.short.is_empty() || (all && !binding.action.is_movement());
            let here = |line: &usize| BINDINGS[*line].place == *place && told(&BINDINGS[*line]);
            let words = |binding: &Binding| if binding.short.is_empty() { binding.help } else { binding.short };
            let key = |line: usize| self.first(line).map(|key| format!("{} {}", code(key), words(&BINDINGS[line])));
            let keys: Vec<String> = (0..BINDINGS.len()).filter(here).filter_map(key).collect();
            if !keys.is_empty() {
                let _ = writeln!(text, "| {} | {} |", place.title(), keys.join(" · "));
            }
        }
        text
    }

    fn marked(&self, line: usize) -> String {
        self.0[line].iter().map(|key| code(*key)).collect::<Vec<_>>().join(" ")
    }
}

/// A key in Markdown.
fn code(key: Key) -> String {
    format!("`{key}`").replace('|', "\\|")
}

fn line_named(place: &str, action: &str) -> Result<usize, WrongKey> {
    let wrong = |action: Option<&str>, problem| WrongKey {
        place: place.to_owned(),
        action: action.map(str::to_owned),
        problem,
    };
    let found = P::ALL.iter().find(|known| known.name() == place).ok_or_else(|| {
        let places = P::ALL.iter().map(|place| place.name()).collect::<Vec<_>>().join(", ");
        wrong(None, format!("there is no such place; there are {places}"))
    })?;
    let here = || BINDINGS.iter().enumerate().filter(|(_, binding)| binding.place == *found);
    let line = here().find(|(_, binding)| binding.action.name() == action).map(|(line, _)| line);
    line.ok_or_else(|| {
        let known = here().map(|(_, binding)| binding.action.name()).collect::<Vec<_>>().join(", ");
        wrong(Some(action), format!("there is no such action there; there are {known}"))
    })
}

#[cfg(test)]
mod tests;
