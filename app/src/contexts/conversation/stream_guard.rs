use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use leptos::prelude::*;

use crate::browser;
use crate::stream_watch::StreamWatch;

/// Looks after one stream for as long as it is kept.
pub(super) struct StreamGuard {
    watch: Rc<Cell<StreamWatch>>,
    interval: Option<IntervalHandle>,
    visibility: Option<WindowListenerHandle>,
}

impl StreamGuard {
    const LOOK_EVERY: Duration = Duration::from_secs(5);

    /// For a stream that is asked for now, with what tells when it must be given up.
    pub(super) fn new() -> (Self, oneshot::Receiver<()>) {
        let watch = Rc::new(Cell::new(StreamWatch::new(browser::now(), browser::is_hidden())));
        let (sender, alarm) = oneshot::channel();
        let sender = Rc::new(Cell::new(Some(sender)));
        let look = {
            let watch = Rc::clone(&watch);
            move || {
                let (next, must_give_up) = watch.get().look(browser::now(), browser::is_hidden());
                watch.set(next);
                if must_give_up && let Some(sender) = sender.take() {
                    _ = sender.send(());
                }
            }
        };
        let interval = set_interval_with_handle(look.clone(), Self::LOOK_EVERY).ok();
        let visibility = Some(window_event_listener_untyped("visibilitychange", move |_| look()));
        (Self { watch, interval, visibility }, alarm)
    }

    pub(super) fn heard(&self) {
        self.watch.set(self.watch.get().heard(browser::now()));
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        if let Some(interval) = &self.interval {
            interval.clear();
        }
        if let Some(visibility) = self.visibility.take() {
            visibility.remove();
        }
    }
}
