//! Requests that must be served although they look odd, and what must be read from them.

/// Bytes that hold whole requests.
pub struct Accepted {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    /// Target and body of each request, in order.
    pub requests: Vec<(&'static str, &'static str)>,
}

/// All of them.
pub fn cases() -> Vec<Accepted> {
    [bodies(), heads(), connections()].into_iter().flatten().collect()
}

fn one(
    name: &'static str,
    bytes: impl AsRef<[u8]>,
    target: &'static str,
    body: &'static str,
) -> Accepted {
    Accepted { name, bytes: bytes.as_ref().to_vec(), requests: vec![(target, body)] }
}

fn chunked(name: &'static str, chunks: &str, body: &'static str) -> Accepted {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    one(name, format!("{head}{chunks}"), "/", body)
}

fn bodies() -> Vec<Accepted> {
    let post = "POST / HTTP/1.1\r\nHost: a\r\n";
    let get = "GET / HTTP/1.1\r\nHost: a\r\n";
    let request_inside = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let wait = format!("{post}Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
    let wait_capital = format!("{post}Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nok");
    let inside = format!("{post}Content-Length: {}\r\n\r\n{request_inside}", request_inside.len());
    vec![
        one("a length", format!("{post}Content-Length: 4\r\n\r\nbody"), "/", "body"),
        one("a length of 0", format!("{post}Content-Length: 0\r\n\r\n"), "/", ""),
        one("no body named", format!("{post}\r\n"), "/", ""),
        one("a body that looks like a request", inside, "/", request_inside),
        one(
            "a body of line ends",
            format!("{post}Content-Length: 4\r\n\r\n\r\n\r\n"),
            "/",
            "\r\n\r\n",
        ),
        one("GET with a length of 0", format!("{get}Content-Length: 0\r\n\r\n"), "/", ""),
        one("an expectation to go on", wait, "/", "ok"),
        one("an expectation in capitals", wait_capital, "/", "ok"),
        chunked("one chunk", "4\r\nbody\r\n0\r\n\r\n", "body"),
        chunked("two chunks", "2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n", "body"),
        chunked("chunks of one byte", "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", "abc"),
        chunked("no chunk", "0\r\n\r\n", ""),
        chunked("a size in capitals", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        chunked("a size in small letters", "a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        chunked("sixteen digits", "0000000000000004\r\nbody\r\n0\r\n\r\n", "body"),
        chunked("a last chunk of many zeros", "4\r\nbody\r\n000\r\n\r\n", "body"),
        chunked("chunk data of line ends", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"),
        chunked("chunk data like a last chunk", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"),
    ]
}

fn heads() -> Vec<Accepted> {
    let get = |more: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{more}\r\n");
    let host = |value: &str| format!("GET / HTTP/1.1\r\nHost: {value}\r\n\r\n");
    let of = |coding: &str| {
        format!("POST / HTTP/1.1\r\nHost: a\r\n{coding}\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
    };
    let many: String = (0..63).map(|number| format!("X-{number}: 1\r\n")).collect();
    let long = format!("X: {}\r\n", "x".repeat(8192));
    let symbols = "!#$%&'*+-.^_`|~09: 1\r\n";
    let old = "POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody";
    let absolute =
        |target: &str, host: &str| format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    vec![
        one("names in small letters", "GET / HTTP/1.1\r\nhost:a\r\n\r\n", "/", ""),
        one("names in capitals", "GET / HTTP/1.1\r\nHOST: a\r\n\r\n", "/", ""),
        one("no space after the colon", get("X:1\r\n"), "/", ""),
        one("many spaces around a value", get("X: \t  1 \t \r\n"), "/", ""),
        one("an empty value", get("X:\r\n"), "/", ""),
        one("a value with a tab inside", get("X: a\tb\r\n"), "/", ""),
        one("a name of all token symbols", get(symbols), "/", ""),
        one("a quoted SOAPAction", get("SOAPAction: \"\"\r\n"), "/", ""),
        one("a repeated ordinary header", get("X: 1\r\nX: 2\r\n"), "/", ""),
        one("a value that names framing", get("X: Transfer-Encoding: chunked\r\n"), "/", ""),
        one("sixty-four headers", get(&many), "/", ""),
        one("a value of 8 KiB", get(&long), "/", ""),
        one("a tab before the coding", of("Transfer-Encoding:\tchunked"), "/", "body"),
        one("a coding in capitals", of("transfer-encoding: CHUNKED"), "/", "body"),
        one("spaces after the coding", of("Transfer-Encoding: chunked  "), "/", "body"),
        one("a host with a port", host("a:8443"), "/", ""),
        one("a host that is an address", host("[::1]:80"), "/", ""),
        one("a host with an underscore", host("gov_a.kz"), "/", ""),
        one("an absolute target", absolute("http://a/x?y=1", "a"), "/x?y=1", ""),
        one("an absolute target without a path", absolute("http://a", "a"), "/", ""),
        one("an absolute target with a query only", absolute("http://a?y", "a"), "/?y", ""),
        one("an absolute target in capitals", absolute("HTTP://A:80/x", "a:80"), "/x", ""),
        one("an https target", absolute("https://a/x", "a"), "/x", ""),
        one("OPTIONS for all", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "*", ""),
        one("a path of two slashes", "GET //b/c HTTP/1.1\r\nHost: a\r\n\r\n", "//b/c", ""),
        one(
            "a query with everything",
            "GET /?a=%41&b=[c];d HTTP/1.1\r\nHost: a\r\n\r\n",
            "/?a=%41&b=[c];d",
            "",
        ),
        one("an unknown method", "PURGE / HTTP/1.1\r\nHost: a\r\n\r\n", "/", ""),
        one("HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", "/", ""),
        one("HTTP/1.0 with a body", old, "/", "body"),
        one("an empty line before the request", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "/", ""),
    ]
}

fn connections() -> Vec<Accepted> {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let post = "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let chunked =
        "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let last = "GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let old = "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let many = |name, text: String, requests: &[(&'static str, &'static str)]| Accepted {
        name,
        bytes: text.into_bytes(),
        requests: requests.to_vec(),
    };
    let six: String = (0..6).map(|_| get("/x")).collect();
    vec![
        many("two at once", get("/1") + &get("/2"), &[("/1", ""), ("/2", "")]),
        many("a body, then another", format!("{post}{post}"), &[("/2", "abc"), ("/2", "abc")]),
        many("chunks, then a length", format!("{chunked}{post}"), &[("/1", "abc"), ("/2", "abc")]),
        many(
            "a line end between two",
            format!("{post}\r\n{}", get("/3")),
            &[("/2", "abc"), ("/3", "")],
        ),
        many("six at once", six, &[("/x", ""); 6]),
        many("what follows a close is not read", format!("{last}{post}"), &[("/1", "")]),
        many("what follows HTTP/1.0 is not read", format!("{old}{post}"), &[("/1", "")]),
    ]
}
