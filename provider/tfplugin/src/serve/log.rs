//! Logs as the host reads them: one JSON object per line on stderr, in the form of hclog.

use serde_json::{Map, Value as Json};
use std::{
    env, fmt,
    io::{self, Write as _},
    time::SystemTime,
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};
use tracing_subscriber::{
    Layer, Registry,
    filter::Targets,
    layer::{Context, SubscriberExt as _},
    registry::{LookupSpan, Scope},
    util::SubscriberInitExt as _,
};

/// Libraries below us tell every frame at "trace"; users who ask for that mean the provider.
const CHATTY: [&str; 6] = ["h2", "hyper", "hyper_util", "rustls", "tonic", "tower"];

/// Starts logging if the user asked for it. A subscriber that the author installed before stays.
pub(super) fn install(name: &str) {
    let level = level(name, |key| env::var(key).ok());
    if level == LevelFilter::OFF {
        return;
    }
    let quiet = CHATTY.map(|target| (target, LevelFilter::INFO.min(level)));
    let targets = Targets::new().with_default(level).with_targets(quiet);
    let hclog = Hclog { module: format!("provider.{name}") };
    let _installed_before = Registry::default().with(hclog.with_filter(targets)).try_init();
}

/// The most specific variable wins, as in Go's library.
fn level(name: &str, var: impl Fn(&str) -> Option<String>) -> LevelFilter {
    let own = format!("TF_LOG_PROVIDER_{}", name.to_uppercase());
    let asked = [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .find_map(|name| var(name).filter(|level| !level.is_empty()));
    match asked.map(|level| level.to_uppercase()).as_deref() {
        None | Some("" | "OFF") => LevelFilter::OFF,
        Some("ERROR") => LevelFilter::ERROR,
        Some("WARN") => LevelFilter::WARN,
        Some("INFO") => LevelFilter::INFO,
        Some("DEBUG") => LevelFilter::DEBUG,
        // "JSON" is a format at this level, and Terraform reads anything else it does not know as this level too.
        Some(_) => LevelFilter::TRACE,
    }
}

struct Hclog {
    module: String,
}

/// The fields of a span, kept with it.
struct SpanFields(Map<String, Json>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Hclog {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = ctx.span(id) {
            span.extensions_mut().insert(SpanFields(fields.0));
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a log line is the one place that is about the time it is written")]
    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let line = line(&self.module, event.metadata(), SystemTime::now(), fields_of(event, &ctx));
        // One write per line keeps lines whole. There is nobody to tell if stderr is closed.
        let _nobody_listens = io::stderr().lock().write_all(line.as_bytes());
    }
}

/// The fields of an event and of the spans around it, from the outermost inwards: what is closer to the event wins.
fn fields_of<S: Subscriber + for<'a> LookupSpan<'a>>(event: &Event<'_>, ctx: &Context<'_, S>) -> Map<String, Json> {
    let mut fields = Fields::default();
    for span in ctx.event_scope(event).into_iter().flat_map(Scope::from_root) {
        if let Some(SpanFields(more)) = span.extensions().get() {
            fields.0.extend(more.clone());
        }
    }
    event.record(&mut fields);
    fields.0
}

/// The host reads lines of at most 64 KiB; what is longer comes out in pieces that are no JSON.
const LONGEST_LINE: usize = 64 << 10;
/// So that a text fits, though each of its characters may take six in JSON.
const LONGEST_TEXT: usize = 8 << 10;

/// A text whose end is left out where it is too long.
fn bounded(text: String) -> String {
    let end = text.floor_char_boundary(LONGEST_TEXT);
    match text.len() - end {
        0 => text,
        more => format!("{}… and {more} bytes more", &text[..end]),
    }
}

/// The host asserts that level, message and time are strings, and crashes if they are not.
fn line(module: &str, metadata: &Metadata<'_>, now: SystemTime, mut fields: Map<String, Json>) -> String {
    let level = match *metadata.level() {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    };
    let message = match fields.remove("message") {
        Some(Json::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let mut object = Map::new();
    object.insert("@level".into(), level.into());
    object.insert("@message".into(), bounded(message).into());
    object.insert("@module".into(), module.into());
    object.insert("@timestamp".into(), timestamp(now).into());
    object.insert("target".into(), metadata.target().into());
    let frame = object.clone();
    object.extend(fields.into_iter().filter(|(key, _)| !key.starts_with('@')));
    let line = Json::Object(object).to_string() + "\n";
    if line.len() <= LONGEST_LINE { line } else { Json::Object(frame).to_string() + "\n" }
}

/// `2006-01-02T15:04:05.000000Z`. The days-to-date step is Howard Hinnant's `civil_from_days`.
fn timestamp(at: SystemTime) -> String {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (seconds, micros) = (since.as_secs(), since.subsec_micros());
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

#[derive(Default)]
struct Fields(Map<String, Json>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), bounded(format!("{value:?}")).into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), bounded(value.to_owned()).into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    /// Keeps the last line.
    struct Kept(Arc<Mutex<Map<String, Json>>>);

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Kept {
        fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, ctx: Context<'_, S>) {
            Hclog { module: String::new() }.on_new_span(attributes, id, ctx);
        }
        fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
            let line = line("provider.test", event.metadata(), SystemTime::UNIX_EPOCH, fields_of(event, &ctx));
            assert!(line.ends_with("}\n") && line.len() <= LONGEST_LINE);
            *self.0.lock().unwrap() = serde_json::from_str(&line).expect("a JSON object");
        }
    }

    /// The line that an event becomes.
    fn told(event: impl FnOnce()) -> Map<String, Json> {
        let kept = Arc::new(Mutex::new(Map::new()));
        tracing::subscriber::with_default(Registry::default().with(Kept(Arc::clone(&kept))), event);
        std::mem::take(&mut *kept.lock().unwrap())
    }

    #[test]
    fn what_the_host_asserts_is_text_whatever_an_event_says() {
        let line = told(|| tracing::warn!(message = 7, "@level" = "trace", count = 3, fits = true));
        let frame = ["@level", "@message", "@module", "@timestamp"].map(|key| line[key].as_str().unwrap());
        assert_eq!(frame, ["warn", "7", "provider.test", "1970-01-01T00:00:00.000000Z"]);
        assert_eq!((&line["count"], &line["fits"]), (&3.into(), &true.into()));
    }

    #[test]
    fn a_line_that_the_host_would_tear_goes_without_its_fields() {
        let long = "\u{1}".repeat(LONGEST_TEXT);
        let line = told(|| tracing::info!(a = long, b = long, "much to say"));
        assert_eq!((line["@message"].as_str(), line.get("a")), (Some("much to say"), None));
    }

    #[test]
    fn what_is_closer_to_the_event_wins() {
        let kept = told(|| {
            let outer = tracing::info_span!("outer", who = "outer", call = 1);
            let _outer = outer.enter();
            let inner = tracing::info_span!("inner", who = "inner", step = 2);
            let _inner = inner.enter();
            tracing::info!(step = 3, "done");
        });
        assert_eq!((&kept["who"], &kept["call"], &kept["step"]), (&"inner".into(), &1.into(), &3.into()));
    }

    #[test]
    fn a_text_is_cut_where_the_host_would_tear_the_line() {
        let short = "ä".repeat(LONGEST_TEXT / 2);
        assert_eq!(bounded(short.clone()), short);
        assert_eq!(bounded(format!("a{short}")), format!("a{}… and 2 bytes more", "ä".repeat(LONGEST_TEXT / 2 - 1)));
    }

    #[test]
    fn times_are_in_hclogs_form() {
        let at = |seconds, micros| {
            timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros))
        };
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(at(951_782_400, 7), "2000-02-29T00:00:00.000007Z");
        assert_eq!(at(1_795_232_915, 0), "2026-11-21T03:48:35.000000Z");
    }

    #[test]
    fn the_most_specific_variable_decides() {
        let asked = |vars: &[(&str, &str)]| {
            level("ledger", |key| vars.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(asked(&[]), LevelFilter::OFF);
        assert_eq!(asked(&[("TF_LOG", "json")]), LevelFilter::TRACE);
        assert_eq!(asked(&[("TF_LOG", "trace"), ("TF_LOG_PROVIDER", "warn")]), LevelFilter::WARN);
        let own = [("TF_LOG_PROVIDER", "warn"), ("TF_LOG_PROVIDER_LEDGER", "off")];
        assert_eq!(asked(&own), LevelFilter::OFF);
    }
}
