//! Mails over a real connection, as the product sends them.

#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in test functions, not in what they call")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use url::Url;

/// The web pages, and a connection to the mail server.
async fn connect() -> (Router, Connection) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sandbox = Sandbox::new(&Url::parse("http://127.0.0.1:4010").unwrap(), Some(address)).unwrap();
    let router = sandbox.router.clone();
    TaskTracker::new().spawn(sandbox.serve_mail(listener));
    let mut connection = Connection(BufReader::new(TcpStream::connect(address).await.unwrap()));
    assert_eq!(connection.reply().await, "220");
    (router, connection)
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    /// The code of the reply to some lines.
    async fn say(&mut self, lines: &str) -> String {
        self.0.get_mut().write_all(format!("{lines}\r\n").as_bytes()).await.unwrap();
        self.reply().await
    }

    /// Empty when the connection has ended.
    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            if line.get(3..4) != Some("-") {
                return line.get(..3).unwrap_or_default().to_owned();
            }
        }
    }

    async fn send(&mut self, to: &str, mail: &str) -> String {
        assert_eq!(self.say("MAIL FROM:<shop@example.test>").await, "250");
        assert_eq!(self.say(&format!("RCPT TO:<{to}>")).await, "250");
        assert_eq!(self.say("DATA").await, "354");
        self.say(&format!("{mail}\r\n.")).await
    }
}

async fn get(router: &Router, path: &str) -> (StatusCode, String) {
    let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    (status, String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().into()).unwrap())
}

async fn mails(router: &Router, to: &str) -> Vec<Value> {
    serde_json::from_str(&get(router, &format!("/mail.json?to={to}")).await.1).unwrap()
}

async fn set_fault(router: &Router, fault: Value) {
    let request = Request::put("/control/mail/faults")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(fault.to_string()));
    assert_eq!(router.clone().oneshot(request.unwrap()).await.unwrap().status(), StatusCode::NO_CONTENT);
}

const MAIL: &str = "Subject: =?utf-8?q?Caf=C3=A9?=\r\nList-Unsubscribe:\r\n <https://example.test/u>\r\n\
    Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
    ..a dot\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    <a href=3D\"https://example.test/\">go</a>\r\n--b--";

#[tokio::test]
async fn a_mail_is_kept_and_shown_in_each_form() {
    let (router, mut connection) = connect().await;
    assert_eq!(connection.say("EHLO test").await, "250");
    assert_eq!(connection.send("ada@example.test", MAIL).await, "250");
    assert_eq!(connection.say("QUIT").await, "221");

    let kept = mails(&router, "ada@example.test").await;
    assert_eq!((kept.len(), &kept[0]["subject"]), (1, &json!("Café")));
    assert_eq!(kept[0]["headers"]["List-Unsubscribe"], "<https://example.test/u>");
    assert_eq!(kept[0]["text"].as_str().unwrap().trim_end(), ".a dot", "the doubled dot is one");
    assert!(kept[0]["html"].as_str().unwrap().contains("href=\"https://example.test/\""));
    assert!(mails(&router, "bob@example.test").await.is_empty());

    assert!(get(&router, "/mail").await.1.contains("<a href=\"/mail/1\">Café</a>"));
    assert!(get(&router, "/mail/1").await.1.contains("src=\"/mail/1/html\""));
    assert!(get(&router, "/mail/1/html").await.1.starts_with("<base target=\"_top\"><a href"));
    assert_eq!(get(&router, "/mail/2").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn commands_out_of_order_are_refused_and_the_connection_goes_on() {
    let (router, mut connection) = connect().await;
    for (line, code) in [
        ("RCPT TO:<ada@example.test>", "503"),
        ("DATA", "503"),
        ("MAIL FROM:shop", "501"),
        ("VRFY ada", "502"),
        ("NOOP", "250"),
        ("MAIL FROM:<shop@example.test>", "250"),
        ("MAIL FROM:<shop@example.test>", "503"),
        ("RSET", "250"),
        ("RCPT TO:<ada@example.test>", "503"),
    ] {
        assert_eq!(connection.say(line).await, code, "{line}");
    }
    assert_eq!(connection.send("ada@example.test", "Subject: x\r\n\r\ny").await, "250");
    assert_eq!(mails(&router, "ada@example.test").await.len(), 1);
}

#[tokio::test]
async fn faults_hit_whom_they_are_for_as_often_as_they_are_for() {
    let (router, mut connection) = connect().await;
    set_fault(&router, json!({ "to": "ada@example.test", "fault": "refuse_temporarily", "times": 1 })).await;
    set_fault(&router, json!({ "to": "bob@example.test", "fault": "refuse_permanently" })).await;
    set_fault(&router, json!({ "to": "eve@example.test", "fault": "lose_answer", "times": 1 })).await;
    assert_eq!(connection.say("MAIL FROM:<shop@example.test>").await, "250");
    for (to, code) in [("ada", "451"), ("bob", "550"), ("bob", "550"), ("ada", "250")] {
        assert_eq!(connection.say(&format!("RCPT TO:<{to}@example.test>")).await, code, "{to}");
    }
    assert_eq!(connection.say("RSET").await, "250");
    set_fault(&router, json!({ "to": "bob@example.test" })).await;
    assert_eq!(connection.send("bob@example.test", "Subject: x\r\n\r\ny").await, "250", "all is well again");
    assert_eq!(connection.send("eve@example.test", "Subject: x\r\n\r\ny").await, "", "no answer");
    assert_eq!(mails(&router, "eve@example.test").await.len(), 1, "but it is there");
}
