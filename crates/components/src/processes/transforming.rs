//! Transforms at work on a message, whichever process sends what they make.

use std::sync::Arc;

use hl7::Message;
use rules::{Facts, Transform, TransformError};
use script::Desk;

/// What transforms make of a message, one after the other; at a desk for scripts where there is code in them.
pub(super) fn chain(
    transforms: &[Arc<Transform>],
    message: &Message,
    facts: &Facts<'_>,
    mut desk: Option<&mut Desk<'_>>,
) -> Result<Message, TransformError> {
    let mut made = message.clone();
    for transform in transforms {
        made = match &mut desk {
            Some(desk) if transform.has_code() => transform.apply_with(&made, facts, *desk, None)?,
            _ => transform.apply(&made, facts)?,
        };
    }
    Ok(made)
}

/// Whether two chains are the same, so that what one has made of a message need not be made again.
pub(super) fn is_same(one: &[Arc<Transform>], other: &[Arc<Transform>]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Arc::ptr_eq(one, other))
}
