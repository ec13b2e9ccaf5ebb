use leptos::prelude::*;

use crate::ApiResult;
use crate::api::{RevokeSession, SwitchMail, list_sessions, read_mail_settings};
use crate::components::{
    LoadError, MailSwitches, PageFrame, SessionList, SignOutEverywhereForm, SignOutForm, SignedInOnly,
};
use crate::contexts::use_session;
use crate::links::{API_KEYS_PATH, DATA_FILE_PATH, DELETE_ACCOUNT_PATH};
use crate::types::{MailSettings, Session, User};

/// The person, and the browsers they are signed in with.
#[component]
pub fn AccountPage() -> impl IntoView {
    let revoke = ServerAction::<RevokeSession>::new();
    let sessions = use_session().resource(move || revoke.version().get(), |_| list_sessions());
    let switch = ServerAction::<SwitchMail>::new();
    let mail = use_session().resource(move || switch.version().get(), |_| read_mail_settings());
    view! { <SignedInOnly><Account sessions revoke mail switch/></SignedInOnly> }
}

#[component]
fn Account(
    sessions: Resource<ApiResult<Vec<Session>>>,
    revoke: ServerAction<RevokeSession>,
    mail: Resource<ApiResult<MailSettings>>,
    switch: ServerAction<SwitchMail>,
) -> impl IntoView {
    let session = use_session();
    view! {
        <PageFrame title="Account" class="page-narrow">
            <header class="page-head"><h1>"Account"</h1></header>
            <Suspense fallback=|| ()>
                {move || Suspend::new(async move {
                    session.user.await.ok().flatten().map(|user| view! { <Person user/> })
                })}
            </Suspense>
            <section class="panel" aria-labelledby="mail-heading">
                <div class="panel-head"><h2 id="mail-heading">"E-mail"</h2></div>
                <Transition fallback=|| view! { <span class="skeleton" aria-hidden="true"></span> }>
                    {move || Suspend::new(async move {
                        match mail.await {
                            Ok(settings) => view! { <MailSwitches settings switch/> }.into_any(),
                            Err(error) => view! { <LoadError error/> }.into_any(),
                        }
                    })}
                </Transition>
            </section>
            <section class="panel" aria-labelledby="programs-heading">
                <div class="panel-head">
                    <h2 id="programs-heading">"Your programs"</h2>
                    <a class="button button-small" href=API_KEYS_PATH>"API keys"</a>
                </div>
                <p class="muted">"With an API key, a program of yours can ask the models, too."</p>
            </section>
            <section class="panel" aria-labelledby="devices-heading">
                <div class="panel-head"><h2 id="devices-heading">"Where you are signed in"</h2></div>
                <Transition fallback=|| view! { <span class="skeleton" aria-hidden="true"></span> }>
                    {move || Suspend::new(async move {
                        match sessions.await {
                            Ok(sessions) => view! { <SessionList sessions revoke/> }.into_any(),
                            Err(error) => view! { <LoadError error/> }.into_any(),
                        }
                    })}
                </Transition>
                <div class="panel-actions">
                    <SignOutForm test_id="account-sign-out"/>
                    <SignOutEverywhereForm/>
                </div>
            </section>
            <DataPanel/>
            <DeletePanel/>
        </PageFrame>
    }
}

#[component]
fn DataPanel() -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="data-heading">
            <div class="panel-head">
                <h2 id="data-heading">"Your data"</h2>
                <a class="button button-small" href=DATA_FILE_PATH rel="external" download="" data-testid="download-data">
                    "Download"
                </a>
            </div>
            <p class="muted">
                "What you wrote, used and paid in one file, for you and for programs (JSON): conversations, also those you deleted in the last 30 days, receipts, keys, sessions and settings."
            </p>
        </section>
    }
}

#[component]
fn DeletePanel() -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="delete-heading">
            <div class="panel-head">
                <h2 id="delete-heading">"Delete your account"</h2>
                <a class="button button-small button-danger" href=DELETE_ACCOUNT_PATH data-testid="delete-account">"Delete…"</a>
            </div>
            <p class="muted">"The next page says what is erased, what is kept and when. You have time to change your mind."</p>
        </section>
    }
}

#[component]
fn Person(user: User) -> impl IntoView {
    let User { display_name, email, has_verified_email, providers, .. } = user;
    let email_note = (email.is_some() && !has_verified_email).then(|| view! {
        <p class="limit-note">
            "Not verified: your provider does not confirm that this address is yours. It is shown to you only, and no mail is sent to it."
        </p>
    });
    view! {
        <section class="panel" aria-labelledby="person-heading">
            <div class="panel-head"><h2 id="person-heading">"You"</h2></div>
            <dl class="facts">
                <div><dt>"Name"</dt><dd>{display_name}</dd></div>
                <div><dt>"E-mail"</dt><dd>{email.unwrap_or_else(|| "Not shared by your provider".to_owned())} {email_note}</dd></div>
                <div><dt>"Signs in with"</dt><dd>{providers.join(", ")}</dd></div>
            </dl>
        </section>
    }
}
