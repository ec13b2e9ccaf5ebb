//! Server-sent events, framed on bytes: however the network cuts them, inside a character too, the same events come
//! out. <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>

/// A frame beyond this is no chat completion.
const MAX_FRAME_BYTES: usize = 1 << 20;

/// Collects bytes until events are whole.
#[derive(Debug, Default)]
pub(super) struct SseDecoder {
    /// Bytes of the line not ended yet.
    line: Vec<u8>,
    /// The `data` of the event not ended yet, each line with its end.
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a carriage return, so a line feed right after it ends no further line.
    is_after_cr: bool,
    has_begun: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SseError {
    #[error("a frame is larger than {MAX_FRAME_BYTES} bytes")]
    TooLarge,
    #[error("a frame is not UTF-8")]
    NotUtf8,
}

impl SseDecoder {
    /// The data of the events these bytes complete, up to the first that cannot be read.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Result<String, SseError>> {
        let mut events = Vec::new();
        for &byte in bytes {
            match self.take(byte) {
                Ok(event) => events.extend(event.map(Ok)),
                Err(error) => {
                    events.push(Err(error));
                    break;
                }
            }
        }
        events
    }

    fn take(&mut self, byte: u8) -> Result<Option<String>, SseError> {
        let is_after_cr = std::mem::replace(&mut self.is_after_cr, byte == b'\r');
        let event = match byte {
            b'\n' if is_after_cr => None,
            b'\n' | b'\r' => self.end_line()?,
            _ => {
                self.line.push(byte);
                None
            }
        };
        if self.line.len() + self.data.len() > MAX_FRAME_BYTES {
            return Err(SseError::TooLarge);
        }
        Ok(event)
    }

    fn end_line(&mut self) -> Result<Option<String>, SseError> {
        let line = std::mem::take(&mut self.line);
        let line =
            if self.has_begun { &line[..] } else { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&line) };
        self.has_begun = true;
        if line.is_empty() {
            return self.end_event();
        }
        if let Some(value) = field_value(line, b"data") {
            self.data.extend_from_slice(value);
            self.data.push(b'\n');
            self.has_data = true;
        }
        Ok(None)
    }

    fn end_event(&mut self) -> Result<Option<String>, SseError> {
        if !std::mem::take(&mut self.has_data) {
            return Ok(None);
        }
        let mut data = std::mem::take(&mut self.data);
        data.pop();
        String::from_utf8(data).map(Some).map_err(|_| SseError::NotUtf8)
    }
}

/// The value of a `name: value` line, without the one space the format allows.
fn field_value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(name)?;
    if rest.is_empty() {
        return Some(rest);
    }
    let value = rest.strip_prefix(b":")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{feff}: hello\r\ndata: {\"text\":\"你好 👋\"}\r\n\r\nevent: x\ndata:a\ndata: b\n\n\
                          id: 1\n\n: keep-alive\n\rdata\r\rdata: [DONE]\n\n";

    fn decode(pieces: impl Iterator<Item = impl AsRef<[u8]>>) -> Vec<String> {
        let mut decoder = SseDecoder::default();
        pieces.flat_map(|piece| decoder.push(piece.as_ref())).collect::<Result<_, _>>().expect("valid")
    }

    /// (11)
    #[test]
    fn every_way_of_cutting_the_bytes_gives_the_same_events() {
        let bytes = STREAM.as_bytes();
        let whole = decode(std::iter::once(bytes));
        assert_eq!(whole, ["{\"text\":\"你好 👋\"}", "a\nb", "", "[DONE]"]);
        for size in 1..bytes.len() {
            assert_eq!(decode(bytes.chunks(size)), whole, "in pieces of {size}");
        }
        for cut in 0..bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(decode([head, tail].iter()), whole, "cut at {cut}");
        }
    }

    #[test]
    fn an_endless_frame_is_refused() {
        let mut decoder = SseDecoder::default();
        let piece = vec![b'x'; MAX_FRAME_BYTES];
        assert_eq!(decoder.push(&piece), []);
        assert_eq!(decoder.push(b"x"), [Err(SseError::TooLarge)]);
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error_not_a_replacement_character() {
        assert_eq!(SseDecoder::default().push(b"data: \xff\n\n"), [Err(SseError::NotUtf8)]);
    }

    #[test]
    fn what_came_whole_before_an_error_is_not_lost_with_it() {
        let events = SseDecoder::default().push(b"data: a\n\ndata: \xff\n\ndata: b\n\n");
        assert_eq!(events, [Ok("a".to_owned()), Err(SseError::NotUtf8)]);
    }
}
