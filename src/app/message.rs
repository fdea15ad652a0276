//! What the app is told, and what it asks for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ratatui::crossterm::event::{KeyEvent, MouseEvent};

use super::attached::Watched;
use super::history::History;
use super::inspect::similar::{Likeness, Made};
use super::inspect::{Found, OtherRun, Wanted};
use super::runs::work::{RunsNews, RunsWork};
use crate::dataset::statistics::Statistics;
use crate::dataset::{Class, Split};
use crate::metrics::alarm::Alarm;
use crate::metrics::{Assessment, Gate, Spread};
use crate::picture::{ColourMap, HeatMap, Look, Part, Picture};
use crate::store::{CommandKind, Entry, ImageMark, Pipeline, Run};
use crate::train::range_test::RateEvent;
use crate::train::space::Search;
use crate::train::{TrainConfig, TrainEvent};

/// Work that takes a while.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Loadable<T> {
    /// Not asked for yet.
    #[default]
    Idle,
    Loading,
    Ready(T),
    /// What went wrong, for the user.
    Failed(String),
}

/// All that can happen to the app, in the order it happened.
#[derive(Debug)]
pub enum Message {
    Key(KeyEvent),
    Mouse(MouseEvent),
    /// Text pasted into the terminal.
    Paste(String),
    /// The terminal has another size now.
    Resize,
    /// A signal or a lost terminal asks the program to end now, without a question.
    Terminate,
    Data(DataMessage),
    Train(TrainMessage),
    Runs(RunsMessage),
    Inspect(InspectMessage),
}

/// From the worker that reads the data set.
#[derive(Debug)]
pub enum DataMessage {
    /// No data set there: the demo set is offered.
    Missing {
        dir: PathBuf,
    },
    Progress {
        what: &'static str,
        done: usize,
        total: usize,
    },
    Ready(Box<DataSummary>),
    Failed(String),
}

/// What the Data screen shows.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSummary {
    pub root: PathBuf,
    pub synthetic: bool,
    pub statistics: Statistics,
    /// A few pictures of each class, at most 320 pixels on their short side.
    pub samples: Vec<(Class, String, Arc<Picture>)>,
}

/// From the run's thread, by way of the session.
#[derive(Debug)]
pub enum TrainMessage {
    /// The run exists and has this id and name.
    Started {
        run_id: String,
        name: String,
        config: Box<TrainConfig>,
        synthetic: bool,
    },
    /// It could not start.
    Refused(String),
    Event(TrainEvent),
    /// A run of the queue begins or goes on.
    Next(Box<Entry>),
    /// Nothing waits any more, the queue was stopped, or why it cannot go on.
    QueueOver(Result<(), String>),
    Queue(Result<Vec<Entry>, String>),
    /// The newest pipeline, whoever runs it; `None` where there is none.
    Pipeline(Result<Option<Box<Pipeline>>, String>),
    /// How the pipeline of this program ended, in words.
    PipelineOver(String),
    /// Runs were added to the queue, with what to call them; or why they were not.
    Queued(Result<String, String>),
    /// Of the search for a learning rate.
    Rate {
        search: u64,
        event: RateEvent,
    },
    /// News of the run that is followed.
    Watched(Box<Watched>),
}

/// From the store.
#[derive(Debug)]
pub enum RunsMessage {
    Loaded(Result<Vec<Run>, String>),
    Detail {
        run_id: String,
        detail: Result<Box<RunDetail>, String>,
    },
    /// What has become of something that the Runs screen asked for.
    News(RunsNews),
    /// What earlier runs went through, by id and name.
    Earlier {
        behind: String,
        earlier: Vec<Earlier>,
    },
    Log {
        run_id: String,
        lines: Result<Vec<String>, String>,
    },
    /// Another process has begun, gone on with or ended a run.
    Changed,
    /// What was done to a run or found out about it, in a line.
    Said(String),
}

/// An earlier run, to be laid behind another one's curves.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    pub name: String,
    pub history: History,
}

/// One run with its curves.
#[derive(Debug, Clone, PartialEq)]
pub struct RunDetail {
    pub run: Run,
    pub history: History,
    /// Once its test images are answered.
    pub assessed: Option<Box<Assessed>>,
    /// Its parts, of a cross-validation.
    pub folds: Vec<Run>,
    /// Test accuracy of the runs that differ from it only in their seed, itself among them.
    pub seeds: Option<Spread>,
}

/// From the viewer and the store. `generation` is the request's; replies to older requests are dropped.
#[derive(Debug)]
pub enum InspectMessage {
    /// The images that were asked for, with the logits that the store has.
    Cases {
        request: u64,
        found: Result<Found, String>,
    },
    /// The images most like one.
    Similar {
        request: u64,
        index: usize,
        likeness: Result<Likeness, String>,
    },
    /// The features of a run's images are being computed.
    SimilarMade {
        request: u64,
        made: Made,
    },
    /// Files of the run that are nearly the same as one of another split, which comes second.
    NearDuplicates {
        request: u64,
        pairs: Vec<(String, String)>,
    },
    /// Small pictures, by their images' numbers; `None` of one that cannot be read.
    Tiles {
        request: u64,
        tiles: Vec<(usize, Option<Arc<Picture>>)>,
    },
    Picture {
        generation: u64,
        picture: Result<Arc<Picture>, String>,
    },
    /// Another run's answers for the images of the shown one's split, by file.
    Other {
        run_id: String,
        other: Result<(OtherRun, BTreeMap<String, [f32; 2]>), String>,
    },
    /// What was said of an image is kept, or why not.
    Marked(Result<(), String>),
    /// What a run's network tells of an image.
    Told {
        generation: u64,
        run_id: String,
        index: usize,
        told: Told,
    },
}

/// What a network was asked about an image, or why it cannot say.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// Logits of NORMAL and PNEUMONIA; and of an ensemble, the standard deviation of the probability over its members.
    Logits(Result<([f32; 2], Option<f64>), String>),
    /// Where it looks.
    Explained(Result<Explained, String>),
    /// What became of the answer as the hot areas of the heat map were taken away.
    Checked(Result<Checked, String>),
    /// Why the answer for a picture from anywhere may mean little.
    Warned(Vec<String>),
}

/// All figures of a run, with their intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessed {
    pub test: Assessment,
    /// Of the best epoch's answers.
    pub validation: Assessment,
    /// How the threshold came about, in words.
    pub source: String,
    /// Looks of all runs at these test images.
    pub looks: Option<u64>,
    pub alarms: Vec<Alarm>,
}

/// What the app wants done; the terminal program does it and answers with messages.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Leave, stopping a run of this program first.
    Quit,
    /// Give the terminal back to the shell until it brings the program to the front again.
    Suspend,
    /// Draw every cell anew.
    Redraw,
    /// Take the mouse, or leave it to the terminal.
    TakeMouse(bool),
    /// Read the answers of another run for a split.
    LoadOther {
        /// The shown run.
        run_id: String,
        other: String,
        split: Split,
    },
    /// Keep what is said of an image of a data set.
    MarkImage {
        /// The data set's folder.
        data: PathBuf,
        /// Path below it.
        file: String,
        mark: ImageMark,
    },
    /// Read the data set (again).
    LoadData,
    /// Write the demo set below the data folder, then load it.
    MakeDemo,
    StartRun(Box<TrainConfig>),
    ResumeRun {
        run_id: String,
    },
    /// Put a run, or all runs of a search, at the end of the queue.
    Enqueue(Box<TrainConfig>),
    EnqueueSearch(Box<Search>),
    /// Work through the queue.
    RunQueue,
    LoadQueue,
    LoadPipeline,
    /// Begin a pipeline, or go on with the one that has these settings.
    StartPipeline {
        config: Box<TrainConfig>,
        gate: Gate,
    },
    RemoveEntries(Vec<i64>),
    /// Let entries of the queue that have failed wait again.
    RetryEntries(Vec<i64>),
    FindRate {
        search: u64,
        config: Box<TrainConfig>,
    },
    StopFinding,
    PauseRun,
    /// From the next batch on.
    SetLearningRate(f64),
    ContinueRun,
    /// When the epoch is done.
    FinishEpoch,
    StopRun,
    /// Follow a run that another process trains, or no more.
    Watch(Option<String>),
    /// Ask a run of another process.
    Ask {
        run_id: String,
        kind: CommandKind,
        value: Option<f64>,
    },
    LoadRuns,
    LoadRun {
        run_id: String,
    },
    /// Something for the Runs screen.
    Runs(RunsWork),
    /// Put a text into the terminal's clipboard.
    Copy(String),
    /// What these runs went through.
    LoadEarlier {
        /// The run that they are laid behind.
        behind: String,
        run_ids: Vec<String>,
    },
    LoadLog {
        run_id: String,
    },
    /// Tell the user, who may be elsewhere.
    Notify(String),
    /// Write its model card into the working folder.
    WriteReport {
        run_id: String,
    },
    /// Make its stored figures again and compare.
    VerifyRun {
        run_id: String,
    },
    LoadCases {
        request: u64,
        wanted: Wanted,
    },
    Show(Box<View>),
    /// Find the images of a run's data set that are most like one; the features of all are computed first where they are not
    /// there yet, until it is stopped.
    FindSimilar {
        request: u64,
        run_id: String,
        index: usize,
        file: PathBuf,
    },
    StopSimilar,
    /// Make small pictures of images, by their numbers.
    LoadTiles {
        request: u64,
        images: Vec<(usize, PathBuf)>,
    },
}

/// A heat map and how it is laid over a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    pub map: Arc<HeatMap>,
    /// 0 to 1.
    pub strength: f32,
    pub colours: ColourMap,
}

/// What stands beside the picture.
#[derive(Debug, Clone, PartialEq)]
pub enum Beside {
    /// The square that the network gets, of so many pixels a side.
    Input(usize),
    /// The picture again, with the heat map of the other run.
    Other(Overlay),
}

/// Where the network looks for each class.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// NORMAL, PNEUMONIA.
    pub maps: [Arc<HeatMap>; 2],
    /// How much of each lies where no lung is; `None` of a map without any heat.
    pub placed: [Option<Placed>; 2],
}

/// The deletion check of a heat map.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    pub class: Class,
    /// Mean probability of the class as the hottest areas go first, 0 to 1.
    pub by_heat: f64,
    /// The least and the most of the same as areas go in random orders.
    pub by_chance: [f64; 2],
    /// In words.
    pub verdict: String,
}

/// Where the heat of a map lies, and where that of an even one would: at few places a side much is always at the border.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    pub own: Shares,
    pub even: Shares,
}

/// Shares of a heat map's sum, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// At the picture's border.
    pub border: f64,
    /// Outside the box in which lungs lie as a rule.
    pub outside: f64,
}

/// A picture that is wanted, and what may be done with it.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub generation: u64,
    /// The case's place in the list.
    pub index: usize,
    pub file: PathBuf,
    pub look: Look,
    pub part: Part,
    /// Laid over it.
    pub heat: Option<Overlay>,
    pub beside: Option<Beside>,
    /// With the prediction, find out where the network looks.
    pub explain: bool,
    /// Find out where this other run's network looks, too.
    pub explain_other: Option<String>,
    /// Check the heat map of this class.
    pub check: Option<Class>,
    /// It is from anywhere: say where it does not look like the training images.
    pub is_foreign: bool,
    /// Predict it by this run's network once the picture is shown; `None` where the answer is known.
    pub predict_with: Option<String>,
    /// To be decoded ahead when nothing else is to do.
    pub neighbours: Vec<PathBuf>,
}
