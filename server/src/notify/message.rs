//! What a message says: once for machines, once for people.

use crate::{
    app::{RequestBrief, RequestView},
    http::wire,
};
use jiff::Timestamp;
use orbit_core::notification::{EventKind, Template};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A message, as the outbox keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When.
    pub timestamp: Timestamp,
    /// In a line.
    pub title: String,
    /// In a few lines.
    pub text: String,
    /// Where to look.
    pub url: String,
    /// For machines.
    pub data: Value,
}

impl Message {
    /// That something happened to a request, or to the work that follows from it.
    #[must_use]
    pub fn of_request(
        kind: EventKind,
        at: Timestamp,
        view: &RequestView,
        brief: &RequestBrief,
        why: Option<&str>,
    ) -> Self {
        let row = &view.row;
        let items = view.items.iter().map(|item| (item.change.action(), item.change.object()));
        let objects: Vec<_> =
            items.clone().map(|(action, object)| format!("{action} {} {}", object.noun.as_str(), object.key)).collect();
        let what = match objects.as_slice() {
            [one] => one.clone(),
            many => format!("{} changes in {}", many.len(), row.workspace),
        };
        let by = row.decided_by.as_deref().unwrap_or("somebody");
        let title = match kind {
            EventKind::RequestPending => format!("{} asks to {what}", row.requester),
            EventKind::RequestReopened => format!("Asked again: {what}, for {}", row.requester),
            EventKind::RequestExpiring => format!("Nobody has decided yet: {what}, for {}", row.requester),
            EventKind::RequestApproved => format!("{by} approved: {what}"),
            EventKind::RequestRejected => format!("{by} rejected: {what}"),
            EventKind::RequestWithdrawn => format!("{by} withdrew: {what}"),
            EventKind::RequestSuperseded => format!("{by} asked for something else instead: {what}"),
            EventKind::RequestExpired => format!("Nobody decided in time: {what}"),
            EventKind::OperationFailed => format!("Failed, and taken back: {what}"),
            EventKind::OperationStuck => format!("Stuck, a person has to look: {what}"),
            EventKind::ChannelTest => "This channel works".to_owned(),
        };
        let waits = matches!(kind, EventKind::RequestPending | EventKind::RequestReopened | EventKind::RequestExpiring);
        let mut lines = Vec::new();
        let mut line = |label: &str, text: Option<&str>| {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                lines.push(format!("{label}: {text}"));
            }
        };
        if waits {
            line("Waits for", Some(&brief.approvers));
            line("Because", Some(&brief.because));
            line("Until", Some(&row.expires_at.strftime("%Y-%m-%d %H:%M UTC").to_string()));
        }
        line("Justification", row.documentation.justification.as_deref());
        line("Reason", row.reason.as_deref());
        line("Run", row.run_url.as_deref());
        line("Error", why);
        if objects.len() > 1 {
            line("Objects", Some(&objects.join(", ")));
        }
        let objects: Vec<_> = items
            .zip(&view.clusters)
            .map(|((action, object), cluster)| {
                json!({ "action": action, "noun": object.noun, "id": object.id, "key": object.key, "cluster": cluster })
            })
            .collect();
        let data = json!({ "request": wire::request_summary(brief), "workspace": row.workspace, "objects": objects, "error": why });
        Self { kind, timestamp: at, title, text: lines.join("\n"), url: brief.url.clone(), data }
    }

    /// That somebody tries a channel.
    #[must_use]
    pub fn test(at: Timestamp, channel: &str, by: &str, url: &str) -> Self {
        Self {
            kind: EventKind::ChannelTest,
            timestamp: at,
            title: format!("Channel {channel} of Orbit works"),
            text: format!("{by} tries whether messages arrive here."),
            url: url.to_owned(),
            data: json!({ "channel": channel, "by": by }),
        }
    }

    /// The body that a webhook gets.
    #[must_use]
    pub fn body(&self, template: Template) -> Value {
        match template {
            Template::Event => json!({
                "type": self.kind, "timestamp": self.timestamp, "title": self.title, "url": self.url, "data": self.data,
            }),
            Template::Slack => {
                let text = format!("*{}*\n{}", slack(&self.title), slack(&self.text));
                json!({
                    "text": self.title,
                    "blocks": [
                        { "type": "section", "text": { "type": "mrkdwn", "text": text } },
                        { "type": "section", "text": { "type": "mrkdwn", "text": format!("<{}|Look at it in Orbit>", self.url) } },
                    ],
                })
            }
            Template::Teams => {
                let block = |text: &str, weight: &str| json!({ "type": "TextBlock", "text": text, "wrap": true, "weight": weight });
                let mut body = vec![block(&self.title, "Bolder")];
                body.extend(self.text.lines().map(|line| block(line, "Default")));
                json!({
                    "type": "message",
                    "attachments": [{
                        "contentType": "application/vnd.microsoft.card.adaptive",
                        "content": {
                            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
                            "body": body,
                            "actions": [{ "type": "Action.OpenUrl", "title": "Look at it in Orbit", "url": self.url }],
                        },
                    }],
                })
            }
        }
    }
}

/// Slack reads these three as markup.
fn slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            text: "Reason: a <b> & c".to_owned(),
            ..Message::test(Timestamp::UNIX_EPOCH, "ops", "kim", "https://orbit.test/v1/requests/req_1")
        }
    }

    #[test]
    fn slack_gets_no_markup_from_people() {
        let body = message().body(Template::Slack).to_string();
        assert!(
            body.contains("a &lt;b&gt; &amp; c")
                && body.contains("<https://orbit.test/v1/requests/req_1|Look at it in Orbit>")
        );
    }

    #[test]
    fn teams_gets_a_card_with_a_button() {
        let body = message().body(Template::Teams);
        let card = &body["attachments"][0]["content"];
        assert_eq!((&card["type"], &card["body"][1]["text"]), (&json!("AdaptiveCard"), &json!("Reason: a <b> & c")));
        assert_eq!(card["actions"][0]["url"], "https://orbit.test/v1/requests/req_1");
    }
}
