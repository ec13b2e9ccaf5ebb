use leptos::prelude::*;

use super::CopyButton;
use crate::wording::curl_example;

/// How a program calls the API: where it is, and an example.
#[component]
pub fn ApiUsage(base_url: String, model: Option<String>) -> impl IntoView {
    let example = curl_example(&base_url, model.as_deref());
    let copied = example.clone();
    let text = Callback::new(move |()| copied.clone());
    view! {
        <p>"It speaks as OpenAI's API does, so most programs and libraries know it. Give them this address and a key:"</p>
        <dl class="facts">
            <div><dt>"Base URL"</dt><dd><code data-testid="base-url">{base_url}</code></dd></div>
        </dl>
        <p>"For example, with a key in the variable " <code>"PLUMBLINE_API_KEY"</code> ":"</p>
        <div class="code">
            <div class="code-bar">
                <span>"Terminal"</span>
                <CopyButton text class="button button-small" test_id="copy-example"/>
            </div>
            <pre tabindex="0"><code data-testid="api-example">{example}</code></pre>
        </div>
    }
}
