//! The functions themselves, for the prelude to build upon.

use rquickjs::function::IntoJsFunc;
use rquickjs::{Ctx, Function, IntoJs, Object, Result, String as JsString, Value};

use super::Shared;
use crate::messages::Found;
use crate::program::Purpose;
use crate::{Level, Verdict, Written};

/// Makes a function of `native`.
fn put<'js, P>(native: &Object<'js>, name: &str, function: impl IntoJsFunc<'js, P> + 'js) -> Result<()> {
    let function = Function::new(native.ctx().clone(), function)?;
    native.set(name, function.with_name(name)?)
}

pub(super) fn reading<'js>(native: &Object<'js>, state: &Shared) -> Result<()> {
    let s = state.clone();
    put(native, "get", move |ctx: Ctx<'js>, handle: u32, path: Value<'js>| -> Result<Value<'js>> {
        let path = s.text(&ctx, "path", &path)?;
        s.with(&ctx, |current| {
            let found = current.messages.get(handle, &path)?;
            Ok(match found {
                Found::Absent => Ok(Value::new_undefined(ctx.clone())),
                Found::Null => Ok(Value::new_null(ctx.clone())),
                Found::Text(text) => JsString::from_str(ctx.clone(), &text).map(|text| text.into_value()),
            })
        })?
    })?;
    let s = state.clone();
    put(native, "raw", move |ctx: Ctx<'js>, handle: u32, path: Value<'js>| -> Result<Value<'js>> {
        let path = s.text(&ctx, "path", &path)?;
        s.with(&ctx, |current| {
            let raw = current.messages.raw(handle, &path)?;
            Ok(match raw {
                None => Ok(Value::new_undefined(ctx.clone())),
                Some(raw) => raw.into_js(&ctx),
            })
        })?
    })?;
    let s = state.clone();
    put(native, "values", move |ctx: Ctx<'js>, handle: u32, path: Value<'js>| -> Result<Value<'js>> {
        let path = s.text(&ctx, "path", &path)?;
        let values = s.with(&ctx, |current| current.messages.values(handle, &path))?;
        let array = rquickjs::Array::new(ctx.clone())?;
        for (at, value) in values.into_iter().enumerate() {
            match value {
                Some(text) => array.set(at, text)?,
                None => array.set(at, Value::new_null(ctx.clone()))?,
            }
        }
        Ok(array.into_value())
    })?;
    let s = state.clone();
    put(native, "count", move |ctx: Ctx<'js>, handle: u32, path: Value<'js>| -> Result<u32> {
        let path = s.text(&ctx, "path", &path)?;
        s.with(&ctx, |current| Ok(current.messages.count(handle, &path)? as u32))
    })?;
    let s = state.clone();
    put(native, "text", move |ctx: Ctx<'js>, handle: u32| -> Result<Value<'js>> {
        s.with(&ctx, |current| Ok(current.messages.text(handle)?.into_js(&ctx)))?
    })?;
    let s = state.clone();
    put(native, "type", move |ctx: Ctx<'js>, handle: u32| -> Result<String> {
        s.with(&ctx, |current| current.messages.kind(handle))
    })
}

pub(super) fn changing<'js>(native: &Object<'js>, state: &Shared) -> Result<()> {
    let s = state.clone();
    put(
        native,
        "set",
        move |ctx: Ctx<'js>, handle: u32, path: Value<'js>, value: Value<'js>| -> Result<()> {
            let (path, value) = (s.text(&ctx, "path", &path)?, s.value(&ctx, &value)?);
            s.with(&ctx, |current| current.messages.set(handle, &path, value.as_deref()))
        },
    )?;
    let s = state.clone();
    put(
        native,
        "setRaw",
        move |ctx: Ctx<'js>, handle: u32, path: Value<'js>, value: Value<'js>| -> Result<()> {
            let (path, value) = (s.text(&ctx, "path", &path)?, s.text(&ctx, "value", &value)?);
            s.with(&ctx, |current| current.messages.set_raw(handle, &path, &value))
        },
    )?;
    let s = state.clone();
    put(
        native,
        "append",
        move |ctx: Ctx<'js>, handle: u32, path: Value<'js>, value: Value<'js>| -> Result<()> {
            let (path, value) = (s.text(&ctx, "path", &path)?, s.value(&ctx, &value)?);
            s.with(&ctx, |current| current.messages.append(handle, &path, value.as_deref()))
        },
    )?;
    let s = state.clone();
    put(native, "remove", move |ctx: Ctx<'js>, handle: u32, path: Value<'js>| -> Result<u32> {
        let path = s.text(&ctx, "path", &path)?;
        s.with(&ctx, |current| Ok(current.messages.remove(handle, &path)? as u32))
    })?;
    let s = state.clone();
    put(native, "read", move |ctx: Ctx<'js>, text: Value<'js>| -> Result<u32> {
        let text = s.text(&ctx, "message", &text)?;
        s.with(&ctx, |current| current.messages.read(&text))
    })?;
    let s = state.clone();
    put(native, "copy", move |ctx: Ctx<'js>, handle: u32| -> Result<u32> {
        s.with(&ctx, |current| current.messages.copy(handle))
    })
}

pub(super) fn segments<'js>(native: &Object<'js>, state: &Shared) -> Result<()> {
    let s = state.clone();
    put(native, "segments", move |ctx: Ctx<'js>, handle: u32, id: Value<'js>| -> Result<Vec<u32>> {
        let id = if id.is_undefined() { None } else { Some(s.text(&ctx, "segment id", &id)?) };
        s.with(&ctx, |current| current.messages.segments(handle, id.as_deref()))
    })?;
    let s = state.clone();
    put(native, "place", move |ctx: Ctx<'js>, handle: u32, key: u32| -> Result<String> {
        s.with(&ctx, |current| current.messages.place(handle, key))
    })?;
    let s = state.clone();
    put(native, "add", move |ctx: Ctx<'js>, handle: u32, text: Value<'js>| -> Result<u32> {
        let text = s.text(&ctx, "segment", &text)?;
        s.with(&ctx, |current| current.messages.add(handle, &text))
    })?;
    let s = state.clone();
    let insert =
        move |ctx: Ctx<'js>, handle: u32, path: Value<'js>, text: Value<'js>, after: bool| -> Result<u32> {
            let (path, text) = (s.text(&ctx, "path", &path)?, s.text(&ctx, "segment", &text)?);
            s.with(&ctx, |current| current.messages.insert(handle, &path, &text, after))
        };
    put(native, "insert", insert)
}

pub(super) fn doing<'js>(native: &Object<'js>, state: &Shared) -> Result<()> {
    let s = state.clone();
    put(native, "refuse", move |ctx: Ctx<'js>, text: String| -> Result<()> { Err(s.refuse(&ctx, &text)) })?;
    let s = state.clone();
    put(native, "now", move || s.current.borrow().now as f64)?;
    let s = state.clone();
    put(native, "fact", move |ctx: Ctx<'js>, name: String| s.current.borrow().fact(&ctx, &name))?;
    let s = state.clone();
    put(native, "variable", move |name: String| s.current.borrow().variable(&name).map(str::to_owned))?;
    let s = state.clone();
    put(native, "setVariable", move |ctx: Ctx<'js>, name: Value<'js>, value: Value<'js>| -> Result<()> {
        let (name, text) = (s.text(&ctx, "name", &name)?, s.value(&ctx, &value)?);
        s.with(&ctx, |current| current.set_variable(name, text.unwrap_or_default()))
    })?;
    let s = state.clone();
    let send = move |ctx: Ctx<'js>, target: Value<'js>, body: Value<'js>, why: Value<'js>| -> Result<()> {
        let target = s.text(&ctx, "target", &target)?;
        let body = s.body(&ctx, &body)?;
        let description = if why.is_undefined() { String::new() } else { s.text(&ctx, "description", &why)? };
        s.with(&ctx, |current| current.send(&target, body, description))
    };
    put(native, "send", send)?;
    let s = state.clone();
    put(native, "answer", move |ctx: Ctx<'js>, body: Value<'js>| -> Result<()> {
        let body = s.body(&ctx, &body)?;
        s.current.borrow_mut().answer = Some(body);
        Ok(())
    })?;
    let s = state.clone();
    put(native, "say", move |ctx: Ctx<'js>, level: usize, text: Value<'js>| -> Result<()> {
        const LEVELS: [Level; 5] = [Level::Trace, Level::Info, Level::Warning, Level::Error, Level::Alert];
        let text = s.text(&ctx, "text", &text)?;
        s.with(&ctx, |current| current.say(LEVELS[level.min(LEVELS.len() - 1)], text))
    })?;
    let s = state.clone();
    put(native, "end", move |ctx: Ctx<'js>, how: u32, reason: Value<'js>| -> Result<()> {
        let reason = s.text(&ctx, "reason", &reason)?;
        let verdict = match how {
            0 => Verdict::Discard(reason),
            1 => Verdict::Reject(reason),
            _ => Verdict::Suspend(reason),
        };
        s.with(&ctx, |current| current.end_with(verdict))?;
        Err(s.refuse(&ctx, "the script has ended the message"))
    })
}

pub(super) fn sockets<'js>(native: &Object<'js>, state: &Shared) -> Result<()> {
    let s = state.clone();
    put(native, "sockets", move |ctx: Ctx<'js>| -> Result<String> {
        let open = s.with(&ctx, |current| Ok(current.door.sockets()?))?;
        let list = open.into_iter().map(|socket| {
            serde_json::json!({
                "id": socket.id,
                "sessionId": socket.session_id,
                "address": socket.address,
                "user": socket.user,
                "origin": socket.origin,
                "connected": socket.connected,
            })
        });
        Ok(serde_json::Value::Array(list.collect()).to_string())
    })?;
    let s = state.clone();
    put(native, "write", move |ctx: Ctx<'js>, id: Value<'js>, text: Value<'js>| -> Result<&'static str> {
        let (id, text) = (s.socket(&ctx, &id)?, s.text(&ctx, "text", &text)?);
        let written = s.with(&ctx, |current| Ok(current.door.write(id, &text)?))?;
        Ok(match written {
            Written::Ok => "ok",
            Written::Full => "full",
            Written::Closed => "closed",
            Written::TimedOut => "timeout",
        })
    })?;
    let s = state.clone();
    put(native, "forget", move |ctx: Ctx<'js>, id: Value<'js>| -> Result<bool> {
        let id = s.socket(&ctx, &id)?;
        s.with(&ctx, |current| Ok(current.door.forget(id)?))
    })
}

pub(super) fn tables<'js>(native: &Object<'js>, state: &Shared) -> Result<()> {
    let s = state.clone();
    let lookup = move |ctx: Ctx<'js>,
                       table: Value<'js>,
                       key: Value<'js>,
                       has_default: bool|
          -> Result<Option<String>> {
        let (table, key) = (s.text(&ctx, "table", &table)?, s.text(&ctx, "key", &key)?);
        s.with(&ctx, |current| Ok(current.lookup(&table, &key, has_default)?.map(str::to_owned)))
    };
    put(native, "lookup", lookup)?;
    let s = state.clone();
    put(native, "exists", move |ctx: Ctx<'js>, table: Value<'js>, key: Value<'js>| -> Result<bool> {
        let (table, key) = (s.text(&ctx, "table", &table)?, s.text(&ctx, "key", &key)?);
        s.with(&ctx, |current| Ok(current.table(&table)?.get(&key).is_some()))
    })
}

/// What is there for the steps of transforms.
pub(super) fn transforms<'js>(native: &Object<'js>, state: &Shared) -> Result<()> {
    native.set("isTransform", state.current.borrow().purpose == Purpose::Transform)?;
    let s = state.clone();
    // The keys of the two segments and the number of the repetition; keys are the numbers of segments
    // that a script has not changed yet.
    put(native, "turn", move || -> Option<Vec<f64>> {
        let turn = s.current.borrow().turn?;
        let key = |line: Option<usize>| line.map_or(-1.0, |line| line as f64);
        Some(vec![key(turn.source), key(turn.target), f64::from(turn.repetition)])
    })
}
