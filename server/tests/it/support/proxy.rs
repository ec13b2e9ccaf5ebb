use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// Stands before PostgreSQL or Redis and breaks off at a chosen message of the client. A message is what a client sends in
/// one go and then waits for the answer to: a statement to be prepared or run, a command or a pipeline of them.
pub struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
}

/// What becomes of the chosen message.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It is held back, and so is every message after it.
    Stall,
    /// It is lost, together with every connection.
    Cut,
    /// It is carried out, but its answer is lost together with every connection.
    CutAnswer,
}

struct Line {
    upstream: OnceLock<String>,
    plan: Mutex<Plan>,
    state: watch::Sender<State>,
    /// By connection; None: nobody wants to know.
    answers: Mutex<Option<Vec<Answers>>>,
}

type Answers = Arc<Mutex<Vec<u8>>>;

#[derive(Default)]
struct Plan {
    messages: usize,
    fault: Option<(usize, Fault)>,
}

/// How the line is. Connections from before the last cut are gone, also after it was healed.
#[derive(Clone, Copy, Default)]
struct State {
    cuts: usize,
    is_cut: bool,
    is_stalled: bool,
}

impl Proxy {
    /// Passes everything on until told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let line = Arc::new(Line {
            upstream: OnceLock::new(),
            plan: Mutex::default(),
            state: watch::Sender::default(),
            answers: Mutex::default(),
        });
        let accepting = line.clone();
        tokio::task::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let line = accepting.clone();
                tokio::task::spawn(async move { line.serve(client).await });
            }
        });
        Self { address, line }
    }

    /// The address of a service, led through this proxy.
    pub fn before(&self, url: &str) -> String {
        let mut url: Url = url.parse().expect("a URL");
        let default_port = if url.scheme() == "redis" { 6379 } else { 5432 };
        let host = url.host_str().expect("a host");
        let upstream = format!("{host}:{}", url.port().unwrap_or(default_port));
        self.line.upstream.set(upstream).expect("one service");
        url.set_ip_host(self.address.ip()).expect("a host");
        url.set_port(Some(self.address.port())).expect("a port");
        url.into()
    }

    /// Lets the `n`-th message from now on, counted from 1, meet this fault.
    pub fn break_at(&self, n: usize, fault: Fault) {
        *self.line.plan.lock().expect("no panic") = Plan { messages: 0, fault: Some((n, fault)) };
    }

    /// Waits until the fault has happened.
    pub async fn broken(&self) {
        let mut state = self.line.state.subscribe();
        state.wait_for(|state| state.is_cut || state.is_stalled).await.expect("the line lives on");
    }

    /// Drops every connection and takes no new ones.
    pub fn cut(&self) {
        self.line.cut();
    }

    /// Passes everything on again, also what was held back.
    pub fn heal(&self) {
        self.line.state.send_modify(|state| (state.is_cut, state.is_stalled) = (false, false));
    }

    /// What the service has said since this was last asked, connection by connection; the first time nothing, because it is
    /// kept from then on, for connections that are made then.
    pub fn answers(&self) -> Vec<Vec<u8>> {
        let mut answers = self.line.answers.lock().expect("no panic");
        let kept = answers.get_or_insert_default();
        kept.iter().map(|answers| std::mem::take(&mut *answers.lock().expect("no panic"))).collect()
    }

    /// Messages of clients since the start, or since a fault was chosen.
    pub fn messages(&self) -> usize {
        self.line.plan.lock().expect("no panic").messages
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

impl Line {
    fn cut(&self) {
        self.state.send_modify(|state| (state.cuts, state.is_cut) = (state.cuts + 1, true));
    }

    async fn serve(&self, client: TcpStream) {
        let mut state = self.state.subscribe();
        let State { cuts, is_cut, .. } = *state.borrow();
        if is_cut {
            return;
        }
        tokio::select! {
            biased;
            _ = state.wait_for(|state| state.cuts > cuts) => {}
            _ = self.relay(client) => {}
        }
    }

    /// Ends when one side does.
    async fn relay(&self, mut client: TcpStream) -> io::Result<()> {
        let mut server = TcpStream::connect(self.upstream.get().expect("a service")).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let loses_answer = AtomicBool::new(false);
        let messages = async {
            let mut message = vec![0; 1 << 16];
            loop {
                let length = from_client.read(&mut message).await?;
                if length == 0 {
                    return io::Result::Ok(());
                }
                match self.next_fault() {
                    Some(Fault::Cut) => {
                        self.cut();
                        return Ok(());
                    }
                    Some(Fault::CutAnswer) => loses_answer.store(true, Ordering::Relaxed),
                    Some(Fault::Stall) => self.state.send_modify(|state| state.is_stalled = true),
                    None => {}
                }
                self.state.subscribe().wait_for(|state| !state.is_stalled).await.ok();
                to_server.write_all(&message[..length]).await?;
            }
        };
        let kept = self.answers_of_connection();
        let answers = async {
            let mut answer = vec![0; 1 << 16];
            loop {
                let length = from_server.read(&mut answer).await?;
                if length == 0 {
                    return Ok(());
                }
                if loses_answer.load(Ordering::Relaxed) {
                    self.cut();
                    return Ok(());
                }
                if let Some(kept) = &kept {
                    kept.lock().expect("no panic").extend_from_slice(&answer[..length]);
                }
                to_client.write_all(&answer[..length]).await?;
            }
        };
        tokio::select! {
            ended = messages => ended,
            ended = answers => ended,
        }
    }

    fn answers_of_connection(&self) -> Option<Answers> {
        let answers = Answers::default();
        self.answers.lock().expect("no panic").as_mut()?.push(answers.clone());
        Some(answers)
    }

    fn next_fault(&self) -> Option<Fault> {
        let mut plan = self.plan.lock().expect("no panic");
        plan.messages += 1;
        let (n, fault) = plan.fault?;
        (plan.messages == n).then_some(fault)
    }
}
