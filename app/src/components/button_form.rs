use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos::web_sys::FormData;
use serde::de::DeserializeOwned;
use server_fn::client::Client;
use server_fn::codec::PostUrl;
use server_fn::request::ClientReq;
use server_fn::{Http, ServerFn};

use super::SubmitButton;

/// A form that is nothing but a button: all it sends is known.
#[component]
pub fn ButtonForm<S, Answer>(
    action: ServerAction<S>,
    /// What is sent, by name.
    #[prop(optional, into)]
    fields: Vec<(&'static str, String)>,
    label: &'static str,
    class: &'static str,
    test_id: &'static str,
) -> impl IntoView
where
    S: ServerFn<Protocol = Http<PostUrl, Answer>> + DeserializeOwned + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
    S::Error: Send + Sync + 'static,
    S::Client: Client<S::Error>,
    <<S::Client as Client<S::Error>>::Request as ClientReq<S::Error>>::FormData: From<FormData>,
    Answer: 'static,
{
    let fields = fields.into_iter();
    let fields = fields.map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    let fields = fields.collect_view();
    view! {
        <ActionForm action>
            {fields}
            <SubmitButton label is_pending=action.pending() class test_id=Some(test_id)/>
        </ActionForm>
    }
}
