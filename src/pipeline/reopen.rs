//! Which tasks of a pipeline are to be done again where it goes on.

use super::evaluation::Evaluation;
use crate::store::{Pipeline, TaskName, TaskState};

/// Lets those tasks wait that are not done, or were done on what is no longer so. The data are always checked again.
///
/// `champion` is the champion's version now: figures that compare with an earlier one say nothing.
pub fn reopen(pipeline: &mut Pipeline, champion: Option<i64>) {
    let first = first_to_do(pipeline, champion);
    for task in &mut pipeline.tasks {
        if task.name == TaskName::CheckData || task.name >= first {
            task.state = TaskState::Waiting;
        }
    }
}

fn first_to_do(pipeline: &Pipeline, champion: Option<i64>) -> TaskName {
    let is_done = |name| pipeline.task(name).is_some_and(|task| task.state == TaskState::Done);
    let is_stale = Evaluation::of(pipeline).is_none_or(|found| found.champion.is_asked_of_another(champion));
    match () {
        () if !is_done(TaskName::Train) || pipeline.run_id.is_none() => TaskName::Train,
        () if !is_done(TaskName::Evaluate) || is_stale => TaskName::Evaluate,
        () if !is_done(TaskName::Gate) => TaskName::Gate,
        () => TaskName::Promote,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use super::*;
    use crate::dataset::Split;
    use crate::metrics::gate::Measured;
    use crate::pipeline::evaluation::Champion;
    use crate::store::{PipelineState, Task};

    /// With tasks in these states, and an evaluation where it is done.
    fn pipeline(states: [TaskState; 5], champion: Champion) -> Pipeline {
        let evaluation = Evaluation {
            split: Split::Test,
            images: 6,
            threshold: 0.5,
            measured: Measured::default(),
            looks: Some(1),
            champion,
        };
        let task = |(name, state): (TaskName, TaskState)| Task {
            name,
            state,
            attempts: 1,
            seconds: 1.0,
            started_at: None,
            ended_at: None,
            record: (name == TaskName::Evaluate).then(|| json!(evaluation)),
            problem: None,
        };
        Pipeline {
            id: 1,
            name: "pipeline-1".into(),
            settings: Value::Null,
            data: PathBuf::from("/data"),
            data_hash: None,
            state: PipelineState::Stopped,
            run_id: Some("a".into()),
            started_at: String::new(),
            ended_at: None,
            tasks: TaskName::ALL.into_iter().zip(states).map(task).collect(),
        }
    }

    #[test]
    fn it_goes_on_from_the_task_that_was_not_done() {
        use TaskState::{Done, Failed, Refused, Skipped, Waiting};
        let cases = [
            ([Failed, Waiting, Waiting, Waiting, Waiting], 0),
            ([Done, Failed, Waiting, Waiting, Waiting], 1),
            ([Done, Done, Failed, Waiting, Waiting], 2),
            // The gate is asked again, and training is not done again.
            ([Done, Done, Done, Refused, Skipped], 3),
            ([Done, Done, Done, Done, Failed], 4),
        ];
        for (states, first) in cases {
            let mut pipeline = pipeline(states, Champion::None);
            reopen(&mut pipeline, None);
            let waiting: Vec<bool> = pipeline.tasks.iter().map(|task| task.state == Waiting).collect();
            let expected: Vec<bool> = (0..5).map(|place| place == 0 || place >= first).collect();
            assert_eq!(waiting, expected, "{states:?}");
        }
    }

    #[test]
    fn figures_against_another_champion_are_made_again() {
        let states = [TaskState::Done, TaskState::Done, TaskState::Done, TaskState::Done, TaskState::Failed];
        let evaluated_again = |asked: Champion, champion| {
            let mut pipeline = pipeline(states, asked);
            reopen(&mut pipeline, champion);
            pipeline.tasks[2].state == TaskState::Waiting
        };
        assert!(evaluated_again(Champion::None, Some(1)), "there is one now");
        assert!(!evaluated_again(Champion::None, None));
        assert!(!evaluated_again(Champion::NotAsked, Some(1)));
    }

    #[test]
    fn a_run_that_was_deleted_is_trained_again() {
        let mut pipeline = Pipeline { run_id: None, ..pipeline([TaskState::Done; 5], Champion::None) };
        reopen(&mut pipeline, None);
        assert_eq!(pipeline.tasks[1].state, TaskState::Waiting);
    }
}
