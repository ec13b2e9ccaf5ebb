use std::net::SocketAddr;
use std::time::Duration;

use leptos::config::{Env as LeptosEnv, LeptosOptions};
use url::Url;

use super::{ConfigError, Env};

/// Where the server listens and how it is seen from outside.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Read from `PUBLIC_URL`, the address people type. Default <http://localhost:3000>.
    pub public_url: Url,
    /// Read from `LISTEN_ADDR`, else from `LEPTOS_SITE_ADDR` (set by cargo-leptos). Default 127.0.0.1:3000.
    pub listen_addr: SocketAddr,
    /// How long replies in progress may take to finish at shutdown. Read from `SHUTDOWN_GRACE_SECONDS`. Default 25.
    pub shutdown_grace: Duration,
    /// How long a connection may wait for the next head of a request, from its first byte to the last. Read from
    /// `REQUEST_HEAD_SECONDS`. Default 75: proxies keep connections for a minute, and no request should meet one's end.
    pub head_timeout: Duration,
    /// How long the body of a request may take. Read from `REQUEST_BODY_SECONDS`. Default 20.
    pub body_timeout: Duration,
    /// Where the browser's files are. `site_root` is read from `LEPTOS_SITE_ROOT`, default `target/site`;
    /// `hash_files` from `LEPTOS_HASH_FILES`, default false.
    pub leptos: LeptosOptions,
    /// The port of cargo-leptos' page reloader, under `cargo leptos watch` only. Read from `LEPTOS_WATCH` and
    /// `LEPTOS_RELOAD_PORT`.
    pub reload_port: Option<u32>,
}

impl ServerConfig {
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let site_addr = env.parsed_or("LEPTOS_SITE_ADDR", SocketAddr::from(([127, 0, 0, 1], 3000)))?;
        let listen_addr = env.parsed_or("LISTEN_ADDR", site_addr)?;
        let reload_port = env.parsed_or("LEPTOS_RELOAD_PORT", 3001)?;
        let is_watched = env.text("LEPTOS_WATCH").is_some();
        Ok(Self {
            public_url: env.url_or("PUBLIC_URL", "http://localhost:3000")?,
            listen_addr,
            shutdown_grace: env.seconds_or("SHUTDOWN_GRACE_SECONDS", 25)?,
            head_timeout: env.seconds_or("REQUEST_HEAD_SECONDS", 75)?,
            body_timeout: env.seconds_or("REQUEST_BODY_SECONDS", 20)?,
            leptos: LeptosOptions::builder()
                .output_name("plumbline")
                .site_root(env.text_or("LEPTOS_SITE_ROOT", "target/site"))
                .site_addr(listen_addr)
                .reload_port(reload_port)
                .hash_files(env.parsed_or("LEPTOS_HASH_FILES", false)?)
                .env(if is_watched { LeptosEnv::DEV } else { LeptosEnv::PROD })
                .build(),
            reload_port: is_watched.then_some(reload_port),
        })
    }
}
