//! Tokens for `src` attributes: signed, short-lived, good for one document and one purpose.

use model::{DocumentId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Keeps these keys apart from whatever else is derived from the secret.
const CONTEXT: &str = "seogo 2026 media token v1";

/// What a media token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// The original.
    File,
    /// The thumbnail.
    Thumbnail,
    /// The preview.
    Preview,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Thumbnail => "thumbnail",
            Self::Preview => "preview",
        }
    }
}

/// A token that opens the document for the purpose until `expires_at`.
pub(crate) fn sign(
    secret: &[u8; 32],
    id: &DocumentId,
    purpose: Purpose,
    expires_at: Timestamp,
) -> String {
    format!(
        "{}.{}",
        expires_at.0,
        mac(secret, id, purpose, expires_at).to_hex()
    )
}

/// Whether the token opens the document for the purpose now; the signatures are compared in constant time.
pub(crate) fn opens(
    secret: &[u8; 32],
    token: &str,
    id: &DocumentId,
    purpose: Purpose,
    now: Timestamp,
) -> bool {
    let Some((expires_at, signature)) = parse(token) else {
        return false;
    };
    mac(secret, id, purpose, expires_at) == signature && now < expires_at
}

fn parse(token: &str) -> Option<(Timestamp, blake3::Hash)> {
    let (expires_at, signature) = token.split_once('.')?;
    Some((
        Timestamp(expires_at.parse().ok()?),
        blake3::Hash::from_hex(signature).ok()?,
    ))
}

fn mac(
    secret: &[u8; 32],
    id: &DocumentId,
    purpose: Purpose,
    expires_at: Timestamp,
) -> blake3::Hash {
    let key = blake3::derive_key(CONTEXT, secret);
    // The id goes last: the parts before it hold no colon, so no two claims give the same text.
    let claim = format!("{}:{}:{id}", purpose.as_str(), expires_at.0);
    blake3::keyed_hash(&key, claim.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_one_document_for_one_purpose_for_a_while() {
        let (secret, id) = ([7; 32], DocumentId::from("a"));
        let end = Timestamp(1000);
        let token = sign(&secret, &id, Purpose::File, end);
        let opens = |secret: &[u8; 32], token: &str, id: &str, purpose, now| {
            super::opens(secret, token, &id.into(), purpose, Timestamp(now))
        };
        assert!(opens(&secret, &token, "a", Purpose::File, 999));
        assert!(!opens(&secret, &token, "a", Purpose::File, 1000), "expired");
        assert!(!opens(&secret, &token, "b", Purpose::File, 0));
        assert!(!opens(&secret, &token, "a", Purpose::Preview, 0));
        assert!(!opens(&[8; 32], &token, "a", Purpose::File, 0));
        let prolonged = token.replacen("1000", "9000", 1);
        assert!(!opens(&secret, &prolonged, "a", Purpose::File, 0));
        for broken in ["", ".", "1000", "1000.", "x.y", "1000.é"] {
            assert!(!opens(&secret, broken, "a", Purpose::File, 0), "{broken}");
        }
    }
}
