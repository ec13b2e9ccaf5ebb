//! The only place where parts are wired together.

mod lifetime;

use std::sync::Arc;
use std::time::Duration;

use app::api::Backend;
use app::api::admin::AdminBackend;
use app::types::{Caller, SignedIn, SiteLinks};
use leptos::config::LeptosOptions;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::AppResult;
use crate::config::{AuditConfig, Config, JobsConfig, LimitsConfig, LinksConfig, ServerConfig, SignInConfig};
use crate::jobs::{
    AddUpDays, AuditMoney, CheckFourWays, DeliverNotice, EndVisits, EraseAccounts, ExportMeter, Handler,
    Purge, ReconcileBilling, SyncCustomer, TellRating, Worker, WorkerParts,
};
use crate::limits::{BadRedisUrl, CallLimit, Limiter};
use crate::providers::identity::{Github, IdentityProvider, Oidc};
use crate::providers::langfuse::Langfuse;
use crate::providers::llm::Providers;
use crate::providers::mail::{MailError, Mailer};
use crate::providers::stripe::{Stripe, StripeError};
use crate::services::account::AccountService;
use crate::services::account_export::AccountExportService;
use crate::services::admin::{
    AuditLogService, FiguresService, JobsService, PeopleParts, PeopleService, ProviderService, StripeService,
    SystemService,
};
use crate::services::api_keys::ApiKeyService;
use crate::services::billing::{BillingService, Cashier};
use crate::services::caps::CapsService;
use crate::services::catalog::CatalogService;
use crate::services::ceiling::DailyCeiling;
use crate::services::chat::ChatService;
use crate::services::completions::CompletionService;
use crate::services::day_totals::DayTotals;
use crate::services::erasure::ErasureService;
use crate::services::failed_requests::FailedRequestService;
use crate::services::four_way::FourWayCheck;
use crate::services::generation::{GenerationService, Parts};
use crate::services::money_audit::MoneyAudit;
use crate::services::monitoring::Monitoring;
use crate::services::notices::NoticeService;
use crate::services::plans::Plans;
use crate::services::quota::QuotaService;
use crate::services::ratings::RatingService;
use crate::services::sign_in::{self, SignInService};
use crate::services::switches::SwitchService;
use crate::services::usage::UsageService;
use crate::store::Db;
use crate::streams::StreamLog;

/// A part that could not be made from its settings.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Limiter(#[from] BadRedisUrl),
    #[error("the HTTP client cannot be made: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the client of Stripe cannot be made: {0}")]
    Stripe(#[from] StripeError),
    #[error("SMTP_URL cannot be used: {0}")]
    Mail(#[from] MailError),
}

/// Everything a request needs. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) db: Db,
    pub(crate) limiter: Limiter,
    pub(crate) limits: LimitsConfig,
    pub(crate) account: AccountService,
    pub(crate) account_export: AccountExportService,
    pub(crate) api_keys: ApiKeyService,
    pub(crate) sign_in: SignInService,
    pub(crate) generations: GenerationService,
    pub(crate) completions: CompletionService,
    pub(crate) usage: UsageService,
    billing: BillingService,
    pub(crate) audit_log: AuditLogService,
    pub(crate) figures: FiguresService,
    /// None: nothing can be bought here.
    pub(crate) cashier: Option<Cashier>,
    pub(crate) notices: NoticeService,
    pub(crate) switches: SwitchService,
    pub(crate) failed_requests: FailedRequestService,
    monitoring: Monitoring,
    /// Sites that forms of ours lead to.
    pub(crate) form_origins: Arc<[String]>,
    pub(crate) backend: Backend,
    worker: Worker,
    background: TaskTracker,
    is_ending: CancellationToken,
}

impl AppState {
    /// Connects to nothing yet: what is away shows in `/health/ready`.
    ///
    /// # Errors
    /// When a setting makes no sense.
    pub fn new(config: Config) -> Result<Self, StartError> {
        let db = Db::new(&config.database);
        let plans = Plans::new(&config.plans);
        let lease = GenerationService::lease(&config.llm.clocks);
        let limiter = Limiter::new(&config.redis, config.limits.replicas, lease)?;
        let quota = QuotaService::new(db.clone(), limiter.clone(), plans.clone());
        let catalog = CatalogService::new(db.clone(), config.llm.catalog, config.llm.api_keys);
        let breakers = limiter.breakers(config.llm.breaker_failures);
        let ceiling = DailyCeiling::new(db.clone(), config.spending.daily_ceiling);
        let generations = GenerationService::new(Parts {
            db: db.clone(),
            limiter: limiter.clone(),
            breakers: breakers.clone(),
            log: StreamLog::new(&config.redis).map_err(BadRedisUrl::from)?,
            plans: plans.clone(),
            catalog: catalog.clone(),
            quota: quota.clone(),
            ceiling: ceiling.clone(),
            providers: Providers::new(&config.llm.clocks)?,
            clocks: config.llm.clocks,
        });
        let providers = identity_providers(config.sign_in)?;
        let account = AccountService::new(db.clone(), config.session, sign_in::methods(&providers));
        let public_url = config.server.public_url.clone();
        let default_plan = plans.default_plan().key.clone();
        let switches = SwitchService::new(db.clone());
        let sign_in = SignInService::new(
            db.clone(),
            providers,
            public_url,
            account.clone(),
            default_plan,
            config.operators,
            switches.clone(),
        );
        let usage = UsageService::new(db.clone());
        let stripe = config.billing.stripe.as_ref().map(Stripe::new).transpose()?;
        let form_origins = stripe.as_ref().map(Stripe::page_origins).unwrap_or_default();
        let cashier = stripe
            .map(|stripe| Cashier::new(db.clone(), stripe, plans.clone(), config.server.public_url.clone()));
        let billing_limit = CallLimit::account_billing(config.limits.billing_requests_per_minute);
        let billing = BillingService::new(
            db.clone(),
            plans.clone(),
            catalog.clone(),
            cashier.clone(),
            limiter.clone(),
            billing_limit,
        );
        let mailer = config.mail.smtp.as_ref().map(Mailer::new).transpose()?;
        let notices = NoticeService::new(db.clone(), plans.clone(), mailer, config.server.public_url.clone());
        let langfuse = config.langfuse.as_ref().map(Langfuse::new).transpose()?;
        let ratings = RatingService::new(db.clone(), langfuse);
        let audit_log = AuditLogService::new(db.clone());
        let failed_requests = FailedRequestService::new(db.clone());
        let figures = FiguresService::new(db.clone(), plans.clone());
        let erasure = ErasureService::new(db.clone(), plans.clone(), cashier.clone(), switches.clone());
        let worker = worker(
            &db,
            config.jobs,
            config.audit,
            cashier.clone(),
            notices.clone(),
            ratings.clone(),
            erasure.clone(),
        );
        let api_keys =
            ApiKeyService::new(db.clone(), plans.clone(), catalog.clone(), config.server.public_url.clone());
        let monitoring = Monitoring {
            db: db.clone(),
            limiter: limiter.clone(),
            breakers: breakers.clone(),
            catalog: catalog.clone(),
            switches: switches.clone(),
            ceiling,
        };
        let admin = AdminBackend {
            audit: Arc::new(audit_log.clone()),
            figures: Arc::new(figures.clone()),
            jobs: Arc::new(JobsService::new(db.clone(), worker.schedules())),
            people: Arc::new(PeopleService::new(PeopleParts {
                db: db.clone(),
                plans: plans.clone(),
                account: account.clone(),
                billing: billing.clone(),
                notices: notices.clone(),
                quota: quota.clone(),
                usage: usage.clone(),
            })),
            providers: Arc::new(ProviderService::new(db.clone(), catalog.clone(), breakers)),
            stripe: Arc::new(StripeService::new(db.clone(), cashier.clone())),
            system: Arc::new(SystemService::new(
                db.clone(),
                limiter.clone(),
                switches.clone(),
                config.settings,
            )),
        };
        let completions =
            CompletionService::new(db.clone(), generations.clone(), catalog.clone(), plans.clone());
        let backend = Backend {
            account: Arc::new(account.clone()),
            admin,
            api_keys: Arc::new(api_keys.clone()),
            billing: Arc::new(billing.clone()),
            caps: Arc::new(CapsService::new(db.clone(), plans.clone())),
            chat: Arc::new(ChatService::new(db.clone(), generations.clone(), catalog, plans, ratings)),
            erasure: Arc::new(erasure),
            links: site_links(config.links),
            notices: Arc::new(notices.clone()),
            quota: Arc::new(quota),
            usage: Arc::new(usage.clone()),
        };
        Ok(Self {
            server: Arc::new(config.server),
            worker,
            account_export: AccountExportService::new(db.clone()),
            db,
            limiter,
            limits: config.limits,
            account,
            api_keys,
            sign_in,
            generations,
            completions,
            usage,
            billing,
            audit_log,
            figures,
            cashier,
            notices,
            switches,
            failed_requests,
            monitoring,
            form_origins: form_origins.into(),
            backend,
            background: TaskTracker::new(),
            is_ending: CancellationToken::new(),
        })
    }

    /// Who a session's token belongs to; None when it is no good (any more).
    ///
    /// # Errors
    /// When the database is away.
    pub async fn authenticate(&self, token: &str) -> AppResult<Option<SignedIn>> {
        self.account.authenticate(token).await
    }

    /// Whose API key this is; None when it is no good (any more).
    ///
    /// # Errors
    /// When the database is away.
    pub async fn authenticate_key(&self, token: &str) -> AppResult<Option<Caller>> {
        self.api_keys.authenticate(token).await
    }

    pub fn generations(&self) -> &GenerationService {
        &self.generations
    }

    pub(crate) fn four_way_check(&self) -> FourWayCheck {
        FourWayCheck::new(self.db.clone(), self.cashier.clone())
    }

    pub(crate) fn monitoring(&self) -> &Monitoring {
        &self.monitoring
    }
}

impl axum::extract::FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.server.leptos.clone()
    }
}

/// Whoever loses a job's lease is dead or cut off: jobs renew it every ten seconds.
const JOB_LEASE: Duration = Duration::from_secs(30);

/// No job is meant to take longer.
const JOB_TIME_LIMIT: Duration = Duration::from_secs(600);

fn worker(
    db: &Db,
    config: JobsConfig,
    audit: AuditConfig,
    cashier: Option<Cashier>,
    notices: NoticeService,
    ratings: RatingService,
    erasure: ErasureService,
) -> Worker {
    let mut handlers: Vec<Arc<dyn Handler>> = vec![
        Arc::new(AddUpDays { totals: DayTotals::new(db.clone()) }),
        Arc::new(AuditMoney { audit: MoneyAudit::new(db.clone()), config: audit }),
        Arc::new(EndVisits { db: db.clone() }),
        Arc::new(EraseAccounts { erasure }),
        Arc::new(Purge { db: db.clone() }),
        Arc::new(DeliverNotice { notices }),
        Arc::new(TellRating { ratings }),
        Arc::new(CheckFourWays { check: FourWayCheck::new(db.clone(), cashier.clone()), config: audit }),
    ];
    if let Some(cashier) = cashier {
        handlers.push(Arc::new(SyncCustomer { cashier: cashier.clone() }));
        handlers.push(Arc::new(ReconcileBilling { cashier: cashier.clone() }));
        handlers.push(Arc::new(ExportMeter { cashier }));
    }
    Worker::new(WorkerParts {
        db: db.clone(),
        schedules: handlers.iter().filter_map(|handler| handler.schedule()).collect(),
        handlers,
        concurrency: config.concurrency as usize,
        lease: JOB_LEASE,
        time_limit: JOB_TIME_LIMIT,
    })
}

fn site_links(LinksConfig { support, terms, privacy }: LinksConfig) -> SiteLinks {
    SiteLinks {
        support: support.map(String::from),
        terms: terms.map(String::from),
        privacy: privacy.map(String::from),
    }
}

fn identity_providers(config: SignInConfig) -> Result<Arc<[Box<dyn IdentityProvider>]>, reqwest::Error> {
    let mut providers: Vec<Box<dyn IdentityProvider>> = Vec::new();
    for oidc in config.oidc {
        providers.push(Box::new(Oidc::new(oidc)?));
    }
    if let Some(github) = config.github {
        providers.push(Box::new(Github::new(github)?));
    }
    Ok(providers.into())
}
