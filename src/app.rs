//! The screens' state and its one pure function, `App::update`: messages in, effects out; no I/O, no clock, no drawing.

pub mod action;
pub mod message;
pub mod scene;
