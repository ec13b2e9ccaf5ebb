//! Settings that several tests need.

use app::types::Nanos;
use server::config::Config;

/// A token costs a nano-dollar, the prompt nothing, and no limit is met but credit.
pub fn cheap(config: &mut Config) {
    config.llm.catalog.models[0].prices.input = Nanos(0);
    config.llm.catalog.models[0].prices.output = Nanos(1_000_000);
    config.plans.free.concurrent_replies = 1000;
    config.plans.free.requests_per_minute = 1000;
    config.plans.free.requests_per_day = 10_000;
}

/// Where nobody answers.
pub const NO_REDIS: &str = "redis://127.0.0.1:9/";

pub fn without_redis(config: &mut Config) {
    config.redis.url = NO_REDIS.to_owned().into();
}
