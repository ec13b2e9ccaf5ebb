//! What holds for every endpoint: accounts, errors, lists, expansion, idempotency.

use axum::http::Method;

use crate::account::{Account, id_of};

#[tokio::test]
async fn every_key_is_an_account_of_its_own() {
    let ada = Account::new("ada");
    let grace = Account { sandbox: ada.sandbox.clone(), key: "sk_test_grace".into() };
    let customer = ada.customer().await;
    assert_eq!(ada.get("customers", &[]).await["data"].as_array().unwrap().len(), 1);
    assert_eq!(grace.get("customers", &[]).await["data"].as_array().unwrap().len(), 0);
    let answered = grace.ask(Method::GET, &format!("customers/{customer}"), &[]).await;
    assert_eq!((answered.status, &answered.body["error"]["code"]), (404, &"resource_missing".into()));
    let nobody = Account { sandbox: ada.sandbox.clone(), key: "pk_live_1".into() };
    assert_eq!(nobody.ask(Method::GET, "customers", &[]).await.status, 401);
}

#[tokio::test]
async fn an_idempotency_key_gets_the_first_answer_again() {
    let account = Account::new("idempotency");
    let form = [("email", "ada@example.test")];
    let send = async |form: &[(&str, &str)]| account.send(Method::POST, "customers", form, Some("k-1")).await;
    let first = send(&form).await;
    let second = send(&form).await;
    assert!(!first.headers().contains_key("idempotent-replayed"));
    assert_eq!(second.headers()["idempotent-replayed"], "true");
    assert!(second.headers()["request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(account.get("customers", &[]).await["data"].as_array().unwrap().len(), 1);
    assert_eq!(send(&[("email", "grace@example.test")]).await.status(), 400);
}

#[tokio::test]
async fn lists_are_paged_newest_first() {
    let account = Account::new("pages");
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(account.customer().await);
    }
    let first = account.get("customers", &[("limit", "2")]).await;
    assert_eq!((id_of(&first["data"][0]), &first["has_more"]), (ids[2].clone(), &true.into()));
    let rest = account.get("customers", &[("starting_after", &ids[1])]).await;
    assert_eq!((id_of(&rest["data"][0]), &rest["has_more"]), (ids[0].clone(), &false.into()));
    let newer = account.get("customers", &[("ending_before", &ids[1])]).await;
    assert_eq!(newer["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn prices_are_found_by_lookup_key_and_keys_can_move() {
    let account = Account::new("prices");
    let old = account.monthly_price("pro").await;
    let found = account
        .get("prices", &[("lookup_keys[]", "pro"), ("active", "true"), ("expand[]", "data.product")])
        .await;
    assert_eq!(id_of(&found["data"][0]), old);
    assert_eq!(found["data"][0]["product"]["name"], "pro");
    let product = id_of(&found["data"][0]["product"]);
    let form = [("currency", "usd"), ("unit_amount", "2500"), ("product", &product), ("lookup_key", "pro")];
    assert_eq!(account.refused("prices", &form).await["param"], "lookup_key");
    let new = account.post("prices", &[&form[..], &[("transfer_lookup_key", "true")]].concat()).await;
    let found = account.get("prices", &[("lookup_keys[]", "pro")]).await;
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(id_of(&found["data"][0]), id_of(&new));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_stripes_words() {
    let account = Account::new("refusals");
    let error = account.refused("products", &[]).await;
    assert_eq!((&error["code"], &error["param"]), (&"parameter_missing".into(), &"name".into()));
    let error = account.refused("customers", &[("email", "ada@example.test"), ("e_mail", "")]).await;
    assert_eq!((&error["code"], &error["param"]), (&"parameter_unknown".into(), &"e_mail".into()));
    let error = account.refused("subscriptions", &[("customer", "cus_nobody")]).await;
    assert_eq!(error["message"], "No such customer: 'cus_nobody'");
    let answered = account.ask(Method::POST, "no/such/thing", &[]).await;
    assert_eq!((answered.status, &answered.body["error"]["type"]), (404, &"invalid_request_error".into()));
}
