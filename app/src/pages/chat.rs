use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};

use super::not_found::answer_not_found;
use crate::api::{list_models, read_thread};
use crate::components::{
    Composer, DownloadLink, DrawerButton, ErrorPage, MessageList, SignedInOnly, ThreadCapNote, ThreadDrawer,
    ThreadSpendingButton, ThreadSpendingDialog,
};
use crate::contexts::{
    Models, OpenConversation, provide_threads, set_page_title, use_quota, use_session, use_threads,
};
use crate::links::{thread_file_path, thread_path};
use crate::types::{Conversation, Model, ThreadId};
use crate::{ApiError, ApiResult};

/// Conversations: the list of them and the open one, or a new one.
#[component]
pub fn ChatPage() -> impl IntoView {
    let session = use_session();
    provide_threads(session);
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")).filter(|id| !id.is_empty()));
    let made = StoredValue::new(None::<ThreadId>);
    let visit = Memo::new(move |before: Option<&Visit>| {
        let made_now = made.try_update_value(Option::take).flatten();
        Visit::next(before, id.get(), made_now)
    });
    let loaded = session.resource(move || visit.get(), |visit| load(visit.id));
    let models = session.resource(|| (), |()| list_models());
    let current = Signal::derive(move || parse(id.get().as_deref()));
    view! { <SignedInOnly><Chat loaded models made current/></SignedInOnly> }
}

/// Which conversation is open. Each visit loads anew, a new conversation that got its address does not.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Visit {
    /// As in the address; None for a new conversation.
    id: Option<String>,
    number: u32,
}

impl Visit {
    /// The visit after the address has changed to `id`, where `made` is the thread this page has just made itself.
    fn next(before: Option<&Self>, id: Option<String>, made: Option<ThreadId>) -> Self {
        match before {
            Some(before) if made.is_some() && made == parse(id.as_deref()) => before.clone(),
            Some(before) => Self { id, number: before.number + 1 },
            None => Self { id, number: 0 },
        }
    }
}

fn parse(id: Option<&str>) -> Option<ThreadId> {
    id?.parse().ok()
}

#[component]
fn Chat(
    loaded: Resource<ApiResult<Option<Conversation>>>,
    models: Resource<ApiResult<Vec<Model>>>,
    made: StoredValue<Option<ThreadId>>,
    current: Signal<Option<ThreadId>>,
) -> impl IntoView {
    let is_drawer_open = RwSignal::new(false);
    view! {
        <div class="chat">
            <ThreadDrawer is_open=is_drawer_open current/>
            <main id="main" class="chat-main" tabindex="-1">
                <Suspense fallback=|| view! { <ConversationSkeleton/> }>
                    {move || Suspend::new(async move {
                        match loaded.await {
                            Ok(loaded) => {
                                // Without the catalogue one can still write: the server then takes its default.
                                let models = models.await.unwrap_or_default();
                                view! { <ConversationView loaded models made is_drawer_open/> }.into_any()
                            }
                            Err(error) => view! {
                                <div class="chat-head"><DrawerButton is_open=is_drawer_open/></div>
                                <ErrorPage error/>
                            }.into_any(),
                        }
                    })}
                </Suspense>
            </main>
        </div>
    }
}

async fn load(id: Option<String>) -> ApiResult<Option<Conversation>> {
    match id.as_deref().map(str::parse) {
        None => Ok(None),
        Some(Ok(id)) => read_thread(id).await.map(Some),
        Some(Err(_)) => {
            answer_not_found();
            Err(ApiError::NotFound)
        }
    }
}

/// The open conversation with its composer.
#[component]
fn ConversationView(
    loaded: Option<Conversation>,
    models: Vec<Model>,
    /// Set to the thread this conversation has become, just before the address changes to it.
    made: StoredValue<Option<ThreadId>>,
    is_drawer_open: RwSignal<bool>,
) -> impl IntoView {
    let threads = use_threads();
    let navigate = use_navigate();
    let on_new_thread = Callback::new(move |thread: crate::types::Thread| {
        made.set_value(Some(thread.id));
        navigate(
            &thread_path(thread.id),
            NavigateOptions { replace: true, scroll: false, ..Default::default() },
        );
    });
    let models = Models::new(models);
    let conversation = OpenConversation::new(loaded, threads, use_quota(), models, on_new_thread);
    let title = RwSignal::new(String::new());
    show_title(title, conversation.thread.get_untracked().map(|thread| thread.title));
    Effect::new(move |_| {
        let thread = conversation.thread.get();
        show_title(title, thread.map(|thread| threads.title(thread.id).unwrap_or(thread.title)));
    });
    let is_empty = Memo::new(move |_| conversation.transcript.is_empty());
    view! {
        <div class="chat-head">
            <DrawerButton is_open=is_drawer_open/>
            <h1>{title}</h1>
            <ExportLink conversation/>
            <ThreadSpendingButton conversation/>
        </div>
        {move || if is_empty.get() {
            view! { <Beginning conversation/> }.into_any()
        } else {
            view! { <MessageList conversation/> }.into_any()
        }}
        <p class="visually-hidden" role="status" aria-live="polite">{conversation.announcement}</p>
        <ThreadCapNote conversation/>
        <Composer conversation/>
        <ThreadSpendingDialog conversation/>
    }
}

/// The conversation as a file, once there is something in it.
#[component]
fn ExportLink(conversation: OpenConversation) -> impl IntoView {
    let id = Memo::new(move |_| conversation.thread.with(|thread| thread.as_ref().map(|thread| thread.id)));
    move || {
        id.get().map(|id| {
            view! { <DownloadLink path=thread_file_path(id) label="Export" test_id="export-thread"/> }
        })
    }
}

fn show_title(shown: RwSignal<String>, title: Option<String>) {
    let title = title.unwrap_or_else(|| "New conversation".to_owned());
    set_page_title(title.clone());
    shown.set(title);
}

const EXAMPLES: [&str; 4] = [
    "Explain what a rate limit with a sliding window is, with a small example.",
    "Turn these notes into a short, polite e-mail: meeting moved to Thursday, same place, bring the numbers.",
    "Write a Rust function that splits text into lines of at most 80 characters.",
    "What should I check before I sign a lease for a flat?",
];

/// A new conversation: a few ways to begin.
#[component]
fn Beginning(conversation: OpenConversation) -> impl IntoView {
    let example = move |text: &'static str| {
        view! {
            <li>
                <button type="button" class="example needs-script" on:click=move |_| {
                    conversation.draft.set(text.to_owned());
                    crate::browser::focus("composer-input");
                }>{text}</button>
            </li>
        }
    };
    view! {
        <div class="beginning">
            <h2>"What is on your mind?"</h2>
            <p class="muted">"What you have left is always shown at the top. A message that is not accepted stays in the field below."</p>
            <ul class="examples">{EXAMPLES.map(example).into_iter().collect_view()}</ul>
        </div>
    }
}

#[component]
fn ConversationSkeleton() -> impl IntoView {
    view! {
        <div class="conversation-skeleton" role="status">
            <span class="visually-hidden">"Loading the conversation"</span>
            <span class="skeleton skeleton-short"></span>
            <span class="skeleton"></span>
            <span class="skeleton"></span>
            <span class="skeleton"></span>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::Visit;
    use crate::types::ThreadId;

    const ID: &str = "0190a0b0-0000-7000-8000-000000000001";

    fn new_chat(number: u32) -> Visit {
        Visit { id: None, number }
    }

    #[test]
    fn a_conversation_that_got_its_address_is_not_loaded_again() {
        let made: Option<ThreadId> = ID.parse().ok();
        let visit = Visit::next(Some(&new_chat(3)), Some(ID.to_owned()), made);
        assert_eq!(visit, new_chat(3));
        // Then a new one: the same address as before, but another visit.
        assert_eq!(Visit::next(Some(&visit), None, None), new_chat(4));
    }

    #[test]
    fn any_other_address_is_a_new_visit() {
        let visit = Visit::next(Some(&new_chat(0)), Some(ID.to_owned()), None);
        assert_eq!(visit, Visit { id: Some(ID.to_owned()), number: 1 });
    }
}
