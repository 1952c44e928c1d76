//! Clients that are not ours: zeep by the WSDL, `requests` and a generated client by the OpenAPI document, with xmlsec1, signxml, a validator and schemathesis as judges.

use crate::support::{Installation, Plan};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Runs one of the Python clients; its JSON.
async fn python(script: &str, arguments: Vec<String>) -> Value {
    let script = root().join("tests/clients").join(script);
    let python = root().join("target/tools/venv/bin/python3");
    assert!(python.is_file(), "{} is missing: run `make tools`", python.display());
    let asked = tokio::task::spawn_blocking(move || {
        // Beside PATH, where `make tools` puts what the machine lacks.
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{path}:{}", root().join("target/tools/bin").display());
        Command::new(python).arg(script).args(arguments).env("PATH", path).output().unwrap()
    });
    let output = asked.await.unwrap();
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&said).unwrap_or_else(|_| {
        panic!("{}: {said}{errors}\nis something missing? run `make tools`", output.status)
    })
}

/// One call by zeep as `id`, with `more` arguments.
async fn zeep(installation: &Installation, id: &str, save: &Path, more: &[&str]) -> Value {
    let member = installation.inner.scratch.member(id).unwrap();
    let own = [
        ["--sender", member.sender_id],
        ["--password", member.password],
        ["--save", save.to_str().unwrap()],
    ];
    let url = format!("{}?wsdl", installation.inner.soap_url());
    let arguments = [own.as_flattened(), more].concat();
    python("zeep_call.py", as_member(installation, id, &url, &arguments)).await
}

/// The arguments of a client that shows the certificate of `id`.
fn as_member(installation: &Installation, id: &str, url: &str, more: &[&str]) -> Vec<String> {
    let (scratch, path) = (&installation.inner.scratch, |path: &Path| path.display().to_string());
    let pair = &scratch.member(id).unwrap().pair;
    let (trust, cert, key) = (path(&scratch.trust_pem), path(&pair.cert_pem), path(&pair.key_pem));
    let common = [url, "--trust", &trust, "--cert", &cert, "--key", &key];
    common.iter().chain(more).map(|&argument| argument.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn zeep_calls_by_the_served_wsdl_and_foreign_tools_believe_the_answer() {
    let installation = Installation::with(Plan::default()).await;
    let trust = installation.inner.scratch.trust_pem.to_str().unwrap().to_owned();
    // RSA and ECDSA: the answer comes in the family that the caller signed with.
    for id in ["portal", "bank"] {
        let save = installation.state.path().join(format!("{id}.xml"));
        let told = zeep(&installation, id, &save, &["--iin", "850312300121"]).await;
        assert_eq!(told["outcome"], "answer", "{told}");
        assert_eq!((&told["http_status"], &told["status_code"]), (&200.into(), &"SCSS001".into()));
        assert_eq!(told["signature"], "verified", "{told}");
        let data = told["data"].to_string();
        assert!(data.contains("АРМАН") && data.contains("850312300121"), "{told}");
        let entry = told["headers"]
            .as_object()
            .and_then(|headers| {
                headers.iter().find(|(name, _)| name.to_lowercase() == "qaqpa-entry")
            })
            .and_then(|(_, entry)| entry.as_str())
            .unwrap_or_else(|| panic!("{told}"));
        assert_eq!(installation.entry_of(entry).await.line(), "Done");
        assert_eq!(told["session_id"], format!("{{{entry}}}"), "{told}");

        let judged = [save.to_str().unwrap().to_owned(), trust.clone()].to_vec();
        let judged = python("signxml_check.py", judged).await;
        assert_eq!(
            (&judged["signxml"], &judged["xmlsec1"]),
            (&true.into(), &true.into()),
            "{judged}"
        );
        let answer = std::fs::read_to_string(&save).unwrap();
        let family = if id == "portal" { "#rsa-sha256" } else { "#ecdsa-sha256" };
        assert!(answer.contains(family), "{id}: {answer}");
    }
    assert_eq!(installation.requests_of("gbd_fl").len(), 2);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zeep_reads_our_faults_by_the_wsdl() {
    let installation = Installation::with(Plan::default()).await;
    let save = installation.state.path().join("fault.xml");
    for (more, code, ours) in [
        (&["--iin", "850312300121", "--unsigned"][..], "SCE007", "caller.unsigned"),
        (&["--iin", "850312300121", "--service", "NoSuch"][..], "SCE004", "caller.unknown_service"),
    ] {
        let told = zeep(&installation, "portal", &save, more).await;
        assert_eq!(
            (&told["outcome"], &told["http_status"]),
            (&"fault".into(), &500.into()),
            "{told}"
        );
        assert_eq!(told["error"]["errorCode"], code, "{told}");
        let data = told["error"]["errorData"].as_str().unwrap();
        assert!(data.starts_with(&format!("{ours}: ")), "{told}");
    }
    let told = zeep(&installation, "portal", &save, &["--iin", "990101500016"]).await;
    assert_eq!(
        (&told["outcome"], &told["status_code"]),
        (&"answer".into(), &"SCSE001".into()),
        "{told}"
    );
    assert_eq!(told["signature"], "verified", "{told}");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zeep_registers_a_charge_looks_it_up_and_its_bank_pays_it() {
    let installation = Installation::start().await;
    let folder = installation.state.path();
    let (save, file) = (folder.join("told.xml"), folder.join("data.xml"));
    let (data, saved) = (file.to_str().unwrap(), &save);
    let ask = async |id: &str, service: &str, inside: &str| {
        std::fs::write(&file, format!("<data>{inside}</data>")).unwrap();
        zeep(&installation, id, saved, &["--service", service, "--data", data]).await
    };
    let terms = "<payer_iin>850312300121</payer_iin><payee_bin>190540007715</payee_bin>\
         <kbk>108125</kbk><knp>911</knp><amount_tiyn>534700</amount_tiyn>\
         <purpose><kk>Баж</kk><ru>Пошлина</ru><en>Duty</en></purpose>";
    let made = ask("portal", "PAY_ChargeRegister", terms).await;
    assert_eq!((&made["outcome"], &made["status_code"]), (&"answer".into(), &"SCSS001".into()));
    assert_eq!(made["signature"], "verified", "{made}");
    let charge_id = made["data"]["charge_id"].as_str().unwrap();
    let pay = format!(
        "<bank>demo</bank><txn_id>z-1</txn_id><account>{charge_id}</account>\
         <amount_tiyn>534700</amount_tiyn>"
    );
    let paid = ask("bank", "PAY_BankPay", &pay).await;
    assert_eq!(paid["data"]["verdict"], "ok", "{paid}");
    let name = format!("<charge_id>{charge_id}</charge_id>");
    let told = ask("portal", "PAY_ChargeInfo", &name).await;
    assert_eq!(
        (&told["data"]["state"], &told["data"]["paid_tiyn"]),
        (&"paid".into(), &"534700".into())
    );
    assert_eq!(told["data"]["payments/txn_id"], "z-1", "{told}");
    // What the desk refuses is an answer, signed as any.
    let refused = ask("portal", "PAY_ChargeAnnul", &name).await;
    assert_eq!(refused["status_code"], "SCSE002", "{refused}");
    assert_eq!(refused["data"]["refusal/reason"], "charge_held", "{refused}");
    assert_eq!(refused["signature"], "verified", "{refused}");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_http_client_calls_in_json_and_repeats_itself_safely() {
    let installation = Installation::start().await;
    let url =
        format!("{}/api/v1/services/GBDFL_UniversalServiceSync", installation.inner.base_url());
    let more = ["--body", "{\"iin\": \"850312300121\"}", "--idempotency-key", "r-1"];
    let mut told = Vec::new();
    for _ in 0..2 {
        told.push(python("rest_call.py", as_member(&installation, "bank", &url, &more)).await);
    }
    let [first, second] = &told[..] else { panic!("two calls") };
    assert_eq!(first["http_status"], 200, "{first}");
    assert_eq!(first["body"]["data"]["persons"]["person"][0]["iin"], "850312300121", "{first}");
    assert_eq!(first["body"], second["body"]);
    assert_eq!(installation.requests_of("gbd_fl").len(), 1);

    let more = ["--body", "{\"iin\": \"1\"}", "--language", "kk"];
    let told = python("rest_call.py", as_member(&installation, "bank", &url, &more)).await;
    assert_eq!(told["http_status"], 400, "{told}");
    assert_eq!(told["headers"]["content-type"], "application/problem+json", "{told}");
    assert_eq!(told["headers"]["content-language"], "kk", "{told}");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_served_description_is_valid_and_others_can_work_by_it() {
    let installation = Installation::start().await;
    let url = format!("{}/api/v1/openapi.json", installation.inner.base_url());
    let folder = installation.state.path().to_str().unwrap();
    // Nothing listens behind it: the one honest 503 of the installation.
    let more = ["--folder", folder, "--iin", "850312300121", "--leave-out", "DEMO_AgencyDown"];
    let told = python("openapi_check.py", as_member(&installation, "portal", &url, &more)).await;
    assert_eq!(told["version"], "3.1.0");
    let paths = told["paths"].to_string();
    for resource in ["charges", "charges/{charge_id}", "payments/{payment_id}/refunds"] {
        assert!(paths.contains(&format!("\"/api/v1/{resource}\"")), "{paths}");
    }
    for service in ["AR_AddressByRka", "GBDFL_UniversalServiceSync", "GbdulInfoByBin_v2"] {
        assert!(paths.contains(&format!("/api/v1/services/{service}")), "{paths}");
    }
    assert_eq!(told["inline"], serde_json::json!([]), "what is the same for all stands once");
    let schemas = told["schemas"].to_string();
    for name in ["Charge", "Payment", "GBDFL_UniversalServiceSyncRequest", "PAY_RefundAnswer"] {
        assert!(schemas.contains(&format!("\"{name}\"")), "{schemas}");
    }
    assert_eq!(told["client"]["outcome"], "Done", "{}", told["client"]);
    let report = told["schemathesis"]["report"].as_str().unwrap();
    assert_eq!(told["schemathesis"]["exit_code"], 0, "{report}");
    installation.stop().await;
}
