//! Payments beside charges: many at once, tariffs, refunds, cancellations, and what must never enter.

use crate::charges::{PAYER, charge, charge_with, post, read, register, stores};
use crate::support::{Installation, Plan};
use serde_json::{Value, json};

/// Pays a charge through the demo's bank.
async fn pay(installation: &Installation, charge_id: &str, txn_id: &str) {
    let bank = installation.caller("bank");
    let body = json!({
        "bank": "demo", "txn_id": txn_id, "account": charge_id, "amount_tiyn": 534_700,
    });
    let paid = read(&post(&bank, "services/PAY_BankPay", None, &body.to_string()).await);
    assert_eq!(paid["data"]["verdict"], "ok", "{paid}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_charges_are_loaded_all_or_none_and_found_by_their_payer_until_annulled() {
    for plan in stores().await {
        let installation = Installation::with(plan).await;
        let portal = installation.caller("portal");
        let good = charge_with("number", json!("n-1"));
        let wrong = charge_with("kbk", json!("999999"));
        let load = |charges: Value| json!({ "charges": charges }).to_string();
        let refused = post(&portal, "charges/batch", None, &load(json!([good, wrong]))).await;
        assert_eq!((refused.http_status, &read(&refused)["field"]), (422, &json!("charges/1/kbk")));
        let path = format!("/api/v1/charges?payer={PAYER}");
        let open = || async { read(&portal.client.get(&path).await.unwrap())["charges"].clone() };
        assert_eq!(open().await, json!([]), "none of them was registered");

        let good = [good, charge_with("number", json!("n-2")), charge()];
        let loaded = post(&portal, "charges/batch", Some("b"), &load(json!(good))).await;
        assert_eq!(loaded.http_status, 201, "{}", read(&loaded));
        assert_eq!(open().await.as_array().unwrap().len(), 3);
        let twice = post(&portal, "charges/batch", None, &load(json!(good))).await;
        assert_eq!((twice.http_status, &read(&twice)["reason"]), (409, &json!("already_there")));

        let id = read(&loaded)["charges"][0]["charge_id"].as_str().unwrap().to_owned();
        let annulment = format!("charges/{id}/annulment");
        // Only who registered it takes it back.
        let foreign = post(&installation.caller("bank"), &annulment, None, "").await;
        assert_eq!(foreign.http_status, 404, "{}", read(&foreign));
        let annulled = post(&portal, &annulment, None, "").await;
        assert_eq!((annulled.http_status, &read(&annulled)["state"]), (200, &json!("annulled")));
        assert_eq!(open().await.as_array().unwrap().len(), 2);
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tariff_says_what_a_duty_costs_today() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    let by_tariff = json!({
        "payer_bin": "171140001235", "payee_bin": "190540007715", "tariff": "duty_05",
    });
    let posted = post(&portal, "charges", None, &by_tariff.to_string()).await;
    let made = read(&posted);
    assert_eq!(posted.http_status, 201, "{made}");
    assert_eq!((&made["amount_tiyn"], &made["kbk"]), (&json!(534_700), &json!("108125")));
    assert_eq!(made["purpose"]["en"], "Registration of divorce");
    for (field, value, reason) in [
        ("tariff", json!("duty_99"), "tariff_unknown"),
        ("amount_tiyn", json!(5), "fields_exclude_each_other"),
        ("payer_iin", json!(PAYER), "fields_exclude_each_other"),
    ] {
        let mut asked = by_tariff.clone();
        asked[field] = value;
        let refused = post(&portal, "charges", None, &asked.to_string()).await;
        assert_eq!((refused.http_status, &read(&refused)["reason"]), (422, &json!(reason)));
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_made_cancelled_and_refunded_and_a_charge_is_held_once() {
    for plan in stores().await {
        let installation = Installation::with(plan).await;
        let portal = installation.caller("portal");
        let id = register(&portal).await;
        let create = json!({ "charge_id": id, "bank": "demo" }).to_string();
        let made = post(&portal, "payments", Some("p-1"), &create).await;
        let payment = read(&made);
        assert_eq!((made.http_status, &payment["state"]), (201, &json!("reserved")), "{payment}");
        let again = post(&portal, "payments", Some("p-1"), &create).await;
        assert_eq!(again.body, made.body);
        let held = post(&portal, "payments", Some("p-2"), &create).await;
        assert_eq!((held.http_status, &read(&held)["reason"]), (409, &json!("charge_held")));
        let payment_id = payment["payment_id"].as_str().unwrap();
        let cancel = format!("payments/{payment_id}/cancellation");
        let cancelled = post(&portal, &cancel, None, "").await;
        assert_eq!(read(&cancelled)["state"], "cancelled");
        // A refusal is not remembered: the same call may succeed another time.
        let second = post(&portal, "payments", Some("p-2"), &create).await;
        assert_eq!(second.http_status, 201, "{}", read(&second));

        pay(&installation, &id, "t-1").await;
        let all = portal.client.get(&format!("/api/v1/payments?charge_id={id}")).await.unwrap();
        let all = read(&all)["payments"].clone();
        assert_eq!(all.as_array().unwrap().len(), 3, "{all}");
        let paid = all.as_array().unwrap().iter().find(|one| one["state"] == "posted").unwrap();
        let paid_id = paid["payment_id"].as_str().unwrap();
        let refunds = format!("payments/{paid_id}/refunds");
        let refund = |tiyn: i64| json!({ "amount_tiyn": tiyn, "reason": "asked" }).to_string();
        let keyless = post(&portal, &refunds, None, &refund(1)).await;
        assert_eq!(keyless.fault.as_deref(), Some("caller.malformed"));
        let given = post(&portal, &refunds, Some("r-1"), &refund(534_700)).await;
        assert_eq!(given.http_status, 201, "{}", read(&given));
        assert_eq!(read(&given)["reverses"], paid_id);
        let more = post(&portal, &refunds, Some("r-2"), &refund(1)).await;
        assert_eq!(read(&more)["reason"], "refunds_exceed_payment");
        let charge = portal.client.get(&format!("/api/v1/charges/{id}")).await.unwrap();
        assert_eq!(read(&charge)["state"], "refunded");
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ugly_requests_are_refused_and_register_nothing() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    let with_amount = |text: &str| charge().to_string().replace("534700", text);
    let long = "қ".repeat(500_000);
    let mut bodies: Vec<(String, u16)> =
        ["1e3", "1.0", "-0", "\"1\"", "9223372036854775808", "null"]
            .map(|text| (with_amount(text), 400))
            .into();
    bodies[5].1 = 422;
    bodies.extend([
        (charge_with("purpose", json!({ "kk": long, "ru": "a", "en": "b" })).to_string(), 422),
        (charge_with("purpose", json!({ "kk": "a\u{0}", "ru": "a", "en": "b" })).to_string(), 400),
        (charge_with("purpose", json!({ "kk": "a\nb", "ru": "a", "en": "b" })).to_string(), 422),
        (charge_with("purpose", json!("text")).to_string(), 400),
        (charge_with("mood", json!("good")).to_string(), 400),
        (charge().to_string().replacen('{', "{\"knp\":\"911\",", 1), 400),
        ("[]".to_owned(), 400),
        ("{".to_owned(), 400),
        (String::new(), 400),
    ]);
    for (body, status) in bodies {
        let posted = post(&portal, "charges", None, &body).await;
        let shown: String = body.chars().take(200).collect();
        assert_eq!(posted.http_status, status, "{shown}: {}", read(&posted));
    }
    for query in ["payer=1", "payer=850312300121&payer=850312300121", "limit=1", "payer=%", "x=1"] {
        let posted = portal.client.get(&format!("/api/v1/charges?{query}")).await.unwrap();
        assert!([400, 422].contains(&posted.http_status), "{query}");
    }
    let open = portal.client.get(&format!("/api/v1/charges?payer={PAYER}")).await.unwrap();
    assert_eq!(read(&open)["charges"], json!([]));
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_number_is_refused_and_stands_nowhere_afterwards() {
    const PAN: &str = "4111111111111111";
    let installation = Installation::with(Plan::default()).await;
    let portal = installation.caller("portal");
    let purpose = |text: &str| charge_with("purpose", json!({ "kk": text, "ru": "a", "en": "b" }));
    for (body, key) in [
        (purpose(PAN).to_string(), None),
        (purpose("4111 1111 1111 1111").to_string(), None),
        (purpose("PAN").to_string().replace("PAN", "\\u0034111111111111111"), None),
        (charge_with(PAN, json!("x")).to_string(), None),
        (charge_with("cvv", json!("123")).to_string(), None),
        (charge().to_string(), Some(PAN)),
    ] {
        let posted = post(&portal, "charges", key, &body).await;
        assert_eq!(posted.fault.as_deref(), Some("caller.malformed"), "{body} {key:?}");
        assert!(!String::from_utf8_lossy(&posted.body).contains(PAN));
    }
    let data = format!("<payee_bin>190540007715</payee_bin><note>{PAN}</note>");
    let soap = portal.ask("PAY_ChargeRegister", &data).await;
    assert_eq!(soap.fault.as_deref(), Some("caller.malformed"));
    // A bank's own id is its own, whatever it looks like.
    let id = register(&portal).await;
    pay(&installation, &id, "4222222222222").await;
    let page = crate::caller::get(&installation.inner.running.ops.to_string(), "/metrics").await;
    assert!(!page.contains(PAN));
    let state = installation.state.path().to_owned();
    assert_eq!(installation.inner.stop().await, 0);
    let files = std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|path| path.is_file()) {
        let bytes = std::fs::read(&file).unwrap();
        let is_there = bytes.windows(PAN.len()).any(|window| window == PAN.as_bytes());
        assert!(!is_there, "{}", file.display());
    }
}
