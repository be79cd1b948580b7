//! How long whoever asked may have to wait for an answer, as far as the steps say it.

use std::time::Duration;

use super::Compiler;

/// What is known of the answer where the next step stands.
#[derive(Default)]
pub(super) struct Answer {
    /// Whether it may have been given.
    given: bool,
    /// Where it is waited for something before that, and how long.
    pub(super) waits: Vec<(String, Duration)>,
}

impl Answer {
    pub(super) fn is_given(&mut self) {
        self.given = true;
    }

    /// The step at that place waits so long.
    pub(super) fn waits(&mut self, path: &str, time: Option<Duration>) {
        if let Some(time) = time.filter(|_| !self.given) {
            self.waits.push((path.to_owned(), time));
        }
    }
}

impl Compiler {
    /// Compiles one of several ways; true when it never comes to its end. The others begin with what was
    /// known before it, and `after` gathers what is known behind all of them.
    pub(super) fn way(&mut self, after: &mut bool, steps: impl FnOnce(&mut Self) -> bool) -> bool {
        let before = self.answer.given;
        let ends = steps(self);
        *after |= self.answer.given && !ends;
        self.answer.given = before;
        ends
    }

    /// Goes on behind several ways.
    pub(super) fn ways_meet(&mut self, after: bool) {
        self.answer.given |= after;
    }

    /// Compiles a step that may be left out afterwards: what is then known of the answer is as before.
    pub(super) fn tried(&mut self, step: impl FnOnce(&mut Self) -> (bool, bool)) -> bool {
        let (places, given, waits) = (self.here(), self.answer.given, self.answer.waits.len());
        let (ends, left_out) = step(self);
        if left_out {
            self.take_back(places);
            self.answer.given = given;
            self.answer.waits.truncate(waits);
        }
        ends && !left_out
    }
}
