//! A small seeded generator, so that a failing run can be repeated from its printed seed.

/// Xorshift64*: not for secrets, good for choosing instants.
pub struct Random(u64);

impl Random {
    /// A generator that always gives the same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The seed named by `ORRIS_SEED`, or one from the clock; printed, so that it can be given again.
    pub fn from_environment(test: &str) -> Self {
        let named = std::env::var("ORRIS_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = named.unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.map_or(1, |since| since.as_nanos() as u64 % 1_000_000_007)
        });
        println!("{test}: ORRIS_SEED={seed}");
        Random::new(seed)
    }

    /// The next number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit.max(1)
    }
}
