//! Start-up of the sandbox: arguments, ports, signals.

use std::error::Error;
use std::io;
use std::net::Ipv4Addr;

use axum::Router;
use axum::serve::ListenerExt;
use sandbox::Sandbox;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use url::Url;

const DEFAULT_PORT: u16 = 4010;
const DEFAULT_SMTP_PORT: u16 = 4025;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    log_to_stderr();
    let ports = Ports::find(std::env::args().skip(1))?;
    let (listener, smtp_listener) = (listen(ports.http).await?, listen(ports.smtp).await?);
    let address = format!("http://{}", listener.local_addr()?);
    let public_url = std::env::var("SANDBOX_PUBLIC_URL").unwrap_or_else(|_| address.clone());
    let smtp_address = smtp_listener.local_addr()?;
    let sandbox = Sandbox::new(&Url::parse(&public_url)?, Some(smtp_address))?;
    let router = sandbox.router.clone();
    tracing::info!("Mail is taken at smtp://{smtp_address}");
    announce(&address);
    // At once: whoever stops the sandbox does not wait for replies that stall on purpose.
    tokio::select! {
        served = serve(listener, router) => served?,
        served = sandbox.serve_mail(smtp_listener) => served?,
        stopped = stop_signal() => stopped?,
    }
    Ok(())
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}

struct Ports {
    http: u16,
    smtp: u16,
}

impl Ports {
    /// `--port N` and `--smtp-port N` (or `--port=N`), then `SANDBOX_PORT` and `SANDBOX_SMTP_PORT`, then the defaults. 0
    /// picks a free port.
    fn find(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let of_environment = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (mut http, mut smtp) = (of_environment("SANDBOX_PORT"), of_environment("SANDBOX_SMTP_PORT"));
        while let Some(argument) = arguments.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None => (argument.as_str(), arguments.next().unwrap_or_default()),
            };
            match name {
                "--port" => http = Some(value),
                "--smtp-port" => smtp = Some(value),
                _ => {
                    return Err(format!(
                        "unknown argument `{argument}`; usage: sandbox [--port N] [--smtp-port N]"
                    ));
                }
            }
        }
        Ok(Self { http: port(http, DEFAULT_PORT)?, smtp: port(smtp, DEFAULT_SMTP_PORT)? })
    }
}

fn port(chosen: Option<String>, default: u16) -> Result<u16, String> {
    let Some(value) = chosen else { return Ok(default) };
    value.parse().map_err(|_| format!("`{value}` is not a port"))
}

async fn listen(port: u16) -> Result<TcpListener, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listener.map_err(|error| format!("cannot listen on 127.0.0.1:{port}: {error}"))
}

#[expect(
    clippy::print_stdout,
    reason = "scripts wait for this one line to know the port and that it is open"
)]
fn announce(address: &str) {
    println!("sandbox listening on {address}");
}

async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    // Without this the kernel would glue scripted small writes together again.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "No TCP_NODELAY on a connection");
        }
    });
    axum::serve(listener, router).await
}

async fn stop_signal() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}
