//! What a message says: once for machines, once for people.

use crate::{
    app::{RequestBrief, RequestView},
    http::wire,
};
use jiff::Timestamp;
use orbit_core::{
    approval::RequestState,
    change::NounKind,
    id::TopicId,
    notification::{EventKind, Template},
};
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

/// What happened to a request, or to the work that follows from it, as it was then: the request may stand elsewhere by now.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// What.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// What the work came to, where it failed.
    pub error: Option<String>,
}

impl Message {
    /// That something happened.
    #[must_use]
    pub fn of_request(happened: Happened, view: &RequestView, brief: &RequestBrief) -> Self {
        let Happened { kind, at, by, reason, error } = happened;
        let row = &view.row;
        let items = view.items.iter().map(|item| (item.change.action(), item.change.object()));
        let objects: Vec<_> =
            items.clone().map(|(action, object)| format!("{action} {} {}", object.noun.as_str(), object.key)).collect();
        let what = match objects.as_slice() {
            [one] => one.clone(),
            many => format!("{} changes in {}", many.len(), row.workspace),
        };
        let by = by.as_deref().unwrap_or("somebody");
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
        line("Reason", reason.as_deref());
        line("Run", row.run_url.as_deref());
        line("Error", error.as_deref());
        if objects.len() > 1 {
            line("Objects", Some(&objects.join(", ")));
        }
        let objects: Vec<_> = items
            .zip(&view.clusters)
            .map(|((action, object), cluster)| {
                let id = match object.noun {
                    NounKind::Topic => TopicId::from_uuid(object.id).to_string(),
                };
                json!({ "action": action, "noun": object.noun, "id": id, "key": object.key, "cluster": cluster })
            })
            .collect();
        let mut request = json!(wire::request_summary(brief));
        if let Some(state) = state_after(kind) {
            request["state"] = json!(state);
        }
        let mut data = json!({
            "request": request, "workspace": row.workspace, "objects": objects, "requester": row.requester, "documentation": row.documentation,
        });
        let more =
            [("reason", reason), ("error", error), ("run_id", row.run_id.clone()), ("run_url", row.run_url.clone())];
        for (name, text) in more.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            data[name] = json!(text);
        }
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
                let plain =
                    |text: &str| json!({ "type": "section", "text": { "type": "plain_text", "text": cut(text) } });
                let link = format!("<{}|Look at it in Orbit>", self.url);
                let mut blocks = vec![plain(&self.title)];
                blocks.extend((!self.text.is_empty()).then(|| plain(&self.text)));
                blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": link } }));
                json!({ "text": slack(&self.title), "blocks": blocks })
            }
            Template::Teams => {
                // Not a TextBlock, which reads Markdown: a justification could bring a link of its own.
                let block = |text: &str, weight: &str| json!({ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": text, "weight": weight }] });
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

/// Where a request stands once something happened to it.
fn state_after(kind: EventKind) -> Option<RequestState> {
    Some(match kind {
        EventKind::RequestPending | EventKind::RequestReopened | EventKind::RequestExpiring => RequestState::Pending,
        EventKind::RequestApproved => RequestState::Approved,
        EventKind::RequestRejected => RequestState::Rejected,
        EventKind::RequestWithdrawn => RequestState::Withdrawn,
        EventKind::RequestSuperseded => RequestState::Superseded,
        EventKind::RequestExpired => RequestState::Expired,
        EventKind::OperationFailed | EventKind::OperationStuck | EventKind::ChannelTest => return None,
    })
}

/// Slack refuses a section of more than 3,000 characters.
fn cut(text: &str) -> String {
    const MOST: usize = 2_900;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(MOST).collect();
    short.push('…');
    short
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
        let body = message().body(Template::Slack);
        let [title, text, link] = body["blocks"].as_array().unwrap().clone().try_into().unwrap();
        assert_eq!((&title["text"]["type"], &text["text"]["type"]), (&json!("plain_text"), &json!("plain_text")));
        assert_eq!(text["text"]["text"], "Reason: a <b> & c");
        assert_eq!(link["text"]["text"], "<https://orbit.test/v1/requests/req_1|Look at it in Orbit>");
        assert_eq!(slack("a <b> & c"), "a &lt;b&gt; &amp; c");
    }

    #[test]
    fn slack_takes_what_is_long() {
        let long = Message { text: "ä".repeat(5_000), ..message() };
        let body = long.body(Template::Slack);
        assert_eq!(body["blocks"][1]["text"]["text"].as_str().unwrap().chars().count(), 2_901);
    }

    #[test]
    fn teams_gets_a_card_with_a_button() {
        let body = message().body(Template::Teams);
        let card = &body["attachments"][0]["content"];
        assert_eq!(
            (&card["type"], &card["body"][1]["inlines"][0]["text"]),
            (&json!("AdaptiveCard"), &json!("Reason: a <b> & c"))
        );
        assert_eq!(card["actions"][0]["url"], "https://orbit.test/v1/requests/req_1");
    }
}
