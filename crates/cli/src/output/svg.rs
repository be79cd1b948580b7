//! What all SVG pictures share: the palette for light and dark, escaping, and the width of text.

/// The palette and the classes of text, for light and, by media query, for dark.
pub(crate) const STYLE: &str = "\
svg{--bg:#fff;--card:#fff;--line:#cfd6df;--hair:#e9edf2;--text:#1b2430;--muted:#67758a;--blue:#2563eb;\
--green:#15803d;--red:#c81e1e;--amber:#b45309;--service:#eef5ff;--process:#f4f1ff;--operation:#eefaf3;--other:#f5f6f8;\
background:var(--bg);font-family:ui-sans-serif,system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\
@media(prefers-color-scheme:dark){svg{--bg:#0f141b;--card:#1a222c;--line:#3a4756;--hair:#1e2731;--text:#e7ecf3;\
--muted:#92a1b5;--blue:#6ea8fe;--green:#4ade80;--red:#f87171;--amber:#fbbf24;--service:#121c2b;--process:#191830;\
--operation:#11211b;--other:#171d25}}\
text{fill:var(--text);font-size:12.5px}.title{font-size:20px;font-weight:650}.muted{fill:var(--muted)}\
.small{font-size:11px}.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:11.5px}\
.name{font-size:13px;font-weight:600}.group{font-size:11px;font-weight:600;letter-spacing:.08em;fill:var(--muted)}\
.halo{paint-order:stroke;stroke:var(--bg);stroke-width:5px;stroke-linejoin:round}\
.card{fill:var(--card);stroke:var(--line)}.service{fill:var(--service)}.process{fill:var(--process)}\
.operation{fill:var(--operation)}.other{fill:var(--other)}\
";

/// `text` as it may stand between tags and in attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML 1.0 has no place for other control characters.
            '\n' | '\t' => escaped.push(' '),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// About how wide `text` is, in pixels, at `size`; generous, since fonts differ.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let em = |character: char| match character {
        'i' | 'l' | 'j' | 't' | 'f' | 'r' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' => 0.36,
        'm' | 'w' | 'M' | 'W' => 0.92,
        upper if upper.is_uppercase() => 0.72,
        _ => 0.58,
    };
    text.chars().map(em).sum::<f64>() * size
}

/// The class of a kind of host, which gives its tint.
pub(crate) fn tint(kind: model::BusinessType) -> &'static str {
    match kind {
        model::BusinessType::BusinessService => "service",
        model::BusinessType::BusinessProcess => "process",
        model::BusinessType::BusinessOperation => "operation",
        model::BusinessType::Unknown => "other",
    }
}

/// Whether every tag is closed in order, every attribute quoted and no character left raw.
#[cfg(test)]
pub(crate) fn check_well_formed(text: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        check_references(&rest[..start]);
        let end = rest[start..].find('>').expect("a tag that is not closed") + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('!') || tag.starts_with('?') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closes what is not open");
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap_or_default().to_owned();
        assert!(tag.matches('"').count().is_multiple_of(2), "odd quotes in <{tag}>");
        check_references(tag);
        if name == "style" {
            rest = &rest[rest.find("</style>").expect("a style that is not closed")..];
        }
        if !tag.ends_with('/') && !["meta", "br"].contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[cfg(test)]
fn check_references(text: &str) {
    for after in text.split('&').skip(1) {
        let name = after.split(';').next().unwrap_or_default();
        assert!(["amp", "lt", "gt", "quot", "#39"].contains(&name), "raw & before {name:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_taken_for_markup() {
        assert_eq!(escape("a<b> & \"c\"\u{b}'"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}&#39;");
    }

    #[test]
    fn capitals_are_wider_than_dots() {
        assert!(width("WWW", 12.0) > width("...", 12.0));
    }
}
