//! As much of SMTP as taking a mail needs. <https://www.rfc-editor.org/rfc/rfc5321>

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::mail::{Fault, Mail};

/// The longest line that is read: more than the RFC asks for.
const MAX_LINE: u64 = 16 * 1024;

const MAX_MAIL: usize = 10 * 1024 * 1024;

/// Takes mails until the process ends.
pub(crate) async fn serve(listener: TcpListener, mail: Arc<Mail>) -> io::Result<()> {
    let connections = TaskTracker::new();
    loop {
        let (stream, _) = listener.accept().await?;
        let mail = Arc::clone(&mail);
        connections.spawn(async move {
            if let Err(error) = Session::new(stream, &mail).run().await {
                tracing::debug!(%error, "A mail connection broke");
            }
        });
    }
}

/// One connection.
struct Session<'a> {
    stream: BufStream<TcpStream>,
    mail: &'a Mail,
    sender: Option<String>,
    recipients: Vec<String>,
    /// What is to go wrong when the mail has been sent.
    fault: Option<Fault>,
}

/// Whether the connection goes on.
type GoesOn = bool;

impl<'a> Session<'a> {
    fn new(stream: TcpStream, mail: &'a Mail) -> Self {
        Self { stream: BufStream::new(stream), mail, sender: None, recipients: vec![], fault: None }
    }

    async fn run(mut self) -> io::Result<()> {
        self.say("220 sandbox ESMTP takes everything").await?;
        while let Some(line) = self.read_line().await? {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            if !self.obey(&verb.to_ascii_uppercase(), rest).await? {
                break;
            }
        }
        Ok(())
    }

    async fn obey(&mut self, verb: &str, rest: &str) -> io::Result<GoesOn> {
        match verb {
            "EHLO" => {
                self.forget();
                self.say("250-sandbox\r\n250-8BITMIME\r\n250 SMTPUTF8").await?;
            }
            "HELO" | "RSET" => {
                self.forget();
                self.say("250 OK").await?;
            }
            "NOOP" => self.say("250 OK").await?,
            "MAIL" => self.take_sender(rest).await?,
            "RCPT" => self.take_recipient(rest).await?,
            "DATA" => return self.take_mail().await,
            "QUIT" => {
                self.say("221 Bye").await?;
                return Ok(false);
            }
            _ => self.say("502 Not understood").await?,
        }
        Ok(true)
    }

    fn forget(&mut self) {
        self.sender = None;
        self.recipients.clear();
        self.fault = None;
    }

    async fn take_sender(&mut self, rest: &str) -> io::Result<()> {
        match path(rest, "FROM:") {
            Some(_) if self.sender.is_some() => self.say("503 One sender is enough").await,
            Some(sender) => {
                self.sender = Some(sender);
                self.say("250 OK").await
            }
            None => self.say("501 MAIL FROM:<address>").await,
        }
    }

    async fn take_recipient(&mut self, rest: &str) -> io::Result<()> {
        let Some(recipient) = path(rest, "TO:").filter(|path| !path.is_empty()) else {
            return self.say("501 RCPT TO:<address>").await;
        };
        if self.sender.is_none() {
            return self.say("503 MAIL first").await;
        }
        match self.mail.take_fault(&recipient) {
            Some(Fault::RefuseTemporarily) => {
                self.say(&format!("451 4.3.0 <{recipient}>: try again later")).await
            }
            Some(Fault::RefusePermanently) => {
                self.say(&format!("550 5.1.1 <{recipient}>: there is nobody of this name")).await
            }
            fault => {
                self.fault = fault;
                self.recipients.push(recipient);
                self.say("250 OK").await
            }
        }
    }

    async fn take_mail(&mut self) -> io::Result<GoesOn> {
        let Some(sender) = self.sender.clone().filter(|_| !self.recipients.is_empty()) else {
            self.say("503 MAIL and RCPT first").await?;
            return Ok(true);
        };
        self.say("354 End with a line of one dot").await?;
        let Some(mail) = self.read_mail().await? else { return Ok(false) };
        match self.fault {
            Some(Fault::Stall) => {
                // Until the other side has had enough.
                while self.read_line().await?.is_some() {}
                return Ok(false);
            }
            fault => {
                self.mail.add(&sender, &self.recipients, &mail);
                if fault == Some(Fault::LoseAnswer) {
                    return Ok(false);
                }
            }
        }
        self.forget();
        self.say("250 Taken").await?;
        Ok(true)
    }

    /// None: the connection ended in the middle.
    async fn read_mail(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut mail = Vec::new();
        while let Some(line) = self.read_line().await? {
            if line == b".\r\n" {
                return Ok(Some(mail));
            }
            // A dot at the beginning was doubled. <https://www.rfc-editor.org/rfc/rfc5321#section-4.5.2>
            mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if mail.len() > MAX_MAIL {
                return Err(io::Error::other("a mail is too long"));
            }
        }
        Ok(None)
    }

    /// With its end. None: there is no more.
    async fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        (&mut self.stream).take(MAX_LINE).read_until(b'\n', &mut line).await?;
        Ok(line.ends_with(b"\n").then_some(line))
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.stream.write_all(reply.as_bytes()).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await
    }
}

/// The address in `FROM:<address> BODY=8BITMIME`.
fn path(rest: &str, keyword: &str) -> Option<String> {
    let is_keyword = rest.get(..keyword.len())?.eq_ignore_ascii_case(keyword);
    let (path, _) = rest.get(keyword.len()..)?.trim_start().strip_prefix('<')?.split_once('>')?;
    is_keyword.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn the_address_is_found_whatever_stands_around_it() {
        assert_eq!(path("FROM:<a@b.c> BODY=8BITMIME", "FROM:").as_deref(), Some("a@b.c"));
        assert_eq!(path("to: <a@b.c>", "TO:").as_deref(), Some("a@b.c"));
        assert_eq!(path("FROM:<>", "FROM:").as_deref(), Some(""), "a report of a failed delivery");
        for wrong in ["", "FROM:a@b.c", "TO:<a@b.c>", "FROM:<a@b.c"] {
            assert_eq!(path(wrong, "FROM:"), None, "{wrong}");
        }
    }
}
