//! A backup that is restored, as docs/operating.md says.

use app::types::{Message, ReplyState, Switch, User};
use uuid::Uuid;

use crate::support::{Browser, TestApp, begin_reply, prompt, said_then_silent, stop, until};

/// The statements that the manual gives, in its order.
fn statements_of_the_manual() -> Vec<String> {
    let manual = include_str!("../../../docs/operating.md");
    let (_, section) = manual.split_once("\n## Backups and restoring\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("the next one");
    let lines = section.lines().filter(|line| line.starts_with("       ")).collect::<Vec<_>>().join("\n");
    lines.split_inclusive(';').map(|statement| statement.trim().to_owned()).collect()
}

async fn who(browser: &Browser) -> Option<User> {
    browser.value("account/read_user", &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_adds_up_and_people_go_on_where_they_were() {
    let lost = TestApp::start().await;
    let name = format!("person-{}", Uuid::now_v7().simple());
    let mut person = lost.browser();
    person.sign_in(&name).await;
    person.ask(&prompt()).await;
    let unfinished = prompt();
    lost.sandbox.script(&unfinished, said_then_silent()).await;
    let (running, id) = begin_reply(&person, &unfinished).await;
    let said = "select count(*) from generations where checkpoint_text <> ''";
    until(async || lost.database().number(said).await == 1).await;
    lost.database().quiet().await;
    let backup = lost.database().dump_and_restore().await;
    // What happens after it is lost with the old database.
    stop(&person, running).await;

    let app = TestApp::with_database(backup, &[], |_| {}).await;
    let database = app.database();
    let mut person = person.at(&app.url);
    assert!(who(&person).await.is_some(), "the copy still knows the session");
    let statements = statements_of_the_manual();
    assert_eq!(statements.len(), 3, "{statements:?}");
    // In one transaction with its end: this server runs already, and must not see the switch on.
    database.execute(&format!("{} update switches set is_on = false", statements.join(""))).await;
    let switches = database.rows("select key from switches").await;
    let switches: Vec<String> = switches.iter().map(|row| row.get(0)).collect();
    assert_eq!(switches, [Switch::ReadOnly.to_string()], "the one that was turned");
    assert_eq!(who(&person).await, None, "who was signed out since then must not be signed in again");
    for command in ["migrate", "audit"] {
        let output = app.command().arg(command).output().expect("it runs");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stdout));
    }

    database.execute("update holds set expires_at = now() where state = 'pending'").await;
    app.state.sweep().await;
    person.sign_in(&name).await;
    let mut reply = person.follow_reply(id, 0).await;
    reply.read_to_end().await;
    let saved: Message = reply.ended().0.clone();
    assert_eq!((reply.state(), saved.content.trim()), (ReplyState::Interrupted, "said"));
    assert_eq!(person.ask(&prompt()).await.state(), ReplyState::Finished);
    assert_eq!(database.number("select count(*) from usage_records").await, 3);
    let audit = app.command().arg("audit").output().expect("it runs");
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
}
