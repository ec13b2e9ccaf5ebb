//! The admin panel.

use http::StatusCode;

use super::fakes::FINISHED_THREAD;
use super::{open, prepare, somebody};
use crate::types::{Actor, Impersonator, UserId, Viewing};

fn operator() -> Actor {
    let mut actor = somebody();
    if let Some(user) = &mut actor.signed_in {
        user.is_operator = true;
    }
    actor
}

fn pages() -> Vec<String> {
    let id = "0190a0b0-0000-7000-8000-000000000001";
    let paths = prepare().iter().filter(|path| path.starts_with("/admin"));
    paths.map(|path| path.replace("{user_id}", id)).collect()
}

#[tokio::test]
async fn nobody_but_an_operator_learns_that_there_is_a_panel() {
    for path in pages() {
        let page = open(&path, somebody()).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(page.count("aria-label=\"Admin\""), 0, "{path}");
        let page = open(&path, Actor::default()).await;
        assert_eq!(page.location, Some(format!("/sign-in?return_to={path}")));
    }
    assert_eq!(open("/usage", somebody()).await.count("href=\"/admin\""), 0);
    assert_eq!(open("/usage", operator()).await.count("href=\"/admin\""), 1);
}

#[tokio::test]
async fn every_page_of_the_panel_has_one_heading_and_nothing_inline() {
    for path in &pages() {
        let page = open(path, operator()).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert_eq!((page.count("<h1"), page.count("<main"), page.count("<title>")), (1, 1, 1), "{path}");
        assert_eq!(
            (page.count(" style="), page.count(" onclick="), page.count("<b>nicely")),
            (0, 0, 0),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_list_keeps_what_was_asked_for_and_leads_on_to_the_same() {
    let page =
        open("/admin/people?search=ad+a&standing=past_due&sort=spent&suspended=true", operator()).await;
    assert!(page.html.contains("value=\"ad a\""), "{}", page.html);
    assert_eq!(page.count("<option value=\"past_due\" selected"), 1);
    let next = "search=ad%20a&amp;standing=past_due&amp;suspended=true&amp;sort=spent&amp;after=0_";
    assert!(page.html.contains(next), "{}", page.html);
    assert!(open("/admin/people?search=nobody", operator()).await.html.contains("Nobody is found"));
}

#[tokio::test]
async fn a_persons_page_shows_everything_but_what_they_write() {
    let page = open("/admin/people/0190a0b0-0000-7000-8000-000000000008", operator()).await;
    assert!(page.html.contains("Hidden from operators"), "on the statement");
    let own = open("/admin/people", operator()).await;
    let title = "How a sliding window";
    assert_eq!(page.count(title), own.count(title), "only the caps of the operator's own conversations");
    assert_eq!(page.count("href=\"/usage/replies/"), 0, "receipts are the person's");
    assert_eq!(
        (
            page.count("data-testid=\"key-row\""),
            page.count("<option value=\"00000000-0000-0000-0000-000000000006\"")
        ),
        (2, 1)
    );
    assert_eq!(page.count("data-testid=\"failure-row\""), 2, "which failed, without a word of them");
    assert!(page.html.contains("href=\"https://dashboard.stripe.com/customers/cus_1\""));
    for deed in [
        "give_credit",
        "take_credit",
        "suspend",
        "sign_out",
        "revoke_api_key",
        "override_plan",
        "end_plan_override",
        "override_limits",
        "end_override",
    ] {
        assert_eq!(page.count(&format!("action=\"/api/admin/people/{deed}\"")), 1, "{deed}");
    }
    for missing in ["/admin/people/not-an-id", "/admin/people/00000000-0000-0000-0000-000000000194"] {
        assert_eq!(open(missing, operator()).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

/// An operator who looks at the product as somebody else.
fn visitor() -> Actor {
    let mut actor = somebody();
    if let Some(visited) = &mut actor.signed_in {
        let viewing = Viewing { person: visited.user_id, until: chrono::DateTime::UNIX_EPOCH };
        visited.impersonator = Some(Impersonator { user_id: UserId(uuid::Uuid::from_u128(1)), viewing });
    }
    actor
}

#[tokio::test]
async fn a_visit_is_on_every_page_until_it_is_ended_by_a_plain_form() {
    let visitor = visitor();
    for path in ["/", "/usage", "/account", "/chat", "/billing", "/nowhere"] {
        let page = open(path, visitor.clone()).await;
        assert_eq!(page.count("action=\"/api/account/end_visit\""), 1, "{path}");
        assert_eq!(page.count("data-testid=\"sign-out\""), 0, "{path}");
    }
    assert_eq!(open("/admin/people", visitor).await.status, StatusCode::NOT_FOUND);
    assert_eq!(open("/usage", somebody()).await.count("visit-banner"), 0);
}

#[tokio::test]
async fn on_a_visit_there_is_no_search_and_no_file_and_the_banner_says_why() {
    for (path, control) in [
        ("/chat".to_owned(), "data-testid=\"thread-search\""),
        (format!("/chat/{FINISHED_THREAD}"), "/export.md"),
        ("/usage".to_owned(), "/usage/replies.csv"),
        ("/usage/statement".to_owned(), "/usage/statement.csv"),
    ] {
        assert_eq!(open(&path, somebody()).await.count(control), 1, "{path}");
        let page = open(&path, visitor()).await;
        assert_eq!(page.count(control), 0, "{path}");
        assert_eq!(page.count("cannot be searched either, and there are no files"), 1, "{path}");
    }
}

#[tokio::test]
async fn the_audit_log_says_what_of_a_question_makes_no_sense() {
    let page = open("/admin/audit?person=ada", operator()).await;
    assert!(page.html.contains("“ada” is no person’s id."));
    assert!(open("/admin/audit?kind=signed_out", operator()).await.html.contains("Nothing like this"));
    let page = open("/admin/audit?request=0190a0b0-0000-7000-8000-000000000001", operator()).await;
    assert!(page.html.contains("POST /api/chat/list_threads was answered with 500"), "{}", page.html);
    let page = open("/admin/audit?kind=operator_added", operator()).await;
    assert!(page.html.contains("/admin/audit.csv?kind=operator_added\""));
}

#[tokio::test]
async fn a_dead_job_and_a_failed_event_say_why_and_can_be_tried_again() {
    let page = open("/admin/jobs", operator()).await;
    assert!(page.html.contains("5 of 5") && page.html.contains("away"), "{}", page.html);
    assert_eq!((page.count("retry-job"), page.count("discard-job")), (1, 1));
    assert!(page.html.contains("/admin/jobs?state=dead&amp;kind=sync_customer\""), "{}", page.html);
    let page = open("/admin/jobs?state=running", operator()).await;
    assert_eq!(page.count("retry-job"), 0, "only what has failed");
    let page = open("/admin/jobs?state=failed", operator()).await;
    assert_eq!((page.count("retry-job"), page.count("discard-job")), (1, 1));

    let page = open("/admin/stripe?event=evt_1", operator()).await;
    assert_eq!((page.count("replay-event"), page.count("event-payload")), (1, 1));
    assert!(page.html.contains("2 events had not arrived") && page.html.contains("All agreed."));
    let person = "href=\"/admin/people/00000000-0000-0000-0000-000000000007\"";
    assert_eq!(page.count(person), 3, "who drifted, whose usage was refused, who disputes");
    assert_eq!((page.count("resend-usage"), page.count("needs response")), (1, 1), "{}", page.html);
    assert!(open("/admin/stripe?customer=cus_2", operator()).await.html.contains("There is none."));
}

#[tokio::test]
async fn each_route_says_whether_it_is_asked_and_offers_what_can_be_changed_about_it() {
    let page = open("/admin/providers", operator()).await;
    for text in ["Tried again in 20 s", "Closed by an operator", "Redis does not answer", "3 overloaded"] {
        assert!(page.html.contains(text), "{text}: {}", page.html);
    }
    let offers = (page.count("data-testid=\"close-route\""), page.count("data-testid=\"reopen-route\""));
    assert_eq!(offers, (2, 2), "one that is tried again by itself can be closed, too");
}

#[tokio::test]
async fn each_page_on_which_something_can_be_done_has_a_place_to_say_what_was() {
    let person = "/admin/people/0190a0b0-0000-7000-8000-000000000008";
    for path in [person, "/admin/providers", "/admin/stripe", "/admin/jobs", "/admin/system"] {
        let page = open(path, operator()).await;
        assert_eq!(page.count("data-testid=\"deed-outcome\""), 1, "{path}");
        let (_, place) = page.html.split_once("data-testid=\"deed-outcome\"").unwrap_or_default();
        let (_, said) = place.split_once('>').unwrap_or_default();
        let (said, _) = said.split_once("</p>").unwrap_or_default();
        assert_eq!(said.replace("<!>", ""), "", "{path}: not even a space, so that no empty box is shown");
    }
}

#[tokio::test]
async fn a_switch_that_is_on_can_be_turned_off_and_a_secret_is_not_shown() {
    let page = open("/admin/system", operator()).await;
    assert_eq!(page.count("name=\"is_on\" value=\"false\""), 1, "{}", page.html);
    assert_eq!(page.count("name=\"is_on\" value=\"true\""), 2);
    assert!(page.html.contains("Set, and not shown"));
    assert!(page.html.contains("Needs attention"));
}

#[tokio::test]
async fn the_overview_has_a_chart_for_each_figure_and_says_how_old_it_is() {
    let page = open("/admin", operator()).await;
    let figures = page.count("data-testid=\"figure-");
    assert_eq!((figures, page.count("role=\"img\"")), (15, 15), "{}", page.html);
    assert_eq!(page.count("data-testid=\"computed-at\""), 1);
    for text in [
        "3,000",
        "100 today so far",
        "2,000 in the 30 days before · +50%",
        "$800.00",
        "2 past due",
        "2.50%",
        "90.00%",
        "10 ratings",
    ] {
        assert!(page.html.contains(text), "{text}: {}", page.html);
    }
    let mut ids: Vec<_> =
        page.html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "each id is there once");
}

#[tokio::test]
async fn a_report_splits_up_what_was_used_and_leads_to_who_used_it() {
    let page = open("/admin/usage?period=2026-10", operator()).await;
    let person = "/admin/people/00000000-0000-0000-0000-000000000008";
    assert_eq!(page.count(&format!("href=\"{person}\"")), 2, "who spent most, and whose cost exploded");
    for heading in ["By model", "By provider", "By route", "By plan", "By outcome", "Cost explosions"] {
        assert_eq!(page.count(&format!(">{heading}<")), 1, "{heading}");
    }
    for file in ["/admin/usage.csv?period=2026-10", "/admin/usage-people.csv?period=2026-10"] {
        assert_eq!(page.count(&format!("href=\"{file}\"")), 1, "{file}");
    }
    assert!(page.html.contains("in September 2026"), "{}", page.html);
    assert_eq!(page.count(">Rated good<"), 1, "where it is counted");
    assert_eq!(page.count("87.50%"), 2, "of the one model, and in all");
}

#[tokio::test]
async fn a_new_installation_is_told_what_its_figures_wait_for() {
    let new = Actor { request_id: "new".to_owned(), ..operator() };
    for path in ["/admin", "/admin/usage"] {
        let page = open(path, new.clone()).await;
        assert_eq!(
            (page.count("data-testid=\"no-figures\""), page.count("<svg class=\"chart")),
            (1, 0),
            "{path}"
        );
    }
}
