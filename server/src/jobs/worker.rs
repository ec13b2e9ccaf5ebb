//! Takes jobs from the queue and runs them, a few at a time.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{Handler, JobError, Schedule, pause, schedule};
use crate::store::jobs::{self, Lease};
use crate::store::{Db, StoreResult};
use crate::telemetry::traces::Span;
use crate::telemetry::{self, metrics};

/// Jobs are announced; this is for those that become due, for those whose worker has died, and for a lost announcement.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What nobody does any more, and an earlier version may have enqueued, also while it runs beside this one: it counts as done.
const RETIRED: [&str; 1] = ["check_meter"];

/// What a worker is made of.
pub struct WorkerParts {
    pub db: Db,
    pub handlers: Vec<Arc<dyn Handler>>,
    pub schedules: Vec<Schedule>,
    /// Jobs at a time.
    pub concurrency: usize,
    /// A worker that is not heard of for so long has lost its jobs.
    pub lease: Duration,
    /// A job that takes longer has failed.
    pub time_limit: Duration,
}

/// Runs jobs. Cheap to clone.
#[derive(Clone)]
pub struct Worker {
    parts: Arc<WorkerParts>,
    free: Arc<Semaphore>,
    running: TaskTracker,
}

impl Worker {
    pub fn new(parts: WorkerParts) -> Self {
        let free = Arc::new(Semaphore::new(parts.concurrency));
        Self { parts: Arc::new(parts), free, running: TaskTracker::new() }
    }

    /// What is due at set times: its name, and when, in words.
    pub fn schedules(&self) -> Vec<(String, String)> {
        let schedules = self.parts.schedules.iter();
        schedules.map(|schedule| (schedule.name.to_owned(), schedule.slots.to_string())).collect()
    }

    /// Takes and runs jobs until `ending`. Then [`Worker::finish`] waits for those that run.
    pub async fn run(&self, ending: CancellationToken) {
        let _is_running = self.running.token();
        let mut news = Box::pin(self.news());
        while !ending.is_cancelled() {
            self.look(&ending).await;
            tokio::select! {
                _ = news.next() => {}
                () = ending.cancelled() => {}
            }
        }
    }

    /// Waits for the jobs that run; those still going after `grace` are given up, and taken by another worker when their
    /// lease has ended.
    pub async fn finish(&self, grace: Duration) {
        self.running.close();
        if tokio::time::timeout(grace, self.running.wait()).await.is_err() {
            tracing::warn!(
                jobs = self.running.len(),
                "Jobs did not finish in time; they will be tried again"
            );
        }
    }

    async fn look(&self, ending: &CancellationToken) {
        if let Err(error) = self.take_jobs(ending).await {
            tracing::warn!(%error, "Jobs cannot be taken; it is tried again");
        }
    }

    /// Enqueues what is due and takes jobs for as long as there are any and a place is free.
    async fn take_jobs(&self, ending: &CancellationToken) -> StoreResult<()> {
        schedule::enqueue_due(&mut *self.parts.db.get().await?, &self.parts.schedules).await?;
        let urgent = self.parts.handlers.iter().filter(|handler| handler.is_urgent());
        let urgent: Vec<_> = urgent.map(|handler| handler.kind()).collect();
        while let Some(place) = self.free_place(ending).await {
            let lease = jobs::lease(&mut *self.parts.db.get().await?, self.parts.lease, &urgent).await?;
            let Some(lease) = lease else { break };
            let worker = self.clone();
            self.running.spawn(async move {
                worker.run_traced(lease).await;
                drop(place);
            });
        }
        Ok(())
    }

    /// None: no more jobs are to be taken.
    async fn free_place(&self, ending: &CancellationToken) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            place = self.free.clone().acquire_owned() => place.ok().filter(|_| !ending.is_cancelled()),
            () = ending.cancelled() => None,
        }
    }

    /// Something may be there to be done: it was announced, or a while has passed.
    fn news(&self) -> impl Stream<Item = ()> {
        let announced = stream::repeat(()).then(|()| async {
            match self.parts.db.listen(jobs::CHANNEL).await {
                // Before the connection is made again, lest one that breaks at once is made without end.
                Ok(announcements) => announcements.map(|_| ()).chain(stream::once(pause_between())).boxed(),
                Err(_) => stream::once(pause_between()).boxed(),
            }
        });
        let passed = stream::repeat(()).then(|()| pause_between());
        stream::select(announced.flatten(), passed)
    }

    async fn run_traced(&self, lease: Lease) {
        let span = Span::later(format!("job {}", lease.kind), lease.traceparent.as_deref());
        if span.is_recorded() {
            span.set("plumbline.job.id", lease.id.to_string());
            span.set("plumbline.job.attempt", i64::from(lease.attempt));
        }
        let lines = tracing::info_span!("job", job.id = %lease.id, trace.id = span.trace_id().map(display));
        let (id, kind) = (lease.id.to_string(), lease.kind.clone());
        let work = span.around(self.run_one(lease)).instrument(lines);
        if !telemetry::faults::apart(&[("job.id", &id), ("job.kind", &kind)], work).await {
            span.fail("failed");
        }
    }

    /// False: it failed, or another worker has it.
    async fn run_one(&self, lease: Lease) -> bool {
        let result = tokio::select! {
            result = self.handle(&lease) => result,
            () = self.keep(&lease) => {
                tracing::warn!(job.id = %lease.id, job.kind = lease.kind, "The lease of a job was lost: another worker has it");
                return false;
            }
        };
        let is_done = result.is_ok();
        let recorded = match result {
            Ok(()) => self.complete(&lease).await,
            Err(error) => self.fail(&lease, &error).await,
        };
        if let Err(error) = recorded {
            tracing::warn!(job.id = %lease.id, %error, "The end of a job could not be recorded; it will be run again");
        }
        is_done
    }

    async fn handle(&self, lease: &Lease) -> Result<(), JobError> {
        if lease.attempt > lease.max_attempts {
            return Err(JobError::lasting("every worker that had it died"));
        }
        if RETIRED.contains(&lease.kind.as_str()) {
            return Ok(());
        }
        let handler = self.parts.handlers.iter().find(|handler| handler.kind() == lease.kind);
        // A newer version may know it.
        let handler = handler.ok_or_else(|| JobError::passing("this version knows no such job"))?;
        let run = AssertUnwindSafe(handler.run(lease)).catch_unwind();
        match tokio::time::timeout(self.parts.time_limit, run).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(JobError::passing("it panicked")),
            Err(_) => Err(JobError::passing("it took too long")),
        }
    }

    /// Renews the lease; returns when it is lost.
    async fn keep(&self, lease: &Lease) {
        loop {
            tokio::time::sleep(self.parts.lease / 3).await;
            let renewed =
                async { jobs::renew(&mut *self.parts.db.get().await?, lease, self.parts.lease).await };
            // While the database is away nobody else can take it either.
            if let Ok(false) = renewed.await {
                return;
            }
        }
    }

    async fn complete(&self, lease: &Lease) -> StoreResult<()> {
        jobs::complete(&mut *self.parts.db.get().await?, lease).await?;
        metrics::job_ended(&lease.kind, "done");
        tracing::info!(job.id = %lease.id, job.kind = lease.kind, job.attempt = lease.attempt, "Did job {}", lease.kind);
        Ok(())
    }

    async fn fail(&self, lease: &Lease, error: &JobError) -> StoreResult<()> {
        let is_dead = error.is_final || lease.attempt >= lease.max_attempts;
        let delay = (!is_dead).then(|| pause(lease.attempt, rand::random()));
        jobs::fail(&mut *self.parts.db.get().await?, lease, &error.message, delay).await?;
        metrics::job_ended(&lease.kind, if is_dead { "dead" } else { "failed" });
        let (id, kind, attempt) = (lease.id, &lease.kind, lease.attempt);
        match delay {
            None => {
                tracing::error!(job.id = %id, job.kind = kind, job.attempt = attempt, %error, "Job {kind} is dead: it failed for good")
            }
            Some(delay) => {
                let retry_seconds = delay.as_secs();
                tracing::warn!(job.id = %id, job.kind = kind, job.attempt = attempt, retry_seconds, %error, "Job {kind} failed and will be tried again");
            }
        }
        Ok(())
    }
}

async fn pause_between() {
    tokio::time::sleep(LOOK_EVERY).await;
}
