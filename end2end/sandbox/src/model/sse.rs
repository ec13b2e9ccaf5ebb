//! Server-sent events, with the liberties that scripts take.

use crate::model::script::Script;

/// Writes the events of one reply.
#[derive(Debug)]
pub(crate) struct EventWriter {
    line_end: &'static str,
    has_comments: bool,
    /// The size of the next chunk's frame; taken by the first.
    frame_bytes: Option<usize>,
}

impl EventWriter {
    /// Writes as the script says.
    pub(crate) fn new(script: &Script) -> Self {
        Self {
            line_end: if script.crlf { "\r\n" } else { "\n" },
            has_comments: script.comments,
            frame_bytes: script.frame_bytes,
        }
    }

    /// An event, with a name for vendors that use them.
    pub(crate) fn event(&self, name: Option<&str>, data: &str) -> String {
        let end = self.line_end;
        let comment = if self.has_comments { format!(": keep-alive{end}{end}") } else { String::new() };
        comment + &self.frame(name, data)
    }

    /// An event with a JSON object that holds a chunk. The first one is padded to the size that the script asks for.
    pub(crate) fn chunk(&mut self, name: Option<&str>, json: &str) -> String {
        match self.frame_bytes.take() {
            None => self.event(name, json),
            Some(size) => {
                let missing = size.saturating_sub(self.frame(name, json).len());
                self.event(name, &padded(json, missing))
            }
        }
    }

    /// A JSON object that is the whole body, padded like a chunk.
    pub(crate) fn whole(&self, json: &str) -> String {
        let missing = self.frame_bytes.unwrap_or(0).saturating_sub(json.len());
        padded(json, missing)
    }

    fn frame(&self, name: Option<&str>, data: &str) -> String {
        let end = self.line_end;
        let name = name.map(|name| format!("event: {name}{end}")).unwrap_or_default();
        format!("{name}data: {data}{end}{end}")
    }
}

/// Puts spaces before the closing brace of a JSON object, where they mean nothing.
fn padded(json: &str, spaces: usize) -> String {
    match json.strip_suffix('}') {
        Some(inside) => format!("{inside}{}}}", " ".repeat(spaces)),
        None => json.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frame_is_padded_to_the_byte() {
        let mut writer = EventWriter::new(&Script { frame_bytes: Some(100_000), ..Script::default() });
        let frame = writer.chunk(Some("ping"), r#"{"text":"日本"}"#);
        assert_eq!(frame.len(), 100_000);
        assert!(frame.starts_with("event: ping\ndata: {\"text\":\"日本\"  ") && frame.ends_with(" }\n\n"));
        assert_eq!(writer.chunk(None, "{}"), "data: {}\n\n");
    }

    #[test]
    fn scripts_change_line_ends_and_add_comments() {
        let writer = EventWriter::new(&Script { crlf: true, comments: true, ..Script::default() });
        assert_eq!(writer.event(Some("a"), "{}"), ": keep-alive\r\n\r\nevent: a\r\ndata: {}\r\n\r\n");
    }
}
