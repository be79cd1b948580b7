//! A trace as one page that needs nothing beside itself: the picture, and each header beside it.
//!
//! No script: a message's arrow is a link, and CSS `:target` shows the header it leads to.

use super::layout::Picture;
use super::{Session, svg};
use crate::output::svg::escape;

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#fff;--card:#f7f8fa;--line:#dde2ea;--text:#1b2430;--muted:#67758a;--red:#c81e1e;--blue:#2563eb}\
@media(prefers-color-scheme:dark){:root{--bg:#0f141b;--card:#171f29;--line:#2b3643;--text:#e7ecf3;--muted:#92a1b5;--red:#f87171;--blue:#6ea8fe}}\
*{box-sizing:border-box}body{margin:0;display:flex;align-items:flex-start;background:var(--bg);color:var(--text);\
font:13px/1.45 ui-sans-serif,system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\
main{flex:1;min-width:0;overflow-x:auto}main svg{display:block}\
aside{position:sticky;top:0;width:400px;height:100vh;overflow-y:auto;padding:24px;background:var(--card);border-left:1px solid var(--line)}\
h2{font-size:15px;margin:0 0 12px}section{display:none}section:target{display:block}\
.all{display:block}aside:has(:target) .all{display:none}\
table{border-collapse:collapse;width:100%}th,td{padding:4px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:anywhere}\
th{font-weight:500;color:var(--muted);padding-right:14px;white-space:nowrap}td{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px}\
a{color:var(--blue);text-decoration:none}a:hover{text-decoration:underline}.error td,.error a{color:var(--red)}.back{float:right;font-size:12px;font-weight:400}\
@media(max-width:900px){body{display:block}aside{position:static;width:auto;height:auto;border:0;border-top:1px solid var(--line)}}\
";

/// The page of a session.
pub(crate) fn draw(session: &Session, picture: &Picture) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width\"/><title>{}</title><style>{STYLE}</style></head>\n\
         <body><main>{}</main>\n<aside>",
        escape(&picture.title),
        svg::draw(picture, true)
    );
    html += &list(session);
    for hop in &session.hops {
        let id = hop.header.id;
        html += &format!(
            "<section id=\"m{id}\"><h2>Message {id}<a class=\"back\" href=\"#\">all messages</a></h2><table>"
        );
        for (name, value) in hop.fields() {
            let class = if hop.header.is_error && name == "ErrorStatus" { " class=\"error\"" } else { "" };
            html += &format!("<tr{class}><th>{name}</th><td>{}</td></tr>", escape(&value));
        }
        html += "</table></section>\n";
    }
    html + "</aside></body></html>\n"
}

/// All messages, until one is chosen.
fn list(session: &Session) -> String {
    let mut html = String::from("<div class=\"all\"><h2>Messages</h2><table>");
    for hop in &session.hops {
        let header = &hop.header;
        let class = if header.is_error { " class=\"error\"" } else { "" };
        html += &format!(
            "<tr{class}><th><a href=\"#m{id}\">{id}</a></th><td>{} to {}</td></tr>",
            escape(&header.source),
            escape(if header.target.is_empty() { "nowhere" } else { &header.target }),
            id = header.id,
        );
    }
    html + "</table></div>\n"
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::output::svg::check_well_formed;

    #[test]
    fn every_arrow_leads_to_a_header_of_all_fields() {
        let session = samples::session();
        let html = draw(&session, &Picture::of(&session));
        check_well_formed(&html);
        for hop in &session.hops {
            let id = hop.header.id;
            assert!(html.contains(&format!("<a href=\"#m{id}\"><g class=")), "{id} has no link");
            assert!(html.contains(&format!("<section id=\"m{id}\">")), "{id} has no header");
        }
        assert_eq!(html.matches("<th>MessageBodyClassName</th>").count(), session.hops.len());
        assert!(!html.contains("http://") || html.matches("http").count() == 1, "only the SVG name space");
    }
}
