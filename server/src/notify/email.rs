//! Mail, over SMTP.

use super::{Message, NotSent};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{Mailbox, MultiPart},
};
use std::time::Duration;
use uuid::Uuid;

/// Longest that handing a mail over may take, from the connection to the last answer.
const WHOLE: Duration = Duration::from_secs(30);

/// Why mail cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailerError {
    /// The address of the server is none.
    #[error("is no address of an SMTP server: {0}")]
    Server(String),
    /// The sender is none.
    #[error("is no mail address: {0}")]
    From(String),
}

/// Sends mail through one server.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// Mail through the server at `url` (`smtps://user:password@host`, `smtp://host:25`, `smtp://host?tls=required`), sent by `from`.
    pub fn new(url: &str, from: &str) -> Result<Self, MailerError> {
        const PATIENCE: Duration = Duration::from_secs(10);
        // Its own text would show the address, which may hold a password.
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| {
            MailerError::Server("smtp:// or smtps://, a host, and a port if it is not the usual one".to_owned())
        })?;
        let from = from.parse().map_err(|_| MailerError::From(from.to_owned()))?;
        Ok(Self { transport: builder.timeout(Some(PATIENCE)).build(), from })
    }

    /// Whether a text is a mail address.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        text.parse::<Mailbox>().is_ok()
    }

    /// Sends a message. `id` makes the message's id, so that a repetition can be told.
    pub async fn send(&self, to: &[String], id: Uuid, message: &Message) -> Result<(), NotSent> {
        let not = |what: &str, e: &dyn std::fmt::Display| NotSent(format!("{what}: {e}"));
        let host = self.from.email.domain();
        let mut mail = lettre::Message::builder()
            .from(self.from.clone())
            .subject(message.title.replace(['\r', '\n'], " "))
            .message_id(Some(format!("<{}@{host}>", id.simple())));
        for address in to {
            mail = mail.to(address.parse().map_err(|e| not("no mail address", &e))?);
        }
        let plain = format!("{}\n\n{}\n\n{}\n", message.title, message.text, message.url);
        let body = MultiPart::alternative_plain_html(plain, html(message));
        let mail = mail.multipart(body).map_err(|e| not("the mail cannot be written", &e))?;
        // The transport's own patience is for connecting only.
        let sent = tokio::time::timeout(WHOLE, self.transport.send(mail)).await;
        let sent = sent.map_err(|_| NotSent(format!("the mail server did not answer in {} s", WHOLE.as_secs())))?;
        sent.map_err(|e| not("the mail server did not take it", &e))?;
        Ok(())
    }
}

fn html(message: &Message) -> String {
    let lines: Vec<_> = message.text.lines().map(escaped).collect();
    format!(
        "<p><strong>{}</strong></p><p>{}</p><p><a href=\"{}\">Look at it in Orbit</a></p>",
        escaped(&message.title),
        lines.join("<br>"),
        escaped(&message.url)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_wrong_with_the_set_up_is_told_without_its_password() {
        let told = Mailer::new("http://user:hunter2@host", "orbit@example.com").err().unwrap().to_string();
        assert!(told.contains("smtp://") && !told.contains("hunter2"), "{told}");
        assert_eq!(Mailer::new("smtp://host:25", "orbit").err(), Some(MailerError::From("orbit".to_owned())));
        assert!(Mailer::new("smtp://host:25", "Orbit <orbit@example.com>").is_ok());
        assert!(Mailer::is_address("kim@example.com") && !Mailer::is_address("kim"));
    }

    #[test]
    fn words_of_people_are_no_markup() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let message = Message { title: "<script>".to_owned(), ..Message::test(at, "x", "y", "http://o/\"x") };
        assert!(!html(&message).contains("<script>") && html(&message).contains("http://o/&quot;x"));
    }
}
