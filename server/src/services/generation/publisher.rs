//! Numbers the events of one reply, logs them, and then shows them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use app::types::{ChatEvent, ChatEventKind, GenerationId};
use tokio::sync::Notify;

use super::live::LiveReply;
use crate::streams::{LogWriter, StreamLog, StreamLogError};

/// Words after the first ones wait for the next beat. It is the same moment for all replies of a process, so many of them
/// share one trip to Redis and one waking up: most of what a piece of text costs is that. Shorter than a frame of a screen.
const BEAT: Duration = Duration::from_millis(10);

/// Between the task that listens to the model and everybody who follows. Events that arrive while a write is under way
/// go out together with the next one, so a fast model costs few writes and the first word waits for none.
pub(super) struct Publisher {
    id: GenerationId,
    live: Arc<LiveReply>,
    log: StreamLog,
    staged: Mutex<Staged>,
    wake: Notify,
}

#[derive(Default)]
struct Staged {
    events: Vec<ChatEvent>,
    last_seq: u32,
    has_ended: bool,
}

impl Publisher {
    pub(super) fn new(id: GenerationId, live: Arc<LiveReply>, log: StreamLog) -> Self {
        Self { id, live, log, staged: Mutex::default(), wake: Notify::new() }
    }

    pub(super) fn push(&self, kind: ChatEventKind) {
        let mut staged = self.lock();
        staged.last_seq += 1;
        let event = ChatEvent { seq: staged.last_seq, kind };
        staged.events.push(event);
        self.wake.notify_one();
    }

    /// Nothing more will come.
    pub(super) fn end(&self) {
        self.lock().has_ended = true;
        self.wake.notify_one();
    }

    /// Logs and shows until the end. What a follower has seen is in the log, unless the log was lost.
    pub(super) async fn run(&self) {
        let (mut log, mut has_spoken) = (Some(self.log.writer(self.id)), false);
        loop {
            self.wake.notified().await;
            if has_spoken && !self.lock().has_ended {
                tokio::time::sleep(until_beat()).await;
            }
            let staged = self.take();
            if let Some(writer) = &mut log
                && let Err(error) = self.append(writer, &staged).await
            {
                tracing::warn!(generation.id = %self.id, %error, "The stream log is lost: resuming waits for the saved reply");
                log = None;
            }
            has_spoken |= staged.events.iter().any(|event| event.kind.is_speech());
            self.live.show(staged.events);
            if staged.has_ended {
                return;
            }
        }
    }

    /// A log that Redis has forgotten, as after a restart, is written anew: everything that was in it is here.
    async fn append(&self, log: &mut LogWriter, staged: &Staged) -> Result<(), StreamLogError> {
        match log.append(staged.last_seq, &staged.events, staged.has_ended).await {
            Err(StreamLogError::Forgotten) => {
                let events = [self.live.shown(), staged.events.clone()].concat();
                log.append(staged.last_seq, &events, staged.has_ended).await
            }
            appended => appended,
        }
    }

    fn take(&self) -> Staged {
        let mut staged = self.lock();
        let events = std::mem::take(&mut staged.events);
        Staged { events, last_seq: staged.last_seq, has_ended: staged.has_ended }
    }

    fn lock(&self) -> MutexGuard<'_, Staged> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn until_beat() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let since_beat = u32::try_from(now.as_nanos() % BEAT.as_nanos()).unwrap_or(0);
    BEAT - Duration::from_nanos(since_beat.into())
}
