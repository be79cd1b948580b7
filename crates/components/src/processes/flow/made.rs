//! Messages that a flow makes: by a transform, from a text, or as a copy with other values.

use std::sync::Arc;

use model::{BodyClass, HostContext, MessageBody};
use rules::Transform;
use script::Desk;

use super::super::transforming;
use super::expression::View;
use super::instance::Fault;
use super::program::Source;
use super::run::Run;

fn fault(name: &str, reason: String) -> Fault {
    Fault { name: name.to_owned(), reason }
}

/// The message of a source that is not there already.
pub(super) async fn make(
    source: &Source,
    run: &mut Run<'_>,
    host: &HostContext,
) -> Result<MessageBody, Fault> {
    match source {
        Source::Message(name) => Err(fault("missing", format!("there is no message \"{name}\" yet"))),
        Source::Text { text, of } => Ok(MessageBody::new(BodyClass::TEXT, text.render(&run.view(of))?)),
        Source::Transform { name, of } => {
            let unknown = || fault("transform", format!("there is no transform \"{name}\" any more"));
            let transform = run.program.transforms.get(name).ok_or_else(unknown)?;
            transformed(&[transform], of, run, host).await
        }
        Source::Chain { transforms, of } => transformed(transforms, of, run, host).await,
        Source::Set { of, values } => {
            let view = run.view(of);
            let Some(message) = view.message() else { return Err(no_hl7(of)) };
            let mut editor = hl7::edit::Editor::of(message);
            for (path, value) in values {
                let text = value.text(&view)?;
                let set = editor.set(path, &text);
                set.map_err(|error| fault("set", format!("\"{path}\" cannot be set: {error}")))?;
            }
            let made = editor.finish();
            body_of(&made, run.program.types.of(&made), of, run)
        }
    }
}

async fn transformed(
    transforms: &[Arc<Transform>],
    of: &str,
    run: &mut Run<'_>,
    host: &HostContext,
) -> Result<MessageBody, Fault> {
    let made = match transforms.iter().any(|transform| transform.has_code()) {
        true => run.transformed_by_code(transforms, of, host).await?,
        false => chain(transforms, &run.view(of), of, None)?,
    };
    let doc_type = run.program.types.of_made(&made, transforms);
    body_of(&made, doc_type, of, run)
}

/// What transforms make of a message of the flow.
pub(super) fn chain(
    transforms: &[Arc<Transform>],
    view: &View<'_>,
    of: &str,
    desk: Option<&mut Desk<'_>>,
) -> Result<hl7::Message, Fault> {
    let message = view.message().ok_or_else(|| no_hl7(of))?;
    let made = transforming::chain(transforms, message, &view.facts(), desk);
    made.map_err(|error| fault("transform", error.to_string()))
}

fn no_hl7(of: &str) -> Fault {
    fault("missing", format!("\"{of}\" is no HL7 message"))
}

/// A message as a body of that type, in the charset of the one it was made of.
fn body_of(message: &hl7::Message, doc_type: String, of: &str, run: &Run<'_>) -> Result<MessageBody, Fault> {
    let (charset, name) = match run.bodies.get(of) {
        Some(body) => (body.charset().to_owned(), body.name().to_owned()),
        None => (String::new(), String::new()),
    };
    let bytes = hl7::write::to_ended_bytes(message).map_err(|error| fault("charset", error.to_string()))?;
    Ok(MessageBody::described(BodyClass::HL7, bytes, doc_type, charset, name))
}
