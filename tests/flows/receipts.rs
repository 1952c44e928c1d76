//! Receipts, paid services and duties: what a payment proves, to whom, and how often.

use crate::caller::{Caller, PERSON, PERSONS, data_of, text};
use crate::charges::{PAYER, charge, post, read, register, stores};
use crate::support::{Installation, Plan};
use qaqpa::command::client::Posted;
use qaqpa::config::settings::Settings;
use qaqpa::payments::receipt::{KIND, Number, digest_of};
use qaqpa::sign::certificate::CertificateCache;
use qaqpa::sign::document;
use serde_json::{Value, json};

/// The service of the persons costs the duty that `charge()` registers: 5347.00 on 108125.
const PAID: &str =
    "[agency.gbd_fl.service.GBDFL_UniversalServiceSync]\npaid = { tariff = \"duty_05\" }\n";

fn paid_for(plan: Plan) -> Plan {
    Plan { services: PAID.to_owned(), ..plan }
}

/// A payment that the bank has taken for this charge; its id.
async fn pay(installation: &Installation, charge: &str, txn: &str) -> String {
    let bank = installation.caller("bank");
    let amount = 534_700;
    let pay = json!({ "bank": "demo", "txn_id": txn, "account": charge, "amount_tiyn": amount });
    let paid = read(&post(&bank, "services/PAY_BankPay", None, &pay.to_string()).await);
    assert_eq!(paid["data"]["verdict"], "ok", "{paid}");
    let found = bank.client.get(&format!("/api/v1/charges/{charge}")).await.unwrap();
    read(&found)["payments"][0]["payment_id"].as_str().unwrap().to_owned()
}

/// The number of a receipt, as its owner gets it.
async fn receipt(caller: &Caller, payment: &str) -> Value {
    let path = format!("/api/v1/payments/{payment}/receipt?page=kk");
    let told = caller.client.get(&path).await.unwrap();
    assert_eq!(told.http_status, 200, "{}", text(&told));
    read(&told)
}

async fn paid_number(installation: &Installation, txn: &str) -> String {
    let portal = installation.caller("portal");
    let charge = register(&portal).await;
    let payment = pay(installation, &charge, txn).await;
    receipt(&portal, &payment).await["number"].as_str().unwrap().to_owned()
}

async fn person(caller: &Caller, iin: &str, key: &str, number: Option<&str>) -> Posted {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    let receipt = number.map(|number| ("payment-receipt", number));
    let headers: Vec<_> = headers.into_iter().chain(receipt).collect();
    let body = json!({ "iin": iin }).to_string();
    let path = format!("/api/v1/services/{PERSONS}");
    caller.client.post_to(&path, &headers, body.into()).await.unwrap()
}

fn reason(posted: &Posted) -> String {
    read(posted)["reason"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_service_is_released_once_for_a_confirmed_payment_on_both_stores() {
    for plan in stores().await {
        let installation = Installation::with(paid_for(plan)).await;
        let portal = installation.caller("portal");
        let charge = register(&portal).await;
        let made = json!({ "charge_id": charge, "bank": "demo" }).to_string();
        let reserved = read(&post(&portal, "payments", None, &made).await);
        let reserved = reserved["payment_id"].as_str().unwrap().parse().unwrap();
        let unpaid = Number::of(&reserved).unwrap();
        let nobodys = Number::of(&qaqpa::payments::record::Id::at(1)).unwrap();
        for (number, expected) in [
            (None, "payment_receipt_missing"),
            (Some("0000000000000000000000000A"), "payment_receipt_malformed"),
            (Some(nobodys.text()), "no_such_payment"),
            (Some(unpaid.text()), "payment_not_confirmed"),
        ] {
            let refused = person(&portal, PAYER, "before", number).await;
            let told = (refused.http_status, refused.fault.as_deref(), reason(&refused));
            assert_eq!(told, (402, Some("caller.forbidden"), expected.to_owned()));
        }
        assert_eq!(installation.requests_of("gbd_fl").len(), 0, "nothing was asked");

        // The same key, now with a payment: what was refused before anything left may come again.
        let number = paid_number(&installation, "t-1").await;
        let released = person(&portal, PAYER, "before", Some(&number)).await;
        assert_eq!((released.http_status, &released.fault), (200, &None), "{}", text(&released));
        assert_eq!(read(&released)["outcome"], "Done");
        let again = person(&portal, PAYER, "before", Some(&number)).await;
        assert_eq!(again.body, released.body, "the same call has its stored answer");
        for key in ["k-2", "k-3"] {
            let refused = person(&portal, PAYER, key, Some(&number)).await;
            assert_eq!(reason(&refused), "payment_used");
        }
        assert_eq!(installation.requests_of("gbd_fl").len(), 1);

        // What was used is not given back.
        let payment = Number::parse(&number).unwrap().order().unwrap();
        let refund = json!({ "amount_tiyn": 1, "reason": "changed my mind" }).to_string();
        let path = format!("payments/{payment}/refunds");
        let refused = post(&portal, &path, Some("r-1"), &refund).await;
        assert_eq!((refused.http_status, reason(&refused)), (409, "payment_used".to_owned()));
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_agency_refuses_gives_its_payment_back() {
    let installation = Installation::with(paid_for(Plan::default())).await;
    let portal = installation.caller("portal");
    let number = paid_number(&installation, "t-1").await;
    let refused = person(&portal, "990101500016", "k-1", Some(&number)).await;
    assert_eq!(read(&refused)["outcome"], "Refused", "{}", text(&refused));
    let released = person(&portal, PAYER, "k-2", Some(&number)).await;
    assert_eq!(read(&released)["outcome"], "Done", "{}", text(&released));
    // The refused call again: its stored answer, which frees nothing of another's.
    let again = person(&portal, "990101500016", "k-1", Some(&number)).await;
    assert_eq!(again.body, refused.body);
    assert_eq!(reason(&person(&portal, PAYER, "k-3", Some(&number)).await), "payment_used");
    // What ends unclear keeps its payment.
    let number = paid_number(&installation, "t-2").await;
    let unclear = person(&portal, "990101500036", "k-4", Some(&number)).await;
    assert_eq!(unclear.fault.as_deref(), Some("agency.unlisted_code"), "{}", text(&unclear));
    assert_eq!(reason(&person(&portal, PAYER, "k-5", Some(&number)).await), "payment_used");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_soap_bears_its_receipt_as_a_property() {
    let installation = Installation::with(paid_for(Plan::default())).await;
    let portal = installation.caller("portal");
    let refused = portal.ask(PERSONS, PERSON).await;
    assert!(text(&refused).contains("payment_receipt_missing"), "{}", text(&refused));
    let number = paid_number(&installation, "t-1").await;
    let property = |number: &str| {
        format!(
            "</sender><properties><key>paymentReceipt</key><value>{number}</value></properties>"
        )
    };
    let message = portal.message(PERSONS, PERSON);
    let with = |properties: &str| portal.sign(&message.replace("</sender>", properties));
    let twice = property(&number) + property(&number).trim_start_matches("</sender>");
    let refused = portal.post(with(&twice)).await;
    assert!(text(&refused).contains("property_twice"), "{}", text(&refused));
    let released = portal.post(with(&property(&number))).await;
    assert_eq!(released.http_status, 200, "{}", text(&released));
    assert!(data_of(&text(&released)).contains("850312300121"));
    let sent = installation.last_request_of("gbd_fl");
    assert!(sent.contains(&number), "the agency reads it too: {sent}");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_calls_at_once_with_one_payment_one_is_carried() {
    for plan in stores().await {
        let installation = Installation::with(paid_for(plan)).await;
        let number = paid_number(&installation, "t-1").await;
        let portal = std::sync::Arc::new(installation.caller("portal"));
        let asked = (0..50).map(|place| {
            let (portal, number) = (std::sync::Arc::clone(&portal), number.clone());
            tokio::spawn(async move {
                person(&portal, PAYER, &format!("k-{place}"), Some(&number)).await
            })
        });
        let (mut released, mut used) = (0, 0);
        for one in asked.collect::<Vec<_>>() {
            let one = one.await.unwrap();
            match one.http_status {
                200 => released += 1,
                402 if reason(&one) == "payment_used" => used += 1,
                _ => panic!("{}", text(&one)),
            }
        }
        assert_eq!((released, used), (1, 49));
        assert_eq!(installation.requests_of("gbd_fl").len(), 1);
        drop(portal);
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_signed_printed_and_looked_up_without_telling_a_stranger_anything() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    let id = register(&portal).await;
    let payment = pay(&installation, &id, "t-1").await;
    let told = receipt(&portal, &payment).await;
    assert_eq!(told["state"], "paid");
    assert!(told["page"].as_str().unwrap().contains("Төлем туралы түбіртек"));
    let signed = told["signed"].as_str().unwrap();
    let verified = document::verify(signed, &CertificateCache::default()).unwrap();
    assert_eq!((verified.kind.as_str(), verified.algorithm), (KIND, "ES256"));
    let receipt: Value = serde_json::from_slice(&verified.payload).unwrap();
    assert_eq!(
        (&receipt["payment_id"], &receipt["amount_tiyn"]),
        (&json!(payment), &json!(534_700))
    );
    assert_eq!(receipt["purpose"], charge()["purpose"]);

    let number = Number::parse(told["number"].as_str().unwrap()).unwrap();
    let ask = async |path: String| portal.client.get(&format!("/receipts/{path}")).await.unwrap();
    let found = ask(format!("{number}?digest={}", digest_of(&number, PAYER))).await;
    assert_eq!(read(&found), json!({ "number": number.text(), "valid": true, "state": "paid" }));
    let nothing = json!({ "number": number.text(), "valid": false, "state": "not_found" });
    let other = digest_of(&number, "010702600344");
    assert_eq!(read(&ask(format!("{number}?digest={other}")).await), nothing);
    assert_eq!(read(&ask(format!("{number}?digest={PAYER}")).await), nothing);
    let nobodys = Number::of(&qaqpa::payments::record::Id::at(1)).unwrap();
    let absent = ask(format!("{nobodys}?digest={}", digest_of(&nobodys, PAYER))).await;
    assert_eq!(read(&absent)["state"], "not_found");
    assert_eq!(ask("0000000000000000000000000A".to_owned()).await.http_status, 404);
    let page = ask(number.grouped()).await;
    assert!(text(&page).contains(&number.grouped()) && !text(&page).contains(PAYER));
    let posted = portal.client.post_to(&format!("/receipts/{number}"), &[], "x".into()).await;
    assert_eq!(posted.unwrap().http_status, 405);

    // Whoever tries many is told to wait, whatever it asks for.
    let mut refused = None;
    for _ in 0..60 {
        let told = ask(format!("{number}?digest={other}")).await;
        if told.http_status == 429 {
            refused = Some(told);
            break;
        }
    }
    assert_eq!(refused.expect("no limit was met").retry_after_s, Some(1));
    let counted = installation.metric("qaqpa_receipt_look_ups_total{told=\"too_fast\"} ").await;
    assert!(counted >= 1.0);
    installation.stop().await;
}

/// A charge of the portal for a fee or duty of the table; its id.
async fn register_for(installation: &Installation, tariff: &str) -> String {
    let body = json!({ "payer_iin": PAYER, "payee_bin": "190540007715", "tariff": tariff });
    let posted = post(&installation.caller("portal"), "charges", None, &body.to_string()).await;
    let made = read(&posted);
    assert_eq!((posted.http_status, &made["tariff"]), (201, &json!(tariff)), "{made}");
    made["charge_id"].as_str().unwrap().to_owned()
}

/// A second duty that costs what the first one does, on the same code.
fn with_a_twin(settings: &mut Settings) {
    let tariffs = &mut settings.payments.tariffs;
    let twin = tariffs["duty_05"].clone();
    tariffs.insert("duty_05_twin".to_owned(), twin);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duty_of_one_kind_and_payee_is_no_proof_for_another_of_the_same_price() {
    for plan in stores().await {
        let installation = Installation::changed(paid_for(plan), with_a_twin).await;
        let (portal, operator) = (installation.caller("portal"), installation.caller("agency"));
        let find = async |query: &str| {
            let path = format!("/api/v1/duties?payer={PAYER}&{query}");
            let found = read(&operator.client.get(&path).await.unwrap());
            found["duties"].as_array().unwrap().len()
        };
        let twin = register_for(&installation, "duty_05_twin").await;
        let payment = pay(&installation, &twin, "t-1").await;
        assert_eq!(find("tariff=duty_05").await, 0, "another kind");
        assert_eq!(find("tariff=duty_05_twin").await, 1);
        assert_eq!(find("tariff=duty_05_twin&payee_bin=190540007715").await, 1);
        assert_eq!(find("tariff=duty_05_twin&payee_bin=171140001235").await, 0, "another payee");
        let number = Number::of(&payment.parse().unwrap()).unwrap();
        let called = person(&portal, PAYER, "k-1", Some(number.text())).await;
        assert_eq!(reason(&called), "payment_of_other_terms", "the service costs duty_05");
        let path = format!("duties/{}/use", number.text());
        for (body, status) in [
            (json!({ "payer": PAYER, "tariff": "duty_05" }), 409),
            (json!({ "payer": PAYER, "tariff": "duty_05_twin", "payee_bin": "171140001235" }), 409),
            (json!({ "payer": PAYER, "tariff": "duty_05_twin" }), 200),
        ] {
            let used = post(&operator, &path, Some(&Caller::fresh_id()), &body.to_string()).await;
            assert_eq!(used.http_status, status, "{}", text(&used));
        }
        // Without a kind, either could be meant: so it is neither.
        let by_hand = register(&portal).await;
        let payment = pay(&installation, &by_hand, "t-2").await;
        let number = Number::of(&payment.parse().unwrap()).unwrap();
        let called = person(&portal, PAYER, "k-2", Some(number.text())).await;
        assert_eq!(reason(&called), "payment_of_other_terms");
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_finds_a_paid_duty_by_person_and_kind_and_uses_it_once() {
    for plan in stores().await {
        let installation = Installation::with(plan).await;
        let (portal, operator) = (installation.caller("portal"), installation.caller("agency"));
        let find = async |tariff: &str| {
            let path = format!("/api/v1/duties?payer={PAYER}&tariff={tariff}");
            read(&operator.client.get(&path).await.unwrap())
        };
        let id = register(&portal).await;
        assert_eq!(find("duty_05").await, json!({ "duties": [] }), "not paid yet");
        let payment = pay(&installation, &id, "t-1").await;
        let found = find("duty_05").await;
        assert_eq!(found["duties"][0]["payment_id"], payment, "{found}");
        assert_eq!(find("duty_06").await, json!({ "duties": [] }), "another kind");
        let number = found["duties"][0]["receipt"].as_str().unwrap().to_owned();
        let using =
            |payer: &str, tariff: &str| json!({ "payer": payer, "tariff": tariff }).to_string();
        let path = format!("duties/{number}/use");
        for (payer, tariff, expected) in [
            ("010702600344", "duty_05", "no_such_payment"),
            (PAYER, "duty_06", "payment_of_other_terms"),
            (PAYER, "duty_99", "tariff_unknown"),
        ] {
            let refused = post(&operator, &path, Some("u-0"), &using(payer, tariff)).await;
            assert_eq!(reason(&refused), expected);
        }
        let keyless = post(&operator, &path, None, &using(PAYER, "duty_05")).await;
        assert_eq!(keyless.fault.as_deref(), Some("caller.malformed"));
        let used = post(&operator, &path, Some("u-1"), &using(PAYER, "duty_05")).await;
        assert_eq!(used.http_status, 200, "{}", text(&used));
        let again = post(&operator, &path, Some("u-1"), &using(PAYER, "duty_05")).await;
        assert_eq!(again.body, used.body);
        let twice = post(&operator, &path, Some("u-2"), &using(PAYER, "duty_05")).await;
        assert_eq!((twice.http_status, reason(&twice)), (409, "payment_used".to_owned()));
        assert_eq!(find("duty_05").await, json!({ "duties": [] }), "used");
        installation.stop().await;
    }
}
