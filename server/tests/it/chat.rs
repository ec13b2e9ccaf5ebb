//! Threads and replies.

use std::time::Duration;

use app::types::{
    ChatEventKind, Conversation, LimitName, Message, MessageId, Nanos, ReplyState, Role, Thread, ThreadId,
};
use app::{ApiError, ModelFailure};
use futures::future::join_all;
use http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Browser, Reply, TestApp, new_request, prompt, quick, silent, stop};

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_arrives_in_pieces_and_is_there_after_a_reload() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, quick("One two three.")).await;
    let reply = browser.ask(&prompt).await;
    assert!(reply.events.iter().filter(|event| matches!(event.kind, ChatEventKind::Text { .. })).count() > 1);
    assert_eq!(
        reply.events.iter().map(|event| event.seq).collect::<Vec<_>>(),
        (1..=reply.events.len() as u32).collect::<Vec<_>>()
    );
    assert_eq!(reply.text(), "One two three.");
    assert_eq!(reply.state(), ReplyState::Finished);

    let threads: Vec<Thread> = browser.value("chat/list_threads", &[]).await;
    assert_eq!(threads[0].title, prompt);
    let conversation: Conversation =
        browser.value("chat/read_thread", &[("id", &threads[0].id.to_string())]).await;
    let turns: Vec<_> =
        conversation.messages.iter().map(|message| (message.role, message.content.as_str())).collect();
    assert_eq!(turns, [(Role::User, prompt.as_str()), (Role::Assistant, "One two three.")]);
    assert_eq!(conversation.live_reply, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_are_told_to_pass_each_word_on_at_once() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let mut reply = browser.start_reply(&new_request(&prompt())).await;
    let (id, _) = reply.read_started().await;
    let following = browser.follow_reply(id, 0).await;
    for stream in [&reply, &following] {
        assert_eq!((stream.header("x-accel-buffering"), stream.header("cache-control")), ("no", "no-cache"));
    }
    reply.read_to_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_is_told_what_was_said_before() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let (first, second) = (prompt(), prompt());
    let mut reply = browser.start_reply(&new_request(&first)).await;
    let (_, thread_id) = reply.read_started().await;
    reply.read_to_end().await;
    let request = json!({
        "client_request_id": Uuid::now_v7(),
        "target": { "kind": "thread", "thread_id": thread_id, "prompt": second },
    });
    browser.start_reply(&request).await.read_to_end().await;
    assert_eq!(app.sandbox.journal(&second).await[0]["message_count"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_sent_many_times_is_one_reply() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox
        .script(&prompt, json!({ "text": "Once only.", "first_token_delay_ms": 50, "gap_ms": 5 }))
        .await;
    let request = new_request(&prompt);
    let mut replies = join_all((0..8).map(|_| browser.start_reply(&request))).await;
    crate::support::read_all(&mut replies).await;
    // And once more when it is long over.
    let mut late = browser.start_reply(&request).await;
    late.read_to_end().await;
    replies.push(late);

    for reply in &replies {
        assert_eq!(reply.status(), StatusCode::OK);
        assert_eq!(reply.ended().0.id, replies[0].ended().0.id);
        assert_eq!(reply.ended().0.content, "Once only.");
    }
    assert_eq!(app.sandbox.journal(&prompt).await.len(), 1);
    let quota: app::types::Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(quota.limit(LimitName::RequestsPerDay).expect("a limit").used, 1);
}

/// (8)
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_the_first_word_is_charged_once_and_finds_the_answer_later() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox
        .script(&prompt, json!({ "text": "Still here.", "first_token_delay_ms": 300, "gap_ms": 0 }))
        .await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (id, thread_id) = reply.read_started().await;
    drop(reply);

    let mut later = browser.follow_reply(id, 0).await;
    later.read_to_end().await;
    assert_eq!(later.ended().0.content, "Still here.");
    let conversation: Conversation =
        browser.value("chat/read_thread", &[("id", &thread_id.to_string())]).await;
    assert_eq!(conversation.messages[1].content, "Still here.");
    let charges =
        app.database().number("select count(*) from ledger_entries where cause like 'generation:%'").await;
    assert_eq!(charges, 1);
    assert_eq!(app.sandbox.journal(&prompt).await[0]["state"], "finished");
}

/// (16)
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_in_mid_answer_goes_on_without_gap_or_repeat() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox
        .script(&prompt, json!({ "text": "a b c d e f g h", "first_token_delay_ms": 0, "gap_ms": 30 }))
        .await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (id, thread_id) = reply.read_started().await;
    reply.read_event().await;
    let seen = reply.events.last().expect("an event").seq;
    let before = reply.text();
    drop(reply);

    let conversation: Conversation =
        browser.value("chat/read_thread", &[("id", &thread_id.to_string())]).await;
    assert_eq!(conversation.live_reply, Some(id));
    let mut rest = browser.follow_reply(id, seen).await;
    rest.read_to_end().await;
    assert_eq!(rest.events[0].seq, seen + 1);
    assert_eq!(format!("{before}{}", rest.text()), "a b c d e f g h");
}

/// (9)
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_the_usage_is_told_pays_by_the_providers_count() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let prompt = prompt();
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 700 });
    app.sandbox.script(&prompt, json!({ "text": "All of it.", "gap_ms": 200, "usage": usage })).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (id, _) = reply.read_started().await;
    while reply.text() != "All of it." {
        reply.read_event().await.expect("it goes on");
    }
    drop(reply);

    browser.follow_reply(id, 0).await.read_to_end().await;
    let usage =
        app.database().rows("select input_tokens, output_tokens, is_estimated from usage_records").await;
    assert_eq!((usage[0].get(0), usage[0].get(1), usage[0].get(2)), (9, 700, false));
}

/// (11)
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_cut_into_bytes_anywhere_is_the_same_text() {
    let app = TestApp::with(|config| config.plans.free.concurrent_replies = 50).await;
    let browser = app.user().await;
    let text = "日本語の文章と emoji 👩‍👩‍👧‍👦, accents é, and a tail. ".repeat(3);
    let replies = (1..=12).map(|size| {
        let (app, browser, text) = (&app, &browser, &text);
        async move {
            let prompt = prompt();
            let script = json!({ "text": text, "split_bytes": size, "crlf": size % 2 == 0, "comments": size % 3 == 0,
                                 "gap_ms": 0, "first_token_delay_ms": 0 });
            app.sandbox.script(&prompt, script).await;
            (size, browser.ask(&prompt).await)
        }
    });
    for (size, reply) in join_all(replies).await {
        assert_eq!(reply.text(), text, "in pieces of {size}");
        assert_eq!(reply.ended().0.content, text);
        assert_eq!(reply.state(), ReplyState::Finished);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_reply_keeps_and_bills_what_was_said() {
    let app = TestApp::with(|config| {
        config.llm.catalog.models[0].prices.input = Nanos(0);
        config.llm.catalog.models[0].prices.output = Nanos(1_000_000);
    })
    .await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, json!({ "text": "abcdef never said", "chunk_chars": 6, "stall_after_chunks": 1, "first_token_delay_ms": 0 })).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (id, _) = reply.read_started().await;
    reply.read_event().await;
    browser.call("chat/stop_reply", &[("id", &id.to_string())]).await;
    reply.read_to_end().await;
    let (message, error) = reply.ended();
    assert_eq!((message.content.as_str(), message.state, error), ("abcdef", Some(ReplyState::Stopped), None));
    assert_eq!(message.charged, Some(Nanos(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_before_the_first_word_is_free_and_can_be_tried_again() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, json!({ "status": 500, "times": 3 })).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (_, thread_id) = reply.read_started().await;
    reply.read_to_end().await;
    let (message, error) = reply.ended();
    assert_eq!((message.state, message.charged), (Some(ReplyState::Failed), Some(Nanos(0))));
    assert_eq!(error, Some(&ApiError::model(ModelFailure::Unavailable)));

    let retry = json!({
        "client_request_id": Uuid::now_v7(),
        "target": { "kind": "retry", "thread_id": thread_id, "message_id": message.parent_id },
    });
    let mut again = browser.start_reply(&retry).await;
    again.read_to_end().await;
    assert_eq!(again.state(), ReplyState::Finished);
    let conversation: Conversation =
        browser.value("chat/read_thread", &[("id", &thread_id.to_string())]).await;
    assert_eq!(conversation.messages.len(), 2, "the failed answer is off the path");
    let last = app.sandbox.journal(&prompt).await.pop().expect("asked");
    assert_eq!(last["message_count"], 1, "a failed answer is no turn");
}

/// (10, 12)
#[tokio::test(flavor = "multi_thread")]
async fn each_way_a_provider_fails_is_told_in_its_own_words() {
    let cases = [
        (json!({ "status": 429 }), ReplyState::Failed, ModelFailure::Overloaded),
        (json!({ "status": 400 }), ReplyState::Failed, ModelFailure::Refused),
        (json!({ "status": 503 }), ReplyState::Failed, ModelFailure::Overloaded),
        (json!({ "status": 529 }), ReplyState::Failed, ModelFailure::Overloaded),
        (json!({ "frame_bytes": 2 << 20 }), ReplyState::Failed, ModelFailure::Unavailable),
        (silent(), ReplyState::Failed, ModelFailure::NoFirstToken),
        (json!({ "cut_after_chunks": 0 }), ReplyState::Failed, ModelFailure::Unavailable),
        (json!({ "stall_after_chunks": 2 }), ReplyState::Interrupted, ModelFailure::Interrupted),
        (json!({ "cut_after_chunks": 2 }), ReplyState::Interrupted, ModelFailure::Interrupted),
        (json!({ "end_after_chunks": 2 }), ReplyState::Interrupted, ModelFailure::Interrupted),
        (json!({ "error_after_chunks": 2 }), ReplyState::Interrupted, ModelFailure::Interrupted),
    ];
    // A server for each, because failures open the breaker of a route.
    let outcomes = cases.into_iter().map(|(script, state, failure)| async move {
        let app = TestApp::with(|config| {
            config.llm.clocks.first_token = Duration::from_millis(1500);
            config.llm.clocks.idle = Duration::from_millis(500);
        })
        .await;
        let prompt = prompt();
        let mut paced = script.clone();
        if script.get("status").is_none() {
            paced["text"] = json!("one two three four");
            paced["gap_ms"] = json!(0);
            paced["first_token_delay_ms"] = json!(0);
        }
        app.sandbox.script(&prompt, paced).await;
        (script, state, failure, app.user().await.ask(&prompt).await)
    });
    for (script, state, failure, reply) in join_all(outcomes).await {
        let (message, error) = reply.ended();
        assert_eq!(message.state, Some(state), "{script}");
        assert_eq!(error, Some(&ApiError::model(failure)), "{script}");
        let said = if state == ReplyState::Interrupted { "one two " } else { "" };
        assert_eq!(message.content.trim_end(), said.trim_end(), "{script}");
    }
}

/// (10)
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_may_take_far_longer_than_the_longest_silence() {
    let app = TestApp::with(|config| config.llm.clocks.idle = Duration::from_secs(2)).await;
    let prompt = prompt();
    app.sandbox.script(&prompt, json!({ "text": "one two three four five six", "gap_ms": 700 })).await;
    assert_eq!(app.user().await.ask(&prompt).await.state(), ReplyState::Finished);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_drops_or_in_one_large_frame_is_whole() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    for odd in
        [json!({ "chunk_chars": 1, "gap_ms": 100, "split_bytes": 7 }), json!({ "frame_bytes": 1_000_000 })]
    {
        let prompt = prompt();
        let mut script = quick("drip 語");
        script.as_object_mut().expect("an object").extend(odd.as_object().expect("an object").clone());
        app.sandbox.script(&prompt, script).await;
        let reply = browser.ask(&prompt).await;
        assert_eq!((reply.state(), reply.text().as_str()), (ReplyState::Finished, "drip 語"), "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_character_that_no_database_keeps_is_left_out_of_questions_and_answers() {
    let app = TestApp::start().await;
    let (browser, prompt) = (app.user().await, prompt());
    let mut script = quick("a\0b \0 c");
    script["reasoning"] = json!("h\0m");
    app.sandbox.script(&prompt, script).await;
    let reply = browser.ask(&format!("\0{prompt}\0")).await;
    let message = reply.ended().0;
    assert_eq!((reply.state(), reply.text()), (ReplyState::Finished, message.content.clone()));
    assert_eq!((message.content.as_str(), message.reasoning.as_str()), ("ab  c", "hm"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blank_or_endless_prompt_is_refused_in_words() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    for prompt in [" \n ".to_owned(), "x".repeat(100_001)] {
        let reply = browser.start_reply(&new_request(&prompt)).await;
        assert_eq!(reply.status(), StatusCode::BAD_REQUEST);
        assert!(matches!(reply.error().await, ApiError::Invalid { .. }));
    }
}

/// (38)
#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_thread_is_like_a_missing_one() {
    let app = TestApp::start().await;
    let (owner, mut stranger) = (app.user().await, app.user().await);
    let secret = prompt();
    app.sandbox.script(&secret, json!({ "text": "x", "stall_after_chunks": 0 })).await;
    let mut reply = owner.start_reply(&new_request(&secret)).await;
    let (generation_id, thread_id) = reply.read_started().await;
    let (real, missing) = (thread_id.to_string(), Uuid::now_v7().to_string());

    for function in ["chat/read_thread", "chat/delete_thread", "chat/restore_thread"] {
        let guessed = stranger.error(function, &[("id", &real)]).await;
        assert_eq!(guessed, stranger.error(function, &[("id", &missing)]).await, "{function}");
        assert_eq!(guessed.0, 404, "{function}");
    }
    let renamed = stranger.error("chat/rename_thread", &[("id", &real), ("title", "Mine now")]).await;
    assert_eq!(renamed.0, 404);
    assert_eq!(stranger.error("chat/stop_reply", &[("id", &generation_id.to_string())]).await.0, 404);
    assert_eq!(stranger.follow_reply(generation_id, 0).await.status(), StatusCode::NOT_FOUND);
    for target in [
        json!({ "kind": "thread", "thread_id": real, "prompt": "Continue" }),
        json!({ "kind": "edit", "thread_id": real, "message_id": Uuid::now_v7(), "prompt": "Mine now" }),
        json!({ "kind": "retry", "thread_id": real, "message_id": Uuid::now_v7() }),
    ] {
        let request = json!({ "client_request_id": Uuid::now_v7(), "target": target });
        assert_eq!(stranger.start_reply(&request).await.status(), StatusCode::NOT_FOUND);
    }
    let (guessed, absent) =
        (stranger.get(&format!("/chat/{real}")).await, stranger.get(&format!("/chat/{missing}")).await);
    assert_eq!((guessed.status(), absent.status()), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert!(!guessed.text().await.expect("a page").contains(&secret));

    owner.call("chat/stop_reply", &[("id", &generation_id.to_string())]).await;
    reply.read_to_end().await;
}

/// Something asked in a thread that is there.
fn in_thread(thread_id: ThreadId, kind: &str, fields: Value) -> Value {
    let mut target = json!({ "kind": kind, "thread_id": thread_id });
    target.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    json!({ "client_request_id": Uuid::now_v7(), "target": target })
}

async fn ask_in(browser: &Browser, thread_id: ThreadId, kind: &str, fields: Value) -> Reply {
    let mut reply = browser.start_reply(&in_thread(thread_id, kind, fields)).await;
    assert_eq!(reply.status(), StatusCode::OK);
    reply.read_to_end().await;
    reply
}

/// The saved message that a reply answers, and the answer.
fn pair(reply: &Reply) -> [MessageId; 2] {
    let answer = reply.ended().0;
    [answer.parent_id.expect("a question"), answer.id]
}

async fn read(browser: &Browser, thread_id: ThreadId) -> Conversation {
    browser.value("chat/read_thread", &[("id", &thread_id.to_string())]).await
}

async fn show(browser: &Browser, version: MessageId) -> Conversation {
    browser.value("chat/show_version", &[("id", &version.to_string())]).await
}

fn ids(conversation: &Conversation) -> Vec<MessageId> {
    conversation.messages.iter().map(|message| message.id).collect()
}

fn last(conversation: &Conversation) -> &Message {
    conversation.messages.last().expect("a message")
}

/// How many messages the model was shown with this one.
async fn shown_with(app: &TestApp, prompt: &str) -> Value {
    app.sandbox.journal(prompt).await.pop().expect("asked")["message_count"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_message_is_answered_anew_and_the_old_pair_is_still_there() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let (title, edited) = (prompt(), prompt());
    let first = browser.ask(&title).await;
    let thread_id = first.thread_id();
    let old = ask_in(&browser, thread_id, "thread", json!({ "prompt": prompt() })).await;
    let [question, answer] = pair(&first);
    let [old_question, old_answer] = pair(&old);
    let fields = json!({ "message_id": old_question, "prompt": edited });
    let new = ask_in(&browser, thread_id, "edit", fields).await;
    let [new_question, new_answer] = pair(&new);
    assert_eq!(shown_with(&app, &edited).await, 3, "the path up to it, without the old pair");

    let conversation = read(&browser, thread_id).await;
    assert_eq!(ids(&conversation), [question, answer, new_question, new_answer]);
    assert_eq!(conversation.messages[2].content, edited);
    let versions: Vec<_> = conversation.messages.iter().map(|message| message.versions.clone()).collect();
    assert_eq!(versions[2], [old_question, new_question]);
    assert_eq!((versions[0].as_slice(), versions[3].as_slice()), (&[question][..], &[new_answer][..]));
    let before = show(&browser, old_question).await;
    assert_eq!(ids(&before), [question, answer, old_question, old_answer]);

    let very_first = json!({ "message_id": question, "prompt": prompt() });
    let anew = ask_in(&browser, thread_id, "edit", very_first).await;
    let conversation = read(&browser, thread_id).await;
    assert_eq!(ids(&conversation), pair(&anew));
    assert_eq!(conversation.messages[0].versions, [question, pair(&anew)[0]]);
    assert_eq!(conversation.thread.title, title, "it is the same conversation");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_that_was_chosen_stays_and_what_is_sent_hangs_on_it() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let (first_prompt, second_prompt) = (prompt(), prompt());
    let first = browser.ask(&first_prompt).await;
    let thread_id = first.thread_id();
    let [question, answer] = pair(&first);
    let other = ask_in(&browser, thread_id, "retry", json!({ "message_id": question })).await;
    let [_, other_answer] = pair(&other);
    assert_eq!(ids(&read(&browser, thread_id).await), [question, other_answer], "what was answered last");

    let chosen = show(&browser, answer).await;
    assert_eq!(ids(&chosen), [question, answer]);
    assert_eq!(last(&chosen).versions, [answer, other_answer]);
    assert_eq!(read(&browser, thread_id).await, chosen);
    let next = ask_in(&browser, thread_id, "thread", json!({ "prompt": second_prompt })).await;
    let [next_question, next_answer] = pair(&next);
    let longer = [question, answer, next_question, next_answer];
    assert_eq!(shown_with(&app, &second_prompt).await, 3);
    assert_eq!(ids(&read(&browser, thread_id).await), longer);

    assert_eq!(ids(&show(&browser, other_answer).await), [question, other_answer]);
    assert_eq!(ids(&show(&browser, answer).await), longer, "on to the newest message below it");
}

/// Whatever another tab has sent or chosen meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_hangs_on_what_the_person_sees() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let first = browser.ask(&prompt()).await;
    let thread_id = first.thread_id();
    let [question, answer] = pair(&first);
    let (here, there) = (prompt(), prompt());
    let sent = |prompt: &str| json!({ "prompt": prompt, "after": answer });
    let one = ask_in(&browser, thread_id, "thread", sent(&there)).await;
    let two = ask_in(&browser, thread_id, "thread", sent(&here)).await;
    assert_eq!(shown_with(&app, &here).await, 3, "nothing that was not seen");
    let conversation = read(&browser, thread_id).await;
    assert_eq!(ids(&conversation), [question, answer, pair(&two)[0], pair(&two)[1]]);
    assert_eq!(conversation.messages[2].versions, [pair(&one)[0], pair(&two)[0]]);

    let nowhere = json!({ "prompt": prompt(), "after": Uuid::now_v7() });
    let refused = browser.start_reply(&in_thread(thread_id, "thread", nowhere)).await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_came_to_nothing_is_a_version_only_while_it_is_shown() {
    let app = TestApp::start().await;
    let (browser, prompt) = (app.user().await, prompt());
    let first = browser.ask(&prompt).await;
    let [question, answer] = pair(&first);
    app.sandbox.script(&prompt, json!({ "status": 500, "times": 3 })).await;
    let again = json!({ "message_id": question });
    let failed = ask_in(&browser, first.thread_id(), "retry", again).await;
    assert_eq!(failed.state(), ReplyState::Failed);
    let shown = read(&browser, first.thread_id()).await;
    assert_eq!(last(&shown).versions, [answer, failed.ended().0.id]);
    assert_eq!(last(&show(&browser, answer).await).versions, [answer]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_being_written_on_another_path_does_not_take_the_page_there() {
    let app = TestApp::start().await;
    let (browser, prompt) = (app.user().await, prompt());
    let first = browser.ask(&prompt).await;
    let [question, answer] = pair(&first);
    app.sandbox.script(&prompt, silent()).await;
    let again = in_thread(first.thread_id(), "retry", json!({ "message_id": question }));
    let mut reply = browser.start_reply(&again).await;
    let (id, thread_id) = reply.read_started().await;
    assert_eq!(read(&browser, thread_id).await.live_reply, Some(id));

    let chosen = show(&browser, answer).await;
    assert_eq!((ids(&chosen), chosen.live_reply), (vec![question, answer], None));
    assert_eq!(read(&browser, thread_id).await, chosen);
    assert_eq!(show(&browser, question).await.live_reply, Some(id), "there it is");
    show(&browser, answer).await;
    stop(&browser, reply).await;
    assert_eq!(ids(&read(&browser, thread_id).await), [question, answer], "nor does its end");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_messages_of_ones_own_can_be_chosen_or_edited() {
    let app = TestApp::start().await;
    let (owner, stranger) = (app.user().await, app.user().await);
    let reply = owner.ask(&prompt()).await;
    let other = owner.ask(&prompt()).await;
    let before = read(&owner, reply.thread_id()).await;
    let [question, answer] = pair(&reply);
    let version = question.to_string();
    assert_eq!(stranger.error("chat/show_version", &[("id", &version)]).await.0, 404);
    assert_eq!(app.browser().error("chat/show_version", &[("id", &version)]).await.0, 401);
    let nowhere = Uuid::now_v7().to_string();
    assert_eq!(owner.error("chat/show_version", &[("id", &nowhere)]).await.0, 404);

    let edit = |thread_id, message_id: MessageId| {
        in_thread(thread_id, "edit", json!({ "message_id": message_id, "prompt": "Mine now" }))
    };
    let (here, there) = (reply.thread_id(), other.thread_id());
    assert_eq!(stranger.start_reply(&edit(here, question)).await.status(), StatusCode::NOT_FOUND);
    for (thread_id, message_id) in [(here, answer), (there, question)] {
        assert_eq!(owner.start_reply(&edit(thread_id, message_id)).await.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(read(&owner, here).await, before);
    owner.value::<()>("chat/delete_thread", &[("id", &here.to_string())]).await;
    assert_eq!(owner.error("chat/show_version", &[("id", &version)]).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_can_be_renamed_deleted_and_brought_back() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    browser.ask(&prompt()).await;
    let threads: Vec<Thread> = browser.value("chat/list_threads", &[]).await;
    let id = threads[0].id.to_string();
    assert_eq!(browser.error("chat/rename_thread", &[("id", &id), ("title", "  ")]).await.0, 400);
    browser.value::<()>("chat/rename_thread", &[("id", &id), ("title", "  A better\nname ")]).await;
    browser.value::<()>("chat/delete_thread", &[("id", &id)]).await;
    assert_eq!(browser.value::<Vec<Thread>>("chat/list_threads", &[]).await, []);
    assert_eq!(browser.error("chat/read_thread", &[("id", &id)]).await.0, 404);
    browser.value::<()>("chat/restore_thread", &[("id", &id)]).await;
    assert_eq!(browser.value::<Vec<Thread>>("chat/list_threads", &[]).await[0].title, "A better name");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_who_is_not_signed_in_gets_no_reply() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let reply = browser.start_reply(&new_request("Hello")).await;
    assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(reply.error().await, ApiError::SignInRequired);
    let garbled =
        browser.request(Method::POST, "/api/chat/start_reply").json(&json!({ "request": 1 })).send().await;
    assert_eq!(garbled.expect("an answer").status(), StatusCode::BAD_REQUEST);
}
