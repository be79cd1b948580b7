//! The characters of a drawn trace, in two sets.

/// The characters that a trace is drawn with.
pub(super) struct Pen {
    pub(super) lane: char,
    pub(super) request: char,
    pub(super) response: char,
    pub(super) crossing: char,
    pub(super) right: char,
    pub(super) left: char,
    pub(super) leaves_right: char,
    pub(super) leaves_left: char,
    pub(super) failed: char,
    pub(super) ended: char,
    pub(super) event: char,
    pub(super) rule: char,
    pub(super) more: &'static str,
    pub(super) between: &'static str,
}

/// Box characters.
pub(super) const UNICODE: Pen = Pen {
    lane: '│',
    request: '─',
    response: '╌',
    crossing: '┼',
    right: '►',
    left: '◄',
    leaves_right: '├',
    leaves_left: '┤',
    failed: '✕',
    ended: '●',
    event: '◆',
    rule: '─',
    more: "…",
    between: " · ",
};

/// Plain ASCII, for terminals and tickets that know nothing else.
pub(super) const ASCII: Pen = Pen {
    lane: '|',
    request: '-',
    response: '.',
    crossing: '+',
    right: '>',
    left: '<',
    leaves_right: '+',
    leaves_left: '+',
    failed: 'x',
    ended: 'o',
    event: '*',
    rule: '-',
    more: "..",
    between: ", ",
};
