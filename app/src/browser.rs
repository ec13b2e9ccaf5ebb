//! What the pages ask of the browser. On the server each of these does nothing.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use futures::channel::oneshot;
use leptos::prelude::*;
use leptos::web_sys;
use wasm_bindgen::{JsCast, JsValue};

use crate::types::ClientRequestId;

const IS_BROWSER: bool = cfg!(feature = "hydrate");

pub fn now() -> DateTime<Utc> {
    if IS_BROWSER {
        DateTime::from_timestamp_millis(js_sys::Date::now() as i64).unwrap_or_default()
    } else {
        std::time::SystemTime::now().into()
    }
}

/// The reader's zone as it is at that moment.
pub fn zone(at: DateTime<Utc>) -> Option<FixedOffset> {
    if !IS_BROWSER {
        return None;
    }
    let date = js_sys::Date::new(&JsValue::from_f64(at.timestamp_millis() as f64));
    FixedOffset::west_opt((date.get_timezone_offset() * 60.0) as i32)
}

pub fn new_request_id() -> Option<ClientRequestId> {
    #[cfg(feature = "hydrate")]
    return ClientRequestId::random();
    #[cfg(not(feature = "hydrate"))]
    None
}

pub async fn sleep(time: Duration) {
    let (sender, receiver) = oneshot::channel();
    set_timeout(move || _ = sender.send(()), time);
    _ = receiver.await;
}

/// Leaves the page, and with it everything it holds in memory.
pub fn load(address: &str) {
    if IS_BROWSER {
        _ = window().location().set_href(address);
    }
}

/// The same in the page's place in the history.
pub fn replace(address: &str) {
    if IS_BROWSER {
        _ = window().location().replace(address);
    }
}

/// Of the page, without its query.
pub fn path() -> String {
    IS_BROWSER.then(|| window().location().pathname().ok()).flatten().unwrap_or_default()
}

/// What the server has written down for us in the head of the page, below this name.
pub fn page_fact(name: &str) -> Option<String> {
    let selector = format!("meta[name={name}]");
    let named = IS_BROWSER.then(|| document().query_selector(&selector).ok().flatten());
    named.flatten()?.get_attribute("content")
}

/// Of the request that this page answered: it leads to our log.
pub fn page_request_id() -> Option<String> {
    page_fact("request-id")
}

/// Sends a text to our server without waiting for an answer: the browser does it even when the page cannot any more.
pub fn send_beacon(address: &str, text: &str) {
    if IS_BROWSER {
        _ = window().navigator().send_beacon_with_opt_str(address, Some(text));
    }
}

/// Whether nobody can see the page: in another tab, behind another app, on a phone that sleeps.
pub fn is_hidden() -> bool {
    IS_BROWSER && document().hidden()
}

pub fn copy_text(text: &str) {
    if IS_BROWSER {
        // The promise is left alone: without permission there is nothing better to do.
        _ = window().navigator().clipboard().write_text(text);
    }
}

/// Whether the finger is the pointer: giving the focus would then open the keyboard over the page.
pub fn has_touch_only() -> bool {
    let query = "(hover: none) and (pointer: coarse)";
    IS_BROWSER && window().match_media(query).ok().flatten().is_some_and(|media| media.matches())
}

/// Tells tests, and nobody else, that the page answers now.
pub fn mark_hydrated() {
    if let Some(body) = IS_BROWSER.then(|| document().body()).flatten() {
        _ = body.set_attribute("data-hydrated", "true");
    }
}

#[cfg(feature = "hydrate")]
pub fn root_attribute(name: &str) -> Option<String> {
    document().document_element()?.get_attribute(name)
}

pub fn set_root_attribute(name: &str, value: &str) {
    if let Some(root) = IS_BROWSER.then(|| document().document_element()).flatten() {
        _ = root.set_attribute(name, value);
    }
}

/// Sets a cookie for a year.
pub fn set_cookie(name: &str, value: &str) {
    if let Ok(document) = document().dyn_into::<web_sys::HtmlDocument>() {
        let secure = if window().location().protocol().is_ok_and(|scheme| scheme == "https:") {
            "; Secure"
        } else {
            ""
        };
        _ = document.set_cookie(&format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax{secure}"));
    }
}

pub fn focus(id: &str) {
    let element = IS_BROWSER.then(|| document().get_element_by_id(id)).flatten();
    if let Some(element) = element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        _ = element.focus();
    }
}

/// As `focus`, when the page has been drawn anew.
pub fn focus_later(id: &str) {
    let id = id.to_owned();
    if IS_BROWSER {
        set_timeout(move || focus(&id), Duration::from_millis(50));
    }
}

/// Texts that are not sent yet, and the requests that send them, kept in this tab only, until it is closed or the person
/// signs out.
pub mod drafts {
    use leptos::prelude::window;
    use leptos::web_sys::Storage;

    fn storage() -> Option<Storage> {
        super::IS_BROWSER.then(|| window().session_storage().ok().flatten()).flatten()
    }

    pub fn read(key: &str) -> Option<String> {
        storage()?.get_item(key).ok().flatten()
    }

    pub fn write(key: &str, text: &str) {
        if let Some(storage) = storage() {
            _ = if text.is_empty() { storage.remove_item(key) } else { storage.set_item(key, text) };
        }
    }

    pub fn forget_all() {
        if let Some(storage) = storage() {
            _ = storage.clear();
        }
    }
}

/// What was chosen in this browser, kept until somebody clears its data.
pub mod choices {
    use leptos::prelude::window;
    use leptos::web_sys::Storage;

    fn storage() -> Option<Storage> {
        super::IS_BROWSER.then(|| window().local_storage().ok().flatten()).flatten()
    }

    pub fn read(key: &str) -> Option<String> {
        storage()?.get_item(key).ok().flatten()
    }

    pub fn write(key: &str, value: &str) {
        if let Some(storage) = storage() {
            _ = storage.set_item(key, value);
        }
    }
}

/// Scrolls a list just as far as needed to show one of its children.
pub fn show_child(list: &web_sys::HtmlElement, child: &web_sys::HtmlElement) {
    let (top, bottom) = (child.offset_top(), child.offset_top() + child.offset_height());
    if top < list.scroll_top() {
        list.set_scroll_top(top);
    } else if bottom > list.scroll_top() + list.client_height() {
        list.set_scroll_top(bottom - list.client_height());
    }
}

/// Calls back whenever the element's size changes, until the current owner is cleaned up.
pub fn on_resize(element: &web_sys::Element, callback: impl Fn() + 'static) {
    let closure = wasm_bindgen::closure::Closure::<dyn FnMut()>::new(callback);
    if let Ok(observer) = web_sys::ResizeObserver::new(closure.as_ref().unchecked_ref()) {
        observer.observe(element);
        let kept = StoredValue::new_local((observer, closure));
        on_cleanup(move || kept.with_value(|(observer, _)| observer.disconnect()));
    }
}
