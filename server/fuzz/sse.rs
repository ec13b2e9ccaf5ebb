//! Any bytes, cut anywhere, give the events that a plain reading of the standard gives.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[path = "../src/providers/llm/sse.rs"]
mod sse;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// The bytes arrive in pieces of these sizes and one more, over and over.
    cuts: [u8; 4],
    /// Plain, so that the fuzzer's changes stay where it makes them.
    bytes: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let expected = read_whole(input.bytes);
    assert_eq!(decode(input.bytes.chunks(1)), expected, "byte by byte");
    assert_eq!(decode(pieces(&input)), expected, "in pieces");
});

/// The events up to the first that is no text, which is None.
type Events = Vec<Option<String>>;

fn pieces<'a>(input: &Input<'a>) -> impl Iterator<Item = &'a [u8]> {
    let (mut rest, mut cuts) = (input.bytes, input.cuts.into_iter().cycle());
    std::iter::from_fn(move || {
        let (piece, later) = rest.split_at((usize::from(cuts.next()?) + 1).min(rest.len()));
        rest = later;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Events {
    let mut decoder = sse::SseDecoder::default();
    let mut events = Events::new();
    for piece in pieces {
        events.extend(decoder.push(piece).into_iter().map(Result::ok));
        if events.last() == Some(&None) {
            break;
        }
    }
    events
}

/// With all bytes at hand: normalised line ends, then lines, then events.
fn read_whole(bytes: &[u8]) -> Events {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' if index > 0 && bytes[index - 1] == b'\r' => {}
            b'\n' | b'\r' => lines.push(Vec::new()),
            byte => lines.last_mut().expect("a line").push(*byte),
        }
    }
    lines.pop();
    let (mut events, mut data) = (Events::new(), Vec::<Vec<u8>>::new());
    for line in lines {
        if line.is_empty() && !data.is_empty() {
            events.push(String::from_utf8(std::mem::take(&mut data).join(&b'\n')).ok());
            if events.last() == Some(&None) {
                break;
            }
        } else if line == b"data" {
            data.push(Vec::new());
        } else if let Some(value) = line.strip_prefix(b"data:") {
            data.push(value.strip_prefix(b" ").unwrap_or(value).to_vec());
        }
    }
    events
}
