//! Looking ahead, for the few structures in which the first place that fits is a wrong one.
//!
//! `{DIET: ORC [TQ1] [ODS]} [{TRAY: ORC [TQ1] ODT}]`: whether an ORC begins another DIET or a TRAY
//! shows two segments later. So where the walk found problems, it is asked from the end of the message
//! backwards at which places each segment could stand so that all behind it fit, too. If the whole
//! message fits, the walk is done again and takes only such places. Each segment is looked at once.

use super::plan::{Plan, Set};

/// Which segments of a structure can stand next to each other, by the numbers of their nodes.
#[derive(Debug, Default)]
pub(super) struct Follow {
    /// What each node can begin with.
    pub(super) firsts: Vec<Set>,
    /// What each node can end with.
    lasts: Vec<Set>,
    /// What can stand behind a segment.
    next: Vec<Set>,
}

impl Follow {
    pub(super) fn of(plan: &Plan) -> Follow {
        let count = plan.nodes.len();
        let empty = || vec![Set::default(); count];
        let mut follow = Follow { firsts: empty(), lasts: empty(), next: empty() };
        for at in (0..count).rev() {
            follow.sum_up(plan, at);
        }
        follow
    }

    fn sum_up(&mut self, plan: &Plan, at: usize) {
        let node = &plan.nodes[at];
        if node.segment.is_some() {
            self.firsts[at].add(at as u16);
            self.lasts[at].add(at as u16);
        }
        let (mut firsts, mut lasts) = (self.firsts[at].clone(), self.lasts[at].clone());
        let (mut begins, mut ends) = (true, true);
        for child in node.children.clone() {
            if begins || node.choice {
                firsts.add_all(&self.firsts[child]);
            }
            begins &= !plan.nodes[child].needed;
        }
        for child in node.children.clone().rev() {
            if ends || node.choice {
                lasts.add_all(&self.lasts[child]);
            }
            ends &= !plan.nodes[child].needed;
        }
        if !node.choice {
            for child in node.children.clone() {
                self.link_onwards(plan, child, node.children.end);
            }
        }
        (self.firsts[at], self.lasts[at]) = (firsts, lasts);
        if node.max != Some(1) {
            let firsts = self.firsts[at].clone();
            self.link(at, &firsts);
        }
    }

    /// What ends a child is followed by what begins those behind it, up to the first that is needed.
    fn link_onwards(&mut self, plan: &Plan, child: usize, end: usize) {
        for behind in child + 1..end {
            let firsts = self.firsts[behind].clone();
            self.link(child, &firsts);
            if plan.nodes[behind].needed {
                break;
            }
        }
    }

    fn link(&mut self, from: usize, to: &Set) {
        for last in 0..self.next.len() {
            if self.lasts[from].has(last as u16) {
                self.next[last].add_all(to);
            }
        }
    }

    /// For each segment the places from which all behind it fit; none if the message does not fit.
    pub(super) fn guide<'a>(
        &self,
        plan: &Plan,
        ids: impl DoubleEndedIterator<Item = &'a str>,
    ) -> Option<Vec<Vec<usize>>> {
        let mut guide = Vec::new();
        // What can stand behind the segment that is looked at; none at the end of the message.
        let mut behind: Option<Set> = None;
        for id in ids.rev() {
            let number = plan.number(id);
            if number.is_none() && plan.any.is_none() {
                guide.push(Vec::new());
                continue;
            }
            let takes = |at: &usize| {
                let own = plan.nodes[*at].segment;
                own.is_some() && (own == number || own == plan.any)
            };
            let fits = |at: &usize| match &behind {
                None => self.lasts[0].has(*at as u16),
                Some(behind) => self.next[*at].meets(behind),
            };
            let places: Vec<_> = (1..plan.nodes.len()).filter(takes).filter(fits).collect();
            let mut set = Set::default();
            places.iter().for_each(|at| set.add(*at as u16));
            behind = Some(set);
            guide.push(places);
        }
        guide.reverse();
        behind.filter(|first| self.firsts[0].meets(first)).map(|_| guide)
    }
}
