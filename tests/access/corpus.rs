//! Spellings of a path that some server reads as another one: none reaches what was not granted.

use crate::line::{ask, line};
use crate::office::Office;
use crate::support::{Installation, Plan};

/// The one thing that is granted is `GET /office/files/{name}`; each of these tries to make of it, or
/// of something beside it, `GET /admin` or `DELETE /files/7`.
const SPELLINGS: [&str; 96] = [
    "/office/admin",
    "/office/Files/7",
    "/office/FILES/7",
    "/OFFICE/files/7",
    "/Office/admin",
    "/office/files/../admin",
    "/office/files/./../admin",
    "/office/files/7/../../admin",
    "/office/../office/admin",
    "/office/files/..",
    "/office/files/.",
    "/office/./admin",
    "/./office/admin",
    "/../office/admin",
    "/office/files/%2e%2e/admin",
    "/office/files/%2E%2E/admin",
    "/office/files/.%2e/admin",
    "/office/files/%2e./admin",
    "/office/files/%2e%2e",
    "/office/%2e/admin",
    "/office/files/..%2fadmin",
    "/office/files/..%2Fadmin",
    "/office/files/%2e%2e%2fadmin",
    "/office/files/%2e%2e%2Fadmin",
    "/office/files%2f..%2fadmin",
    "/office/files/7%2f..%2f..%2fadmin",
    "/office/files/..%5cadmin",
    "/office/files/..%5Cadmin",
    "/office/files/%2e%2e%5cadmin",
    "/office/files/..\\admin",
    "/office/files\\..\\admin",
    "/office\\admin",
    "/office/files/%252e%252e/admin",
    "/office/files/%252e%252e%252fadmin",
    "/office/files/..%252fadmin",
    "/office/files/..%255cadmin",
    "/office/files/%25252e%25252e/admin",
    "/office/files/%25%32%65%25%32%65/admin",
    "/office/files/%25%32%66admin",
    "/office/files/%%32%65%%32%65/admin",
    "/office/files/%c0%ae%c0%ae/admin",
    "/office/files/%c0%ae%c0%ae%c0%afadmin",
    "/office/files/..%c0%afadmin",
    "/office/files/..%c1%9cadmin",
    "/office/files/%e0%80%ae%e0%80%ae/admin",
    "/office/files/%f0%80%80%ae/admin",
    "/office/files/..%e0%80%afadmin",
    "/office/files/%uff0e%uff0e/admin",
    "/office/files/%u002e%u002e/admin",
    "/office/files/%ef%bc%8e%ef%bc%8e/admin",
    "/office/files/..%ef%bc%8fadmin",
    "/office/files/..%e2%88%95admin",
    "/office/files/%e2%80%a5/admin",
    "/office/files/%e2%80%a4%e2%80%a4/admin",
    "/office/files/7;/../../admin",
    "/office/files/..;/admin",
    "/office/files;x=1/../admin",
    "/office/files/%2e%2e;/admin",
    "/office/files/7;jsessionid=1",
    "/office/files/..%3b/admin",
    "/office/files/7%3bx",
    "/office//admin",
    "//office/admin",
    "/office///files/7",
    "/office/files//../admin",
    "/office/files/7//",
    "/office/files/7/",
    "/office/files/",
    "/office/files//7",
    "/office/admin/",
    "/office/admin%00",
    "/office/files/7%00/../../admin",
    "/office/files/%00../admin",
    "/office/files/7%0d%0aGET%20/admin",
    "/office/files/7%0a",
    "/office/files/7%09",
    "/office/files/7%7f",
    "/office/files/7%c2%85",
    "/office/adm%69n",
    "/%6fffice/admin",
    "/office/%61%64%6d%69%6e",
    "/office/admin?files/7",
    "/office/admin?/../files/7",
    "/office/files/7/admin",
    "/office/admin/../files/7",
    "/office/files/%2",
    "/office/files/%",
    "/office/files/%zz",
    "/office/files/%+2e",
    "/office/files/{7}",
    "/office/files/7|admin",
    "/office/files/\"7\"",
    "/api/../office/admin",
    "/office",
    "/office/",
    "/office/api/admin",
];

fn plan(office: &Office) -> Plan {
    let admin = "[[agency.office.service.files.operation]]\nid = \"admin\"\nmethod = \"GET\"\n\
                 path = \"/admin\"\n[[agency.office.service.files.operation]]\nid = \"remove\"\n\
                 method = \"DELETE\"\npath = \"/files/{name}\"\n";
    Plan {
        services: format!("{}{admin}", office.services("")),
        participants: vec![("portal", "services = [\"files:read\"]".to_owned())],
        ..Plan::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_reaches_an_operation_that_was_not_granted() {
    let office = Office::serving().await;
    let installation = Installation::with(plan(&office)).await;
    for spelling in SPELLINGS {
        let mut line = line(&installation, "portal").await;
        let answer = ask(&mut line, &format!("GET {spelling}"), "", b"").await;
        assert!(matches!(answer.status, 400 | 403 | 404), "{spelling}: {}", answer.head);
        assert_eq!(office.heads(), [] as [String; 0], "{spelling}");
    }
    // The same in the words of the one that is granted.
    for (spelling, sent) in [
        ("/office/files/7", "/files/7"),
        ("/office/f%69les/%37", "/files/7"),
        ("/%6Fffice/files/a%7Eb", "/files/a~b"),
        ("/office/files/%d3%99?q=%2e%2e%2f&r=/../", "/files/%D3%99?q=%2e%2e%2f&r=/../"),
        ("/office/files/...", "/files/..."),
    ] {
        let mut line = line(&installation, "portal").await;
        let answer = ask(&mut line, &format!("GET {spelling}"), "", b"").await;
        assert_eq!(answer.status, 200, "{spelling}: {}", answer.head);
        let head = office.heads().pop().unwrap();
        assert!(head.starts_with(&format!("GET /api{sent} HTTP/1.1\r\n")), "{spelling}: {head}");
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_and_no_other_method_reaches_an_operation_that_was_not_granted() {
    let office = Office::serving().await;
    let installation = Installation::with(plan(&office)).await;
    for (method, status) in [
        ("DELETE", 403),
        ("POST", 403),
        ("get", 404),
        ("HEAD", 403),
        ("OPTIONS", 404),
        ("TRACE", 404),
        ("PROPFIND", 404),
    ] {
        let mut line = line(&installation, "portal").await;
        let answer = ask(&mut line, &format!("{method} /office/files/7"), "", b"").await;
        assert_eq!(answer.status, status, "{method}: {}", answer.head);
    }
    for header in [
        "X-HTTP-Method-Override: DELETE",
        "x_http_method_override: DELETE",
        "X-HTTP-Method: DELETE",
        "X-Method-Override: DELETE",
        "X-Original-URL: /admin",
        "X_Original_URL: /admin",
        "X-Original-URI: /admin",
        "X-Rewrite-URL: /admin",
    ] {
        let mut line = line(&installation, "portal").await;
        let headers = format!("{header}\r\n");
        let answer = ask(&mut line, "GET /office/files/7", &headers, b"").await;
        assert_eq!((answer.status, answer.fault()), (400, Some("caller.malformed")), "{header}");
    }
    assert_eq!(office.heads(), [] as [String; 0]);
    installation.stop().await;
}
