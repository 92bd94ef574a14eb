//! A small safe wrapper over librdkafka's C admin API: the only module with `unsafe`.
//!
//! rdkafka's own `AdminClient` has no `IncrementalAlterConfigs`, no `DescribeTopics` and no `DescribeCluster`, and drops the broker's message of the
//! calls it does have. So Orbit makes the calls itself: rdkafka owns the client (its configuration, its life), this module asks and reads.
//!
//! - [`owned`]: every C object has one owner that destroys it.
//! - [`requests`]: what can be asked, and how it is handed over.
//! - [`reply`]: answers, copied out of an event into plain Rust [`values`].
//!
//! One thread per client sleeps in `rd_kafka_queue_poll` on the client's main queue, where answers, log lines and connection errors arrive: no
//! polling interval, so nothing is added to Kafka's own time. An answer finds its caller by a number, not by a pointer: a caller that
//! went away leaves nothing to free.
#![expect(unsafe_code, reason = "librdkafka's admin API is C; every block says why it holds")]

mod owned;
mod reply;
mod requests;
mod values;

pub(crate) use owned::{ConfigResource, DeleteTopic, NewPartitions, NewTopic};
pub(crate) use requests::{ConfigOp, Mode};
pub(crate) use values::{ClusterNodes, ConfigEntry, Named, Right, TopicPartitions};

use crate::health::Health;
use owned::{Event, Queue};
use rdkafka::{
    ClientConfig,
    bindings::{RD_KAFKA_EVENT_ERROR, rd_kafka_conf_set_events},
    client::Client,
    error::KafkaError as RdKafkaError,
    types::RDKafkaType,
};
use std::{
    collections::HashMap,
    ffi::{CString, c_int, c_void},
    sync::{
        Arc, Mutex, Once, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};
use tokio::sync::oneshot;

/// librdkafka's number for an error, as it came: a broker may send one that this build does not know.
pub(crate) type Code = i32;

/// A refusal as librdkafka tells it: the code and the broker's message, or librdkafka's where the broker sent none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(code: rdkafka::types::RDKafkaErrorCode, text: impl Into<String>) -> Self {
        Self { code: code as Code, text: text.into() }
    }
}

impl From<RdKafkaError> for Refusal {
    /// Without the value: it may be a key or a password.
    fn from(error: RdKafkaError) -> Self {
        use rdkafka::types::RDKafkaErrorCode as C;
        match error {
            RdKafkaError::ClientConfig(_, _, key, _) => {
                Self::new(C::InvalidArgument, format!("librdkafka refuses the value of {key}"))
            }
            other => match other.rdkafka_error_code() {
                Some(code) => Self::new(code, other.to_string()),
                None => Self::new(C::InvalidArgument, other.to_string()),
            },
        }
    }
}

/// Text for C. A zero byte, which no name or setting of Kafka's may hold, is refused.
fn c_text(text: &str) -> Result<CString, Refusal> {
    CString::new(text).map_err(|_| {
        Refusal::new(rdkafka::types::RDKafkaErrorCode::InvalidArgument, "a text with a zero byte cannot be sent")
    })
}

/// What a caller waits for. Dropping it forgets the answer, not the request.
pub(crate) type Answer<T> = Result<oneshot::Receiver<Result<T, Refusal>>, Refusal>;

type Reader = Box<dyn FnOnce(&Event) + Send>;

/// One client of librdkafka with the thread that serves it. Dropping it ends both, without blocking.
pub(crate) struct Native {
    // The order matters: the thread waits for `_released` to go before it drops what may be the last reference to the client, since
    // `rd_kafka_destroy` blocks and must not run where a caller drops this.
    shared: Arc<Shared>,
    _released: mpsc::Sender<()>,
}

struct Shared {
    // Dropped in this order: librdkafka wants its queues gone before the client.
    queue: Queue,
    client: Client<Health>,
    waiting: Mutex<HashMap<usize, Reader>>,
    next: AtomicUsize,
    stop: AtomicBool,
}

impl Native {
    /// Makes the client; connects to nothing until something is asked.
    pub(crate) fn new(config: &ClientConfig, health: Health) -> Result<Self, Refusal> {
        keep_openssl_until_the_end();
        let native = config.create_native_config()?;
        // SAFETY: `native` holds a live configuration, and the call only sets a bit mask in it.
        unsafe { rd_kafka_conf_set_events(native.ptr(), RD_KAFKA_EVENT_ERROR) };
        let client = Client::new(config, native, RDKafkaType::RD_KAFKA_PRODUCER, health)?;
        let shared = Arc::new(Shared {
            queue: Queue::main(&client),
            client,
            waiting: Mutex::default(),
            next: AtomicUsize::new(1),
            stop: AtomicBool::new(false),
        });
        let (released, wait) = mpsc::channel::<()>();
        let serving = Arc::clone(&shared);
        thread::Builder::new()
            .name("orbit-kafka".to_owned())
            .spawn(move || {
                serving.serve();
                // Err is the signal: the sender is gone, and with it the other reference.
                let _ = wait.recv();
                drop(serving);
            })
            .map_err(|error| {
                Refusal::new(rdkafka::types::RDKafkaErrorCode::CriticalSystemResource, error.to_string())
            })?;
        Ok(Self { shared, _released: released })
    }

    /// rdkafka's client, for what it wraps well.
    pub(crate) fn client(&self) -> &Client<Health> {
        &self.shared.client
    }
}

unsafe extern "C" {
    /// Of libcrypto, which librdkafka links.
    fn OPENSSL_init_crypto(options: u64, settings: *const c_void) -> c_int;
}

/// OpenSSL frees its tables when the process exits, by an `atexit` handler, while threads of librdkafka's may still be at work on a connection:
/// one exit in some hundred ended with a segmentation fault. The system frees the memory anyhow.
fn keep_openssl_until_the_end() {
    const OPENSSL_INIT_NO_ATEXIT: u64 = 0x0008_0000;
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: may be called at any time and from any thread; NULL means no settings. It must come before any other use of OpenSSL, whose
        // only user in Orbit is librdkafka, and this runs before its first client is made.
        let done = unsafe { OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, std::ptr::null()) };
        if done != 1 {
            tracing::warn!("OpenSSL could not be set up; the process may end with a segmentation fault");
        }
    });
}

impl Drop for Native {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.queue.wake();
    }
}

impl Shared {
    /// Hands every event to whom it belongs, until told to stop.
    fn serve(&self) {
        while !self.stop.load(Ordering::Acquire) {
            let Some(event) = self.queue.next() else { continue };
            if let Some((level, facility, line)) = event.log_line() {
                Health::log_line(level, &facility, &line);
            } else if let Some(refusal) = event.connection_error() {
                self.client.context().noted(refusal);
            } else if let Some(reader) = self.lock().remove(&event.number()) {
                reader(&event);
            }
        }
    }

    /// Registers who waits, and answers the number that finds them again.
    fn expect<T: Send + 'static>(&self, read: fn(&Event) -> T) -> (*mut c_void, oneshot::Receiver<Result<T, Refusal>>) {
        let (tx, rx) = oneshot::channel();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let reader: Reader = Box::new(move |event| {
            let answer = match event.refusal() {
                Some(refusal) => Err(refusal),
                None => Ok(read(event)),
            };
            // Err: the caller went away meanwhile, which is its right.
            drop(tx.send(answer));
        });
        self.lock().insert(number, reader);
        (std::ptr::without_provenance_mut(number), rx)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Reader>> {
        // Nothing panics while it is held, and a map is whole between any two operations.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
