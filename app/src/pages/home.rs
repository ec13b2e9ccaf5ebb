use leptos::prelude::*;

use crate::api::list_plans;
use crate::components::{LoadError, PageFrame, PlanCard};
use crate::links::PRICING_PATH;

/// The front page: what this is, for whom, and what it promises.
#[component]
pub fn HomePage() -> impl IntoView {
    view! {
        <PageFrame title="" class="home">
            <Hero/>
            <Promises/>
            <Payment/>
            <Readers/>
            <Plans/>
        </PageFrame>
    }
}

#[component]
fn Hero() -> impl IntoView {
    view! {
        <section class="hero">
            <div class="hero-words">
                <h1>"Chat with a model that never leaves you guessing."</h1>
                <p class="hero-lead">
                    "Plumbline always shows exactly what you have left, keeps every word you write, and tells you in plain language
                    when something cannot be done."
                </p>
                <p class="hero-actions">
                    <a class="button button-primary button-large" href="/chat">"Start a conversation"</a>
                    <a class="button button-large" href="#plan">"See what you get"</a>
                </p>
            </div>
            <HeroArt/>
        </section>
    }
}

/// A plumb line beside a ruler: the one thing on the page that shows what is true.
#[component]
fn HeroArt() -> impl IntoView {
    let ticks = (0..=24)
        .map(|tick| {
            let length = if tick % 6 == 0 {
                26
            } else if tick % 3 == 0 {
                18
            } else {
                10
            };
            view! { <path d=format!("M40 {}h{length}", 40 + tick * 13)></path> }
        })
        .collect_view();
    view! {
        <svg class="hero-art" viewBox="0 0 320 400" aria-hidden="true" focusable="false">
            <path class="art-ruler" d="M40 24v344"></path>
            <g class="art-ticks">{ticks}</g>
            <path class="art-bar" d="M96 24h152"></path>
            <path class="art-reading" d="M72 280h62"></path>
            <path class="art-string" d="M172 24v252"></path>
            <path class="art-cap" d="M164 268h16v12h-16z"></path>
            <path class="art-bob" d="M140 280h64l-7 38-25 50-25-50z"></path>
            <path class="art-shine" d="M154 288h10l-2 30 6 28-14-28z"></path>
            <path class="art-level" d="M40 368h220"></path>
        </svg>
    }
}

#[component]
fn Promises() -> impl IntoView {
    let promise =
        |heading: &'static str, text: &'static str| view! { <li><h3>{heading}</h3><p>{text}</p></li> };
    view! {
        <section class="home-section" aria-labelledby="promises">
            <h2 id="promises">"Three promises"</h2>
            <ul class="promises">
                {promise(
                    "Exact limits",
                    "Requests are counted over the last minute and the last 24 hours, to the single request. Refused ones count for nothing, and you are told the second the next one fits.",
                )}
                {promise(
                    "Nothing lost",
                    "A message that cannot be sent stays in its field. An answer goes on when your connection breaks or you close the page, and is there when you come back.",
                )}
                {promise(
                    "Plain words",
                    "No error codes to look up. Each refusal says what happened, what is left, and what to do next.",
                )}
            </ul>
        </section>
    }
}

#[component]
fn Payment() -> impl IntoView {
    let step = |heading: &'static str, text: &'static str| view! { <li><h3>{heading}</h3><p>{text}</p></li> };
    view! {
        <section class="home-section" aria-labelledby="payment">
            <h2 id="payment">"How a reply is paid for"</h2>
            <ol class="steps">
                {step("Held", "Before the model is called, the most the reply may cost is set aside from your credit. If that does not fit, nothing starts.")}
                {step("Written", "The answer arrives as it is written. Stop it whenever you like: you pay for what was said.")}
                {step("Settled", "The real cost is charged once, to the billionth of a dollar, and the rest is free again. The usage page lists every reply with its tokens and its price.")}
            </ol>
        </section>
    }
}

#[component]
fn Readers() -> impl IntoView {
    let reader = |whom: &'static str, text: &'static str| view! { <div><dt>{whom}</dt><dd>{text}</dd></div> };
    view! {
        <section class="home-section" aria-labelledby="readers">
            <h2 id="readers">"Made for"</h2>
            <dl class="readers">
                {reader("People", "Sign in with an account you have already. There is no password to invent, and every page can be read without JavaScript.")}
                {reader("Programs", "An API key and OpenAI's format. Each refusal has the right status and says in words what to do, a limit also when to come back.")}
                {reader("Operators", "A Rust server beside Postgres and Redis: money in one, request rates in the other, and your own choice of identity provider and model.")}
            </dl>
        </section>
    }
}

#[component]
fn Plans() -> impl IntoView {
    let plans = Resource::new(|| (), |()| list_plans());
    view! {
        <section class="home-section home-plans" id="plan" aria-labelledby="plan-heading">
            <h2 id="plan-heading">"What you get"</h2>
            <Suspense fallback=|| view! { <span class="skeleton" aria-hidden="true"></span> }>
                {move || Suspend::new(async move {
                    match plans.await {
                        Ok(plans) => view! {
                            <ul class="plans">
                                {plans.into_iter().map(|plan| view! { <li><PlanCard plan/></li> }).collect_view()}
                            </ul>
                        }.into_any(),
                        Err(error) => view! { <LoadError error/> }.into_any(),
                    }
                })}
            </Suspense>
            <p class="home-end">
                <a class="button button-primary button-large" href="/chat">"Start a conversation"</a>
                <a class="button button-large" href=PRICING_PATH>"Plans and prices"</a>
            </p>
        </section>
    }
}
