//! What the steps did, for those who asked to be told.

use super::Work;
use crate::Template;
use crate::transform::compile::{How, Read, Step};
use crate::transform::paths::TargetPath;
use crate::transform::{Traced, Transform};

impl Work<'_> {
    /// What stands at a path of the target, where somebody asked to be told.
    pub(super) fn seen(&mut self, path: &TargetPath) -> Option<String> {
        self.aids.traced.as_ref()?;
        let view = self.target.scoped(&self.target_rounds());
        Some(path.path.values(&view).join(", "))
    }

    pub(super) fn tell(&mut self, transform: &Transform, step: &Step, did: impl FnOnce() -> String) {
        let depth = self.depth;
        if let Some(traced) = &mut self.aids.traced {
            let (transform, step, line) = (transform.name.clone(), step.place.clone(), step.line);
            traced.push(Traced { transform, step, line, depth, did: did() });
        }
    }

    /// What a step says that is there for nothing else.
    pub(super) fn trace(&mut self, transform: &Transform, step: &Step, text: &Read<Template>) {
        if self.aids.traced.is_some() {
            let view = self.view(text.target);
            let said = text.what.render(&self.facts(&view));
            self.tell(transform, step, || format!("trace: {said}"));
        }
    }

    pub(super) fn tell_change(
        &mut self,
        transform: &Transform,
        step: &Step,
        word: &str,
        path: &TargetPath,
        before: Option<String>,
        count: usize,
    ) {
        let Some(before) = before else { return };
        let after = self.seen(path).unwrap_or_default();
        let did = match count {
            0 => format!("{word} {}: nothing to do", path.written),
            _ => format!("{word} {}: \"{before}\" -> \"{after}\"", path.written),
        };
        self.tell(transform, step, || did);
    }
}

impl How {
    pub(super) fn word(self) -> &'static str {
        match self {
            How::Set => "set",
            How::Append => "append",
            How::Insert => "insert",
        }
    }
}
