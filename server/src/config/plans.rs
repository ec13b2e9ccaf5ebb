//! The file with what each plan includes and costs.

use std::collections::HashSet;

use app::types::{CapTerms, Interval, Nanos, PackOffer, Plan, Price};
use chrono::TimeDelta;
use serde::Deserialize;

use super::{ConfigError, Env};

/// Used unless `PLANS` names another file.
const DEFAULT: &str = include_str!("../../plans.toml");

/// Read from the TOML file that `PLANS` names. Default `server/plans.toml`, which is part of the program.
#[derive(Clone, Debug)]
pub struct PlansConfig {
    /// Of everybody who has chosen no other. `FREE_REQUESTS_PER_MINUTE`, `FREE_REQUESTS_PER_DAY`,
    /// `FREE_TOKENS_PER_MINUTE`, `FREE_CONCURRENT_REPLIES`, `FREE_DEFAULT_OUTPUT_TOKENS` and `FREE_MONTHLY_CREDIT_CENTS` override
    /// what the file says, and so do `FREE_MONTHLY_CAP_CENTS` and `FREE_MONTHLY_CAP_IS_HARD` (default true) for its cap, and
    /// `FREE_THREAD_CAP_CENTS` and `FREE_THREAD_CAP_IS_HARD` (default true) for its cap of each conversation.
    pub free: Plan,
    /// In the order in which they give more.
    pub paid: Vec<PaidPlan>,
    pub packs: Vec<Pack>,
    /// How what replies cost beyond credit is billed. None: there is no such thing.
    pub overage: Option<OveragePrice>,
}

/// A plan that is subscribed to.
#[derive(Clone, Debug)]
pub struct PaidPlan {
    pub plan: Plan,
    /// After a failed payment replies go on for so long.
    pub grace: TimeDelta,
    /// What there is to spend meanwhile.
    pub grace_credit: Nanos,
    pub prices: Vec<PlanPrice>,
}

/// A price as Stripe finds it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanPrice {
    pub interval: Interval,
    pub amount_cents: u32,
    /// Stripe's name for it, which moves to its successor.
    pub lookup_key: String,
}

/// Credit that is bought once.
#[derive(Clone, Debug)]
pub struct Pack {
    pub offer: PackOffer,
    pub lookup_key: String,
}

/// The meter and the metered price at Stripe. What a unit costs is not a setting: the meter counts micro-dollars.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OveragePrice {
    /// The name of the meter's events.
    pub event_name: String,
    pub lookup_key: String,
}

impl PlansConfig {
    /// Also used alone, by `plumbline simulate` and `plumbline stripe sync`.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let bad = |problem| ConfigError { variable: "PLANS", problem };
        let mut plans = match env.text("PLANS") {
            None => Self::parse(DEFAULT).map_err(bad)?,
            Some(path) => {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| bad(format!("names {path}, which cannot be read: {error}")))?;
                Self::parse(&text)
                    .map_err(|problem| bad(format!("names {path}, which is not valid: {problem}")))?
            }
        };
        let free = &mut plans.free;
        free.requests_per_minute = env.positive_or("FREE_REQUESTS_PER_MINUTE", free.requests_per_minute)?;
        free.requests_per_day = env.positive_or("FREE_REQUESTS_PER_DAY", free.requests_per_day)?;
        free.tokens_per_minute = env.positive_or("FREE_TOKENS_PER_MINUTE", free.tokens_per_minute)?;
        free.concurrent_replies = env.positive_or("FREE_CONCURRENT_REPLIES", free.concurrent_replies)?;
        free.default_output_tokens =
            env.positive_or("FREE_DEFAULT_OUTPUT_TOKENS", free.default_output_tokens)?;
        if env.text("FREE_MONTHLY_CREDIT_CENTS").is_some() {
            free.monthly_credit = Nanos::from_cents(env.positive_or("FREE_MONTHLY_CREDIT_CENTS", 1)?.into());
        }
        let cap = |limit, is_hard| -> Result<_, ConfigError> {
            let is_hard = env.parsed_or(is_hard, true)?;
            Ok(env.cents(limit)?.map(|limit| CapTerms { limit, is_hard }))
        };
        free.monthly_cap = cap("FREE_MONTHLY_CAP_CENTS", "FREE_MONTHLY_CAP_IS_HARD")?.or(free.monthly_cap);
        free.thread_cap = cap("FREE_THREAD_CAP_CENTS", "FREE_THREAD_CAP_IS_HARD")?.or(free.thread_cap);
        Ok(plans)
    }

    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let plans = Self {
            free: file.free.into_plan(),
            paid: file.paid.into_iter().map(PaidFile::into_paid_plan).collect(),
            packs: file.packs.into_iter().map(PackFile::into_pack).collect(),
            overage: file.overage,
        };
        plans.check()?;
        Ok(plans)
    }

    fn check(&self) -> Result<(), String> {
        let prices = self.paid.iter().flat_map(|paid| &paid.prices);
        let keys = self.paid.iter().map(|paid| &paid.plan.key).chain([&self.free.key]);
        let packs = self.packs.iter().flat_map(|pack| [&pack.offer.key, &pack.lookup_key]);
        let overage = self.overage.iter().map(|overage| &overage.lookup_key);
        let mut seen = HashSet::new();
        if let Some(key) = keys
            .chain(packs)
            .chain(overage)
            .chain(prices.map(|price| &price.lookup_key))
            .find(|key| !seen.insert(*key))
        {
            return Err(format!("the key {key} is there twice"));
        }
        let mut plans = self.paid.iter().map(|paid| &paid.plan).chain([&self.free]);
        if let Some(plan) = plans.find(|plan| plan.default_output_tokens == 0) {
            return Err(format!("the plan {}: default_output_tokens must be at least 1", plan.key));
        }
        for PaidPlan { plan, prices, .. } in &self.paid {
            let intervals: HashSet<_> = prices.iter().map(|price| price.interval).collect();
            if prices.is_empty() || intervals.len() < prices.len() {
                return Err(format!("the plan {} must have one price for an interval", plan.key));
            }
            if plan.overage_max.is_some() && (self.overage.is_none() || !intervals.contains(&Interval::Month))
            {
                let problem = "overage needs a price a month, and the table [overage]";
                return Err(format!("the plan {}: {problem}", plan.key));
            }
        }
        Ok(())
    }
}

impl PaidPlan {
    pub fn price(&self, interval: Interval) -> Option<&PlanPrice> {
        self.prices.iter().find(|price| price.interval == interval)
    }
}

impl PlanPrice {
    pub fn offer(&self) -> Price {
        Price { interval: self.interval, amount_cents: self.amount_cents }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    free: PlanFile,
    #[serde(default)]
    paid: Vec<PaidFile>,
    #[serde(default)]
    packs: Vec<PackFile>,
    overage: Option<OveragePrice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    key: String,
    name: String,
    requests_per_minute: u32,
    requests_per_day: u32,
    tokens_per_minute: u32,
    concurrent_replies: u32,
    #[serde(default = "default_output_tokens")]
    default_output_tokens: u32,
    monthly_credit_cents: u32,
    /// For everybody who sets none of their own.
    monthly_cap_cents: Option<u32>,
    /// Whether the cap refuses, or only warns.
    #[serde(default = "is_hard")]
    monthly_cap_is_hard: bool,
    /// For each conversation that has none of its own.
    thread_cap_cents: Option<u32>,
    #[serde(default = "is_hard")]
    thread_cap_is_hard: bool,
}

/// About 3,000 words.
fn default_output_tokens() -> u32 {
    4_096
}

fn is_hard() -> bool {
    true
}

impl PlanFile {
    fn into_plan(self) -> Plan {
        let cap = |cents: u32, is_hard| CapTerms { limit: Nanos::from_cents(cents.into()), is_hard };
        Plan {
            key: self.key,
            name: self.name,
            requests_per_minute: self.requests_per_minute,
            requests_per_day: self.requests_per_day,
            tokens_per_minute: self.tokens_per_minute,
            concurrent_replies: self.concurrent_replies,
            default_output_tokens: self.default_output_tokens,
            monthly_credit: Nanos::from_cents(self.monthly_credit_cents.into()),
            monthly_cap: self.monthly_cap_cents.map(|cents| cap(cents, self.monthly_cap_is_hard)),
            thread_cap: self.thread_cap_cents.map(|cents| cap(cents, self.thread_cap_is_hard)),
            overage_max: None,
        }
    }
}

#[derive(Deserialize)]
struct PaidFile {
    #[serde(flatten)]
    plan: PlanFile,
    grace_days: u32,
    grace_credit_cents: u32,
    /// None: replies never cost more than there is credit.
    overage_max_cents: Option<u32>,
    prices: Vec<PlanPrice>,
}

impl PaidFile {
    fn into_paid_plan(self) -> PaidPlan {
        PaidPlan {
            plan: Plan {
                overage_max: self.overage_max_cents.map(|cents| Nanos::from_cents(cents.into())),
                ..self.plan.into_plan()
            },
            grace: TimeDelta::days(self.grace_days.into()),
            grace_credit: Nanos::from_cents(self.grace_credit_cents.into()),
            prices: self.prices,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    key: String,
    name: String,
    credit_cents: u32,
    amount_cents: u32,
    lookup_key: String,
}

impl PackFile {
    fn into_pack(self) -> Pack {
        let offer = PackOffer {
            key: self.key,
            name: self.name,
            credit: Nanos::from_cents(self.credit_cents.into()),
            amount_cents: self.amount_cents,
        };
        Pack { offer, lookup_key: self.lookup_key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_comes_along_is_valid_and_the_free_plan_can_be_overridden() {
        let variables = [
            ("FREE_REQUESTS_PER_DAY", "7"),
            ("FREE_MONTHLY_CREDIT_CENTS", "3"),
            ("FREE_THREAD_CAP_CENTS", "2"),
            ("FREE_THREAD_CAP_IS_HARD", "false"),
        ];
        let env = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        let plans = PlansConfig::from_env(&env).expect("valid");
        assert_eq!((plans.free.requests_per_minute, plans.free.requests_per_day), (5, 7));
        assert_eq!(plans.free.monthly_credit, Nanos::from_cents(3));
        let thread_cap = CapTerms { limit: Nanos::from_cents(2), is_hard: false };
        assert_eq!((plans.free.monthly_cap, plans.free.thread_cap), (None, Some(thread_cap)));
        let pro = &plans.paid[0];
        assert_eq!(
            pro.price(Interval::Year).map(|price| price.lookup_key.as_str()),
            Some("plumbline_pro_year")
        );
        assert!(pro.plan.monthly_credit < plans.paid[1].plan.monthly_credit);
    }

    #[test]
    fn mistakes_are_named() {
        for (from, to, problem) in [
            ("key = \"max\"", "key = \"pro\"", "the key pro is there twice"),
            ("plumbline_max_year", "plumbline_max_month", "the key plumbline_max_month is there twice"),
            (
                "interval = \"year\"",
                "interval = \"month\"",
                "the plan pro must have one price for an interval",
            ),
            ("interval = \"year\"", "interval = \"week\"", "week"),
            ("grace_days", "grace_weeks", "grace_"),
            ("name = \"Free\"", "title = \"Free\"", "title"),
            (
                "default_output_tokens = 4_096",
                "default_output_tokens = 0",
                "the plan free: default_output_tokens must be at least 1",
            ),
        ] {
            let error = PlansConfig::parse(&DEFAULT.replacen(from, to, 1)).expect_err(problem);
            assert!(error.contains(problem), "{error}");
        }
    }
}
