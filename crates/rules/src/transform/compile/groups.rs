//! Steps on whole groups: copied with all their segments, and taken out.

use hl7::schema::{GroupPath, check_path};

use super::super::paths::{TargetGroup, TargetPath, has_groups, said};
use super::{Action, How, Steps, ValueDef};
use crate::ExprError;

/// What is wrong was told.
pub(super) struct Told;

impl Steps<'_, '_> {
    /// A step that puts groups somewhere; none where it is about something else.
    pub(super) fn put_groups(
        &mut self,
        how: How,
        key: &str,
        text: &str,
        value: &ValueDef,
        place: &str,
    ) -> Option<Result<Action, Told>> {
        let (from, what) = match value {
            ValueDef::From(from) => (GroupPath::read(from.trim(), &self.reads.paths).ok(), "from"),
            ValueDef::Text(_) => (None, "value"),
        };
        let path = match (self.target_groups(key, text, from.is_some(), place)?, from) {
            (Err(told), _) => return Some(Err(told)),
            (Ok(path), Some(from)) => return Some(self.put_checked(how, path, from, place)),
            (Ok(path), None) => path,
        };
        let message = format!("\"{}\" is a whole group; expected one to copy", path.written);
        let mut error = ExprError::new(0..0, message).help(format!("write from: {}", path.written));
        if let ValueDef::From(from) = value
            && let Err(unknown) = GroupPath::read(from.trim(), &self.reads.paths)
            && unknown.help.is_some()
        {
            // Most likely a group whose name is misspelt.
            error = said(unknown);
        }
        self.report(place).error(what, error);
        Some(Err(Told))
    }

    fn put_checked(
        &mut self,
        how: How,
        path: TargetGroup,
        from: GroupPath,
        place: &str,
    ) -> Result<Action, Told> {
        if !from.is_target() && !has_groups(self.sides[0], self.all.schemas, &from) {
            let message = format!("{} has no group {}", self.said(0), last(&from));
            self.report(place).warning("from", ExprError::new(0..0, message));
        }
        if from.is_plural() && how != How::Append && !path.path.is_plural() {
            let message = format!("this gives several groups, and \"{}\" is one", path.written);
            let help = "choose one, as in [1], write [*] on both sides, or use for_each";
            self.report(place).error("from", ExprError::new(0..0, message).help(help));
            return Err(Told);
        }
        Ok(Action::PutGroups { how, path, from })
    }

    /// A step that takes groups out; none where it is about something else.
    pub(super) fn remove_groups(&mut self, text: &str, place: &str) -> Option<Result<Action, Told>> {
        Some(self.target_groups("remove", text, false, place)?.map(Action::RemoveGroups))
    }

    /// Tells that groups cannot be emptied; none where it is about something else.
    pub(super) fn clear_groups(&mut self, text: &str, place: &str) -> Option<Told> {
        if let Ok(group) = self.target_groups("clear", text, false, place)? {
            let message = format!("\"{}\" is a whole group, of which nothing would stay", group.written);
            let error = ExprError::new(0..text.len(), message).help("take it out with remove");
            self.report(place).error("clear", error);
        }
        Some(Told)
    }

    /// The groups that are written to; none where a text means something else. `from_groups` says whether
    /// groups are to be put there.
    fn target_groups(
        &mut self,
        key: &str,
        text: &str,
        from_groups: bool,
        place: &str,
    ) -> Option<Result<TargetGroup, Told>> {
        let written = text.trim();
        match GroupPath::read(written, &self.writes) {
            Ok(path) if has_groups(self.sides[1], self.all.schemas, &path) => {
                Some(Ok(TargetGroup { path, written: written.to_owned() }))
            }
            Ok(path) => {
                let message = format!("{} has no group {}", self.said(1), last(&path));
                let mut error = ExprError::new(0..text.len(), message);
                error.help = Some("name another target, or a group of this one".to_owned());
                self.report(place).error(key, error);
                Some(Err(Told))
            }
            Err(_) if check_path(written, &self.writes).is_ok() => {
                if from_groups && let Some(path) = self.target_path(key, text, place) {
                    self.no_group(&path, place);
                }
                from_groups.then_some(Err(Told))
            }
            Err(error) if from_groups || looks_like_groups(written) => {
                self.report(place).error(key, said(error));
                Some(Err(Told))
            }
            Err(_) => None,
        }
    }

    fn no_group(&mut self, path: &TargetPath, place: &str) {
        let message = format!("this is a whole group, and \"{}\" is none", path.written);
        let help = "copy it into a group, or name a segment of it, as in ORDER_OBSERVATION.OBR";
        self.report(place).error("from", ExprError::new(0..0, message).help(help));
    }

    /// The doc type of a side, as it is told.
    fn said(&self, side: usize) -> String {
        self.sides[side].doc_type.clone().unwrap_or_default().to_string()
    }
}

/// Whether a text that names nothing was most likely meant for groups.
fn looks_like_groups(text: &str) -> bool {
    let word = |part: &str| part.split('[').next().is_some_and(|word| word.len() > 3);
    text.contains('_') && !text.contains('-') && text.split('.').all(word)
}

/// The name of the group that a path leads to.
fn last(path: &GroupPath) -> &str {
    path.names().next_back().unwrap_or_default()
}
