//! Playing a reply onto the wire, at its pace and with its faults.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::stream;

use crate::model::journal::{OpenEntry, ReplyState};
use crate::model::reply::{Chunk, Reply, ToolCall};
use crate::model::script::Ending;

/// Time for what was sent to reach the client before the connection is dropped: an abort discards what is buffered.
const DELAY_BEFORE_CUT: Duration = Duration::from_millis(30);

/// A vendor's frames, encoded: the format of its stream.
pub(crate) trait Frames: Send + 'static {
    /// What comes before the first chunk.
    fn open(&mut self) -> String;
    /// A chunk of what the model thinks.
    fn reasoning(&mut self, text: &str) -> String;
    /// A chunk of the answer.
    fn text(&mut self, text: &str) -> String;
    /// The beginning of a call, without its arguments.
    fn call(&mut self, id: &str, name: &str) -> String;
    /// A chunk of the arguments of the call begun last.
    fn arguments(&mut self, text: &str) -> String;
    /// What comes after the last chunk, to the end of a complete stream.
    fn close(&mut self) -> String;
    /// An error in the middle of the stream.
    fn error(&mut self) -> String;
    /// The answer in one piece, for who does not want a stream.
    fn whole(&self, reasoning: &str, text: &str, calls: &[ToolCall]) -> String;
}

/// One thing to do while a reply is played.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Wait(Duration),
    Send(Piece),
    /// Records how the reply ends. It goes before the last bytes: a client that has them may leave.
    Conclude(ReplyState),
    /// Sends what is held back for splitting.
    Flush,
    Stall,
    Cut,
}

/// Something to send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Open,
    Chunk(Chunk),
    Close,
    Error,
    Whole(Bytes),
}

/// The steps of a streamed reply. A fault after 0 chunks sends nothing at all, unless the usage comes first.
pub(crate) fn streamed(reply: Reply) -> Vec<Step> {
    let mut steps = Vec::new();
    let is_complete = reply.ending.is_none();
    let length = match reply.ending {
        None => usize::MAX,
        Some(Ending::Cut(n) | Ending::Early(n) | Ending::Stall(n) | Ending::Error(n)) => n,
    };
    if reply.usage_first {
        steps.push(Step::Send(Piece::Open));
    }
    let mut pause = reply.first_token_delay;
    for (index, chunk) in reply.chunks.into_iter().take(length).enumerate() {
        steps.push(Step::Wait(pause));
        if index == 0 && !reply.usage_first {
            steps.push(Step::Send(Piece::Open));
        }
        steps.push(Step::Send(Piece::Chunk(chunk)));
        pause = reply.gap;
    }
    if steps.is_empty() && is_complete {
        steps.extend([Step::Wait(pause), Step::Send(Piece::Open)]);
    }
    steps.extend(ending_steps(reply.ending, pause));
    if reply.never_closes {
        steps.extend([Step::Flush, Step::Stall]);
    }
    steps
}

fn ending_steps(ending: Option<Ending>, pause: Duration) -> Vec<Step> {
    let failed = Step::Conclude(ReplyState::Failed);
    match ending {
        None => vec![Step::Conclude(ReplyState::Finished), Step::Send(Piece::Close)],
        Some(Ending::Cut(_)) => vec![failed, Step::Flush, Step::Wait(DELAY_BEFORE_CUT), Step::Cut],
        Some(Ending::Early(_)) => vec![failed],
        Some(Ending::Stall(_)) => vec![Step::Flush, Step::Stall],
        Some(Ending::Error(_)) => vec![Step::Wait(pause), failed, Step::Send(Piece::Error)],
    }
}

/// The steps of a reply sent in one piece. Of a spoilt one half is sent, as nobody can tell chunks apart in it.
pub(crate) fn whole(body: Bytes, ending: Option<Ending>) -> Vec<Step> {
    let conclude = |state, bytes| vec![Step::Conclude(state), Step::Send(Piece::Whole(bytes))];
    let half = body.slice(..body.len() / 2);
    match ending {
        Some(Ending::Cut(_)) => {
            let mut steps = conclude(ReplyState::Failed, half);
            steps.extend([Step::Flush, Step::Wait(DELAY_BEFORE_CUT), Step::Cut]);
            steps
        }
        Some(Ending::Early(_)) => conclude(ReplyState::Failed, half),
        _ => conclude(ReplyState::Finished, body),
    }
}

/// A body that fails before its first byte. Headers are still in a buffer then, and are dropped with the connection.
pub(crate) fn refusal() -> Body {
    Body::from_stream(stream::once(async { Err::<Bytes, _>(io::Error::other("refused")) }))
}

/// A body that plays the steps as the client reads it.
pub(crate) fn body(
    steps: Vec<Step>,
    frames: impl Frames,
    entry: OpenEntry,
    split_bytes: Option<usize>,
) -> Body {
    let playback = Playback {
        steps: steps.into_iter(),
        frames,
        entry,
        splitter: split_bytes.map(Splitter::new),
        ready: VecDeque::new(),
    };
    Body::from_stream(stream::unfold(playback, Playback::next))
}

struct Playback<F, S> {
    steps: S,
    frames: F,
    entry: OpenEntry,
    splitter: Option<Splitter>,
    ready: VecDeque<Bytes>,
}

impl<F: Frames, S: Iterator<Item = Step>> Playback<F, S> {
    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                // Lets the connection write out the piece before: pieces must not be joined in its buffer.
                tokio::task::yield_now().await;
                return Some((Ok(bytes), self));
            }
            match self.steps.next() {
                Some(Step::Wait(pause)) if pause.is_zero() => {}
                Some(Step::Wait(pause)) => tokio::time::sleep(pause).await,
                Some(Step::Send(piece)) => self.send(piece),
                Some(Step::Conclude(state)) => self.entry.close(state),
                Some(Step::Flush) => self.flush(),
                Some(Step::Stall) => pending().await,
                Some(Step::Cut) => return Some((Err(io::Error::other("cut by script")), self)),
                None => {
                    self.flush();
                    if self.ready.is_empty() {
                        return None;
                    }
                }
            }
        }
    }

    fn send(&mut self, piece: Piece) {
        let bytes = match piece {
            Piece::Open => self.frames.open().into(),
            Piece::Chunk(chunk) => {
                self.entry.count_chunk(&chunk);
                match chunk {
                    Chunk::Reasoning(text) => self.frames.reasoning(&text).into(),
                    Chunk::Text(text) => self.frames.text(&text).into(),
                    Chunk::Call { id, name } => self.frames.call(&id, &name).into(),
                    Chunk::Arguments(text) => self.frames.arguments(&text).into(),
                }
            }
            Piece::Close => self.frames.close().into(),
            Piece::Error => self.frames.error().into(),
            Piece::Whole(bytes) => bytes,
        };
        match &mut self.splitter {
            Some(splitter) => self.ready.extend(splitter.push(&bytes)),
            None => self.ready.push_back(bytes),
        }
    }

    fn flush(&mut self) {
        self.ready.extend(self.splitter.as_mut().and_then(Splitter::take_rest));
    }
}

/// Cuts a body into pieces of equal size, across frames and characters.
#[derive(Debug)]
struct Splitter {
    size: usize,
    held: BytesMut,
}

impl Splitter {
    fn new(size: usize) -> Self {
        Self { size, held: BytesMut::new() }
    }

    fn push(&mut self, bytes: &[u8]) -> Vec<Bytes> {
        self.held.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        while self.held.len() >= self.size {
            pieces.push(self.held.split_to(self.size).freeze());
        }
        pieces
    }

    fn take_rest(&mut self) -> Option<Bytes> {
        (!self.held.is_empty()).then(|| self.held.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::script::Script;

    fn steps(ending: Option<Ending>) -> Vec<Step> {
        let script = Script { text: Some("a b c".into()), gap_ms: Some(0), ..Script::default() };
        streamed(Reply { ending, ..Reply::write("", 1, None, &script) })
    }

    fn chunks(steps: &[Step]) -> usize {
        steps.iter().filter(|step| matches!(step, Step::Send(Piece::Chunk(_)))).count()
    }

    #[test]
    fn pieces_join_to_the_same_bytes() {
        let frames = ["data: {\"text\":\"日本語 👋\"}\n\n", "data: [DONE]\r\n\r\n"];
        for size in [1, 2, 3, 7, 1000] {
            let mut splitter = Splitter::new(size);
            let mut pieces: Vec<Bytes> =
                frames.iter().flat_map(|frame| splitter.push(frame.as_bytes())).collect();
            assert!(pieces.iter().all(|piece| piece.len() == size));
            pieces.extend(splitter.take_rest());
            assert_eq!(pieces.concat(), frames.concat().as_bytes());
        }
    }

    #[test]
    fn a_whole_reply_ends_finished() {
        let steps = steps(None);
        assert_eq!(chunks(&steps), 3);
        assert_eq!(
            &steps[steps.len() - 2..],
            [Step::Conclude(ReplyState::Finished), Step::Send(Piece::Close)]
        );
    }

    #[test]
    fn faults_come_after_their_chunks() {
        assert_eq!(chunks(&steps(Some(Ending::Cut(2)))), 2);
        assert_eq!(steps(Some(Ending::Cut(2))).last(), Some(&Step::Cut));
        assert_eq!(steps(Some(Ending::Early(1))).last(), Some(&Step::Conclude(ReplyState::Failed)));
        assert_eq!(steps(Some(Ending::Stall(0))), [Step::Flush, Step::Stall]);
        assert_eq!(steps(Some(Ending::Error(9))).last(), Some(&Step::Send(Piece::Error)));
    }

    #[test]
    fn usage_that_comes_first_comes_before_a_fault() {
        let script = Script { usage_first: true, error_after_chunks: Some(0), ..Script::default() };
        let steps = streamed(Reply::write("", 1, None, &script));
        assert_eq!(steps[0], Step::Send(Piece::Open));
        assert_eq!(steps.iter().filter(|step| **step == Step::Send(Piece::Open)).count(), 1);
    }
}
