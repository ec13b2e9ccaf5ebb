//! Stripe: the API, its hosted pages, signed webhooks and a clock that can be moved.
//!
//! Every secret key `sk_test_…` is an account of its own, made when it is first used. An account's objects are kept as
//! the JSON they are answered with (`books`); a request or a move of the clock changes them and records events, which
//! the account's courier brings to its webhook endpoints.

mod api;
mod books;
mod cards;
mod catalog;
mod checkout;
mod clock;
pub(crate) mod control;
mod customers;
mod disputes;
mod error;
mod events;
mod expand;
mod form;
mod idempotency;
mod invoices;
mod list;
mod meters;
mod money;
mod objects;
mod outage;
mod pages;
mod parameters;
mod payments;
mod portal;
mod refunds;
mod routes;
mod schedules;
mod shape;
mod subscriptions;
mod webhooks;

pub(crate) use api::routes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::task::TaskTracker;

use crate::stripe::books::{Books, tag_of};
use crate::stripe::objects::Fields;
use crate::stripe::outage::Outages;
use crate::stripe::webhooks::courier::Courier;
use crate::stripe::webhooks::endpoints::destinations;

/// What every secret key begins with.
pub(crate) const KEY_PREFIX: &str = "sk_test_";

/// All accounts.
pub(crate) struct Stripe {
    /// The address of the hosted pages, without a slash at the end.
    pages: String,
    accounts: Mutex<BTreeMap<String, Arc<Account>>>,
    http: reqwest::Client,
    couriers: TaskTracker,
}

/// One account: what it holds, how its webhooks travel, and whether its API is down.
pub(crate) struct Account {
    key: String,
    books: Mutex<Books>,
    courier: Arc<Courier>,
    outages: Outages,
}

impl Stripe {
    /// `base` is the sandbox's public address.
    ///
    /// # Errors
    ///
    /// When there can be no HTTP client for the webhooks.
    pub(crate) fn new(base: &str) -> Result<Self, reqwest::Error> {
        // Of no use for the plain HTTP of one machine, but the client wants to know.
        rustls::crypto::ring::default_provider().install_default().ok();
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
        Ok(Self {
            pages: format!("{base}/stripe"),
            accounts: Mutex::default(),
            http,
            couriers: TaskTracker::new(),
        })
    }

    /// The account of a key, made if need be.
    fn account(&self, key: &str) -> Arc<Account> {
        let mut accounts = lock(&self.accounts);
        let new = || {
            Arc::new(Account {
                key: key.to_owned(),
                books: Mutex::new(Books::new(key, &self.pages)),
                courier: Arc::new(Courier::new()),
                outages: Outages::default(),
            })
        };
        Arc::clone(accounts.entry(key.to_owned()).or_insert_with(new))
    }

    /// The account that an object belongs to, by its id.
    fn account_of_object(&self, id: &str) -> Option<Arc<Account>> {
        let tag = books::tag_in(id)?;
        lock(&self.accounts).values().find(|account| tag_of(&account.key) == tag).cloned()
    }

    fn all_accounts(&self) -> Vec<Arc<Account>> {
        lock(&self.accounts).values().cloned().collect()
    }

    /// Lets an account do something, after all that fell due, and sends the events that came of it.
    fn with_books<T>(&self, account: &Account, work: impl FnOnce(&mut Books) -> T) -> T {
        let mut books = lock(&account.books);
        clock::catch_up(&mut books);
        let done = work(&mut books);
        let told = std::mem::take(&mut books.outbox);
        let events = told.into_iter().map(|mut event| {
            let destinations = destinations(&books, event.text("type"));
            event["pending_webhooks"] = destinations.len().into();
            (event, destinations)
        });
        // While the books are locked, so that events leave in the order in which they happened.
        let must_start = account.courier.take(events.collect());
        drop(books);
        if must_start {
            self.couriers.spawn(Arc::clone(&account.courier).run(self.http.clone()));
        }
        done
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
