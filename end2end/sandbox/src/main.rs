//! Start-up of the sandbox: arguments, port, signals.

use std::error::Error;
use std::io;
use std::net::Ipv4Addr;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use url::Url;

const DEFAULT_PORT: u16 = 4010;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    log_to_stderr();
    let port = port(std::env::args().skip(1))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| format!("cannot listen on 127.0.0.1:{port}: {error}"))?;
    let address = format!("http://{}", listener.local_addr()?);
    let public_url = std::env::var("SANDBOX_PUBLIC_URL").unwrap_or_else(|_| address.clone());
    let router = sandbox::router(&Url::parse(&public_url)?)?;
    announce(&address);
    // At once: whoever stops the sandbox does not wait for replies that stall on purpose.
    tokio::select! {
        served = serve(listener, router) => served?,
        stopped = stop_signal() => stopped?,
    }
    Ok(())
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}

/// `--port N` or `--port=N`, then `SANDBOX_PORT`, then the default. 0 picks a free port.
fn port(mut arguments: impl Iterator<Item = String>) -> Result<u16, String> {
    let from_environment = std::env::var("SANDBOX_PORT").ok().filter(|value| !value.is_empty());
    let mut chosen = from_environment;
    while let Some(argument) = arguments.next() {
        chosen = match argument.split_once('=') {
            Some(("--port", value)) => Some(value.to_owned()),
            None if argument == "--port" => Some(arguments.next().unwrap_or_default()),
            _ => return Err(format!("unknown argument `{argument}`; usage: sandbox [--port N]")),
        };
    }
    let Some(value) = chosen else { return Ok(DEFAULT_PORT) };
    value.parse().map_err(|_| format!("`{value}` is not a port"))
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
