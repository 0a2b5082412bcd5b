//! Ids are UUIDv7 text (RFC 9562): unique, and in the order of their making.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Clock, Random};

/// A new UUIDv7 as lower-case hyphenated text.
pub fn new_uuid(clock: &dyn Clock, random: &dyn Random) -> String {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    let millis = u64::try_from(clock.now().0).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes)
        .into_uuid()
        .to_string()
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// A new, unique id.
            pub fn new(clock: &dyn Clock, random: &dyn Random) -> Self {
                Self(new_uuid(clock, random))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

text_id!(
    /// Names one document.
    DocumentId
);
text_id!(
    /// Names one row of the processing queue.
    QueueItemId
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ManualClock, SeededRandom, Timestamp};

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let clock = ManualClock::new(Timestamp(1_700_000_000_000));
        let random = SeededRandom::new(1);
        let first = DocumentId::new(&clock, &random);
        clock.advance_ms(1);
        let second = DocumentId::new(&clock, &random);
        assert!(first < second);
        assert_eq!(first.as_str().len(), 36);
        assert_eq!(&first.as_str()[14..15], "7", "version nibble of a UUIDv7");
    }
}
