//! Secrets and their hashes.

use model::Random;

/// Bytes of randomness in every secret.
const SECRET_BYTES: usize = 32;

/// A new secret as lower-case hex.
pub(crate) fn new_secret(random: &dyn Random) -> String {
    let mut bytes = [0; SECRET_BYTES];
    random.fill(&mut bytes);
    blake3::Hash::from_bytes(bytes).to_hex().to_string()
}

/// What is kept of a secret. The secret is random and long, so a fast hash is enough.
pub(crate) fn hash_of(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

/// Whether `secret` is the one whose hash is kept; takes as long whatever the answer.
pub(crate) fn matches(secret: &str, kept_hash: &str) -> bool {
    blake3::Hash::from_hex(kept_hash).is_ok_and(|kept| kept == blake3::hash(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SeededRandom;

    #[test]
    fn a_secret_matches_its_hash_and_no_other() {
        let random = SeededRandom::new(1);
        let (one, two) = (new_secret(&random), new_secret(&random));
        assert_eq!(one.len(), 64);
        assert!(matches(&one, &hash_of(&one)));
        assert!(!matches(&two, &hash_of(&one)));
        assert!(!matches(&one, "no hash"));
    }
}
