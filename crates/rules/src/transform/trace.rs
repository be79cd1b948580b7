//! What each step of a transform did, for people who asked for the content.

/// What one step did.
#[derive(Clone, PartialEq, Eq)]
pub struct Traced {
    /// The transform whose step it is.
    pub transform: String,
    /// The step, as in `steps[2].then[0]`.
    pub step: String,
    /// The line of its file; 0 where it has none.
    pub line: usize,
    /// How deep it stands in other steps.
    pub depth: usize,
    /// What it did, with values.
    pub did: String,
}

impl std::fmt::Debug for Traced {
    /// Shows which step it was, never what it did.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Traced")
            .field("transform", &self.transform)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
