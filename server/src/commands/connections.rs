//! The connections of a serving process. They are served as axum does it, but whoever does not say what they want is let
//! go: otherwise a stranger who sends half a request, or none, could keep connections open until there are no more.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::middleware::AddExtension;
use axum::serve::Listener;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Layer;

/// How long a connection waits for its client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// For the head of a request.
    pub(super) head: Duration,
    /// While it reads nothing of an answer: otherwise what was made for it stays in memory for as long as it likes.
    pub(super) unread: Duration,
}

type Answers = TowerToHyperService<AddExtension<Router, ConnectInfo<SocketAddr>>>;

/// Serves HTTP/1.1 until told to end, and then until what was asked for is answered. A head that has not come whole within
/// `timeouts.head` ends its connection, and so does a pause of that length between two requests.
pub(super) async fn serve(
    mut listener: TcpListener,
    router: Router,
    timeouts: Timeouts,
    ending: CancellationToken,
) {
    // Once, so that all connections share one: each would make routes of its own.
    let router: Router = router.with_state(());
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(timeouts.head);
    let connections = TaskTracker::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = ending.cancelled() => break,
        };
        // Words leave at once. Otherwise the kernel keeps each until the client has confirmed the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "No TCP_NODELAY on a connection");
        }
        if let Err(error) = SockRef::from(&stream).set_tcp_user_timeout(Some(timeouts.unread)) {
            tracing::debug!(%error, "No TCP_USER_TIMEOUT on a connection");
        }
        let answers = TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(router.clone()));
        let connection = http.serve_connection(TokioIo::new(stream), answers);
        connections.spawn(serve_one(connection, ending.clone()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn serve_one(connection: http1::Connection<TokioIo<TcpStream>, Answers>, ending: CancellationToken) {
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "A connection broke off");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    struct Server {
        address: SocketAddr,
        ending: CancellationToken,
        serving: JoinHandle<()>,
    }

    impl Server {
        async fn start(router: Router, head: Duration) -> Self {
            Self::with(router, Timeouts { head, unread: LONG }).await
        }

        async fn with(router: Router, timeouts: Timeouts) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let ending = CancellationToken::new();
            let serving = TaskTracker::new().spawn(serve(listener, router, timeouts, ending.clone()));
            Self { address, ending, serving }
        }

        async fn say(&self, text: &str) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.expect("a connection");
            stream.write_all(text.as_bytes()).await.expect("sent");
            stream
        }
    }

    /// All that is said until the server closes the connection.
    async fn hear(mut stream: TcpStream) -> String {
        let mut answer = String::new();
        let heard = tokio::time::timeout(LONG, stream.read_to_string(&mut answer));
        heard.await.expect("it is closed").expect("an answer");
        answer
    }

    #[tokio::test]
    async fn whoever_does_not_say_what_they_want_is_let_go() {
        let server = Server::start(Router::new().route("/", get(|| async { "here" })), SHORT).await;
        for said in ["", "GET / HTTP/1.1\r\nHost: pl"] {
            hear(server.say(said).await).await;
        }
        let answer = hear(server.say("GET / HTTP/1.1\r\nHost: plumbline\r\n\r\n").await).await;
        assert!(answer.ends_with("here"), "and a connection is not kept for ever for the next: {answer}");
    }

    #[tokio::test]
    async fn whoever_does_not_read_the_answer_is_let_go() {
        let endless = get(|| async { vec![0; 64 << 20] });
        let timeouts = Timeouts { head: LONG, unread: SHORT };
        let server = Server::with(Router::new().route("/", endless), timeouts).await;
        let stream = server.say("GET / HTTP/1.1\r\nHost: plumbline\r\n\r\n").await;
        stream.readable().await.expect("an answer");
        server.ending.cancel();
        tokio::time::timeout(LONG, server.serving).await.expect("it waits no longer").expect("it ends");
        drop(stream);
    }

    #[tokio::test]
    async fn what_was_asked_before_the_end_is_answered_and_says_who_asked() {
        let (asked, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (has_asked, may_go_on) = (asked.clone(), go_on.clone());
        let handler = move |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move {
            has_asked.notify_one();
            may_go_on.notified().await;
            peer.to_string()
        };
        let server = Server::start(Router::new().route("/", get(handler)), LONG).await;
        let idle = server.say("").await;
        let busy = server.say("GET / HTTP/1.1\r\nHost: plumbline\r\n\r\n").await;
        let peer = busy.local_addr().expect("an address").to_string();
        asked.notified().await;
        server.ending.cancel();
        hear(idle).await;
        go_on.notify_one();
        let answer = hear(busy).await;
        assert!(answer.ends_with(&peer), "{answer}");
        server.serving.await.expect("it ends");
        TcpStream::connect(server.address).await.expect_err("nobody listens");
    }
}
