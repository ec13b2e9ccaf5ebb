//! What the upstream is to answer, and when it said each piece: both travel inside ordinary text, so that they pass
//! through the product unchanged.

use std::fmt;
use std::time::Duration;

use crate::clock;

/// An answer, told to the upstream inside the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    /// By [`clock::now`].
    pub asked_at: u64,
    /// From the arrival of the request to the first chunk.
    pub first_after: Duration,
    /// From one chunk to the next.
    pub interval: Duration,
    pub chunks: u32,
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked_at, first_after, interval, chunks } = self;
        write!(f, "#{asked_at} {} {} {chunks} chunks", first_after.as_micros(), interval.as_micros())
    }
}

impl Script {
    /// The script inside the body of a request.
    pub fn find(body: &[u8]) -> Option<Self> {
        let begin = body.iter().position(|byte| *byte == b'#')? + 1;
        let text = String::from_utf8_lossy(&body[begin..]);
        let mut numbers = text.split(' ').map_while(|word| word.parse::<u64>().ok());
        let mut next = || numbers.next();
        Some(Self {
            asked_at: next()?,
            first_after: Duration::from_micros(next()?),
            interval: Duration::from_micros(next()?),
            chunks: next()?.try_into().ok()?,
        })
    }
}

/// A piece of text that says when it was sent.
pub fn stamped() -> String {
    format!("@{} and so on", clock::now())
}

/// Finds the stamps in what arrives, however it was cut and whatever is around them.
#[derive(Debug, Default)]
pub struct StampReader {
    /// The digits so far.
    unfinished: Option<u64>,
}

impl StampReader {
    pub fn read(&mut self, bytes: &[u8], mut found: impl FnMut(u64)) {
        for byte in bytes {
            match (byte, self.unfinished) {
                (b'@', _) => self.unfinished = Some(0),
                (b'0'..=b'9', Some(number)) => {
                    self.unfinished = Some(number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')));
                }
                (_, Some(number)) => {
                    self.unfinished = None;
                    if number > 0 {
                        found(number);
                    }
                }
                (_, None) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_found_in_the_request_that_carries_it() {
        let script = Script {
            asked_at: 123_456,
            first_after: Duration::from_millis(100),
            interval: Duration::from_millis(50),
            chunks: 140,
        };
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{script}"}}]}}"#);
        assert_eq!(Script::find(body.as_bytes()), Some(script));
        assert_eq!(Script::find(b"{\"model\":\"m\"}"), None);
    }

    #[test]
    fn stamps_are_found_however_the_bytes_are_cut() {
        let bytes = b"{\"text\":\"@12 and\"}\n{\"text\":\"a@b @345 so\"}\n";
        for size in 1..bytes.len() {
            let (mut reader, mut stamps) = (StampReader::default(), Vec::new());
            bytes.chunks(size).for_each(|piece| reader.read(piece, |stamp| stamps.push(stamp)));
            assert_eq!(stamps, [12, 345], "in pieces of {size}");
        }
    }
}
