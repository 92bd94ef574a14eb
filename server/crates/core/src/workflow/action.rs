//! What a person may do to an operation: one table.

use super::OperationState as S;
use serde::{Deserialize, Serialize};

/// What a person wants of an operation. Kept beside its state, outside of the fence: whoever drives it learns of it with its next save.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wish {
    /// Everything is to be taken back.
    pub cancel: bool,
    /// Nothing is to happen until it is resumed.
    pub pause: bool,
}

/// What a person does to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Takes back what was done, and ends.
    Cancel,
    /// Stops before the next step.
    Pause,
    /// Goes on with what was paused.
    Resume,
    /// Tries at once what waits for its next try, and anew what could not be taken back.
    Retry,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It ends at once: nothing of it was begun.
    Ends,
    /// The wish is noted; it shows before the next step.
    Wishes(Wish),
    /// It is due now.
    Due,
    /// Taking back begins anew where it failed.
    TakesBackAnew,
    /// It is so already.
    Already,
    /// It cannot be.
    Refused,
}

impl Control {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Cancel, Self::Pause, Self::Resume, Self::Retry];

    /// As the wire spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Retry => "retry",
        }
    }

    /// The table. `scheduled`: it begins later, and nobody has begun it.
    #[must_use]
    pub fn on(self, state: S, scheduled: bool, wish: Wish) -> Effect {
        // Paused and not wished to be: resumed, and not taken up yet.
        let goes_on = matches!(state, S::Pending | S::Running | S::Waiting | S::RollingBack | S::Paused);
        match self {
            Self::Cancel if scheduled && state == S::Pending => Effect::Ends,
            Self::Cancel => match state {
                S::Cancelled => Effect::Already,
                S::Pending | S::Running | S::Waiting | S::RollingBack if wish.cancel => Effect::Already,
                // What was paused while it was taken back goes on with that.
                S::Pending | S::Running | S::Waiting | S::Paused => Effect::Wishes(Wish { cancel: true, pause: false }),
                S::RollingBack | S::Succeeded | S::RolledBack | S::Stuck => Effect::Refused,
            },
            Self::Pause if wish.pause && goes_on => Effect::Already,
            Self::Pause if goes_on => Effect::Wishes(Wish { pause: true, ..wish }),
            Self::Resume if wish.pause && goes_on => Effect::Wishes(Wish { pause: false, ..wish }),
            Self::Resume if goes_on => Effect::Already,
            Self::Retry if state == S::Waiting => Effect::Due,
            Self::Retry if state == S::Stuck => Effect::TakesBackAnew,
            Self::Pause | Self::Resume | Self::Retry => Effect::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// State, and what cancel, pause, resume and retry do to it where nobody wished anything before.
    #[test]
    fn the_table_is_what_it_is() {
        let cancel = Effect::Wishes(Wish { cancel: true, pause: false });
        let pause = Effect::Wishes(Wish { cancel: false, pause: true });
        let (already, due, anew, no) = (Effect::Already, Effect::Due, Effect::TakesBackAnew, Effect::Refused);
        let table = [
            (S::Pending, [cancel, pause, already, no]),
            (S::Running, [cancel, pause, already, no]),
            (S::Waiting, [cancel, pause, already, due]),
            (S::Succeeded, [no, no, no, no]),
            (S::RollingBack, [no, pause, already, no]),
            (S::RolledBack, [no, no, no, no]),
            (S::Stuck, [no, no, no, anew]),
            (S::Cancelled, [already, no, no, no]),
        ];
        for (state, effects) in table {
            assert_eq!(Control::ALL.map(|control| control.on(state, false, Wish::default())), effects, "{state:?}");
        }
        let paused = Wish { cancel: false, pause: true };
        let resumed = Effect::Wishes(Wish::default());
        let of_paused = Control::ALL.map(|control| control.on(S::Paused, false, paused));
        assert_eq!(of_paused, [cancel, already, resumed, no]);
        assert_eq!(Control::Resume.on(S::Paused, false, Wish::default()), already, "resumed, and not taken up yet");
        assert_eq!(Control::Cancel.on(S::Pending, true, Wish::default()), Effect::Ends);
        let cancelling = Wish { cancel: true, pause: false };
        assert_eq!(Control::Cancel.on(S::Running, false, cancelling), already);
        assert_eq!(Control::Cancel.on(S::RollingBack, false, cancelling), already);
        assert_eq!(
            Control::Pause.on(S::RollingBack, false, cancelling),
            Effect::Wishes(Wish { cancel: true, pause: true })
        );
    }
}
