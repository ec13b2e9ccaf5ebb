//! Short messages at the edge of the page.

use leptos::prelude::*;

use crate::types::Thread;

/// What is said, and what can be taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    pub text: String,
    pub is_error: bool,
    pub undo: Option<UndoDelete>,
}

/// Brings a deleted thread back, and to the front if it was open.
#[derive(Clone, Debug, PartialEq)]
pub struct UndoDelete {
    pub thread: Thread,
    pub was_open: bool,
}

#[derive(Clone, Copy)]
pub struct ToastContext {
    pub current: RwSignal<Option<Toast>>,
    /// A thread that was just brought back, for the list to take in.
    pub restored: RwSignal<Option<Thread>>,
}

pub fn provide_toasts() -> ToastContext {
    let toasts = ToastContext { current: RwSignal::new(None), restored: RwSignal::new(None) };
    provide_context(toasts);
    toasts
}

pub fn use_toasts() -> ToastContext {
    expect_context()
}

impl ToastContext {
    pub fn show(self, toast: Toast) {
        self.current.set(Some(toast));
    }

    pub fn show_error(self, error: &crate::ApiError) {
        self.show_failure(error.to_string());
    }

    pub fn show_failure(self, text: String) {
        self.show(Toast { text, is_error: true, undo: None });
    }

    pub fn dismiss(self) {
        self.current.set(None);
    }
}
