//! Requests that must be refused, each with the one reason for it: derived from published smuggling research.

/// Bytes that are no request, and the word they are refused with.
pub struct Refused {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub reason: &'static str,
}

impl Refused {
    pub fn status(&self) -> u16 {
        match self.reason {
            "target_bytes" => 414,
            "head_bytes" | "headers" | "header_value_bytes" => 431,
            _ => 400,
        }
    }
}

/// All of them.
pub fn cases() -> Vec<Refused> {
    [framing(), lengths(), lines(), names_and_values(), targets(), hosts(), chunks(), sizes()]
        .into_iter()
        .flatten()
        .map(|(name, bytes, reason)| Refused { name, bytes, reason })
        .collect()
}

type Row = (&'static str, Vec<u8>, &'static str);

/// A second request that must not come to life inside a first.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

fn raw(bytes: &(impl AsRef<[u8]> + ?Sized)) -> Vec<u8> {
    bytes.as_ref().to_vec()
}

/// A POST with these header lines and this behind its head.
fn post(headers: &str, body: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n{body}").into_bytes()
}

/// A chunked POST.
fn chunked(body: &str) -> Vec<u8> {
    post("Transfer-Encoding: chunked\r\n", body)
}

/// A request line before an ordinary rest.
fn line(line: &str) -> Vec<u8> {
    format!("{line}\r\nHost: a\r\n\r\n").into_bytes()
}

fn framing() -> Vec<Row> {
    let both = format!("0\r\n\r\n{HIDDEN}");
    let te = |value: &str| post(&format!("Transfer-Encoding: {value}\r\n"), "0\r\n\r\n");
    let cl_te = post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", &both);
    let te_cl = post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", &both);
    let zero_te = post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", &both);
    let te_te = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
    let te_identity = "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n";
    let old = raw("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    let old_open = raw("POST / HTTP/1.0\r\nHost: a\r\n\r\nbody");
    let with_body = |method: &str| {
        raw(&format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"))
    };
    let get_chunked = "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let h2c = post("Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n", "ok");
    let socket = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";
    vec![
        ("length before chunked", cl_te, "two_framings"),
        ("chunked before length", te_cl, "two_framings"),
        ("length 0 before chunked", zero_te, "two_framings"),
        ("chunked twice, two headers", post(te_te, &both), "transfer_encoding"),
        ("chunked and identity, two headers", post(te_identity, &both), "transfer_encoding"),
        ("chunked twice, one header", te("chunked, chunked"), "transfer_encoding"),
        ("identity, chunked", te("identity, chunked"), "transfer_encoding"),
        ("chunked, identity", te("chunked, identity"), "transfer_encoding"),
        ("gzip, chunked", te("gzip, chunked"), "transfer_encoding"),
        ("identity alone", te("identity"), "transfer_encoding"),
        ("xchunked", te("xchunked"), "transfer_encoding"),
        ("chunked with a parameter", te("chunked;q=1"), "transfer_encoding"),
        ("chunked in quotes", te("\"chunked\""), "transfer_encoding"),
        ("chunked with a comma", te("chunked,"), "transfer_encoding"),
        ("no coding named", te(""), "transfer_encoding"),
        ("chunked after a vertical tab", te("\x0bchunked"), "header_value"),
        ("chunked before a form feed", te("chunked\x0c"), "header_value"),
        ("chunked in HTTP/1.0", old, "transfer_encoding"),
        ("HTTP/1.0 POST without a length", old_open, "length_missing"),
        ("GET with a body", with_body("GET"), "body_not_allowed"),
        ("HEAD with a body", with_body("HEAD"), "body_not_allowed"),
        ("DELETE with a body", with_body("DELETE"), "body_not_allowed"),
        ("OPTIONS with a body", with_body("OPTIONS"), "body_not_allowed"),
        ("GET with an empty chunked body", raw(get_chunked), "body_not_allowed"),
        ("upgrade to h2c with a body", h2c, "upgrade"),
        ("upgrade to a web socket", raw(socket), "upgrade"),
        ("expectation with a prefix", post("Expect: y 100-continue\r\n", ""), "expect"),
        ("expectation of another kind", post("Expect: 200-ok\r\n", ""), "expect"),
        ("expectation, empty", post("Expect:\r\n", ""), "expect"),
    ]
}

fn lengths() -> Vec<Row> {
    let of = |value: &str| post(&format!("Content-Length: {value}\r\n"), "abc");
    let two = |a: &str, b: &str| {
        post(&format!("Content-Length: {a}\r\nContent-length: {b}\r\n"), "abcdef")
    };
    vec![
        ("two lengths, equal", two("3", "3"), "content_length"),
        ("two lengths, different", two("3", "6"), "content_length"),
        ("two lengths, one of them 0", two("0", "3"), "content_length"),
        ("a list of equal lengths", of("3, 3"), "content_length"),
        ("a list of different lengths", of("3, 6"), "content_length"),
        ("a length with a comma", of("3,"), "content_length"),
        ("a length with zeros before it", of("0003"), "content_length"),
        ("two zeros", of("00"), "content_length"),
        ("a length with a plus", of("+3"), "content_length"),
        ("a length with a minus", of("-3"), "content_length"),
        ("a minus zero", of("-0"), "content_length"),
        ("a hexadecimal length", of("0x3"), "content_length"),
        ("a length with a fraction", of("3.0"), "content_length"),
        ("a length with a space inside", of("3 3"), "content_length"),
        ("a length with an underscore", of("1_0"), "content_length"),
        ("an empty length", of(""), "content_length"),
        ("a length in words", of("three"), "content_length"),
        ("a length of 2^64 + 3", of("18446744073709551619"), "content_length"),
        ("a length of forty digits", of(&"9".repeat(40)), "content_length"),
        ("a length in quotes", of("\"3\""), "content_length"),
        ("a length in wide digits", of("３"), "header_value"),
    ]
}

fn lines() -> Vec<Row> {
    let get = "GET / HTTP/1.1\r\nHost: a\r\n";
    let with = |more: &str| raw(&format!("{get}{more}"));
    let cr_in_length = post("Content-Length: 3\r4\r\n", "abcd");
    vec![
        ("line feeds alone everywhere", raw("GET / HTTP/1.1\nHost: a\n\n"), "bare_lf"),
        ("a line feed after the request line", raw("GET / HTTP/1.1\nHost: a\r\n\r\n"), "bare_lf"),
        ("a line feed after a header", with("X: 1\nY: 2\r\n\r\n"), "bare_lf"),
        ("a line feed as the blank line", with("\n"), "bare_lf"),
        ("a hidden header after a line feed", with("X: 1\nContent-Length: 9\r\n\r\n"), "bare_lf"),
        ("a line feed before the request", raw(&format!("\n{get}\r\n")), "bare_lf"),
        ("a carriage return in a value", with("X: a\rb\r\n\r\n"), "bare_cr"),
        ("a carriage return in a length", cr_in_length, "bare_cr"),
        ("a carriage return after a name", with("X\r: a\r\n\r\n"), "bare_cr"),
        ("a carriage return in the request line", raw(&format!("GET /\rx {get}")), "bare_cr"),
        ("carriage returns alone", raw("GET / HTTP/1.1\rHost: a\r\r\n"), "bare_cr"),
        ("two carriage returns before a line feed", with("X: 1\r\r\n\r\n"), "bare_cr"),
        ("a blank line with two returns", with("\r\r\n"), "bare_cr"),
        ("a folded value", with("X: a\r\n b\r\n\r\n"), "header_fold"),
        ("a folded coding", with("Transfer-Encoding:\r\n chunked\r\n\r\n"), "transfer_encoding"),
        ("a value folded with a tab", with("X: a\r\n\tb\r\n\r\n"), "header_fold"),
        ("a first header behind a space", raw("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), "header_fold"),
        ("a line of a space only", with(" \r\n\r\n"), "header_fold"),
        ("two empty lines before the request", raw(&format!("\r\n\r\n{get}\r\n")), "empty_line"),
        ("spaces before the request line", raw(&format!("  {get}\r\n")), "method"),
        ("a TLS greeting on a plain door", raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"), "method"),
    ]
}

fn names_and_values() -> Vec<Row> {
    let with = |more: &[u8]| [b"GET / HTTP/1.1\r\nHost: a\r\n", more, b"\r\n\r\n"].concat();
    vec![
        ("a space before the colon", with(b"Content-Length : 3"), "header_name"),
        ("a tab before the colon", with(b"Transfer-Encoding\t: chunked"), "header_name"),
        ("a space inside a name", with(b"X Y: 1"), "header_name"),
        ("no name", with(b": 1"), "header_name"),
        ("no colon", with(b"X"), "header_name"),
        ("a name in parentheses", with(b"(X): 1"), "header_name"),
        ("a NUL in a name", with(b"Content\0-Length: 3"), "header_name"),
        ("a letter beyond ASCII in a name", with("Соntent-Length: 3".as_bytes()), "header_name"),
        ("a byte 0xff before a name", with(b"\xffX: 1"), "header_name"),
        ("a length behind an underscore", with(b"Content_Length: 3"), "header_name"),
        ("a coding behind an underscore", with(b"Transfer_Encoding: chunked"), "header_name"),
        ("a NUL in a value", with(b"X: a\0b"), "header_value"),
        ("a bell in a value", with(b"X: a\x07b"), "header_value"),
        ("an escape in a value", with(b"X: \x1b[0m"), "header_value"),
        ("a DEL in a value", with(b"X: a\x7fb"), "header_value"),
        ("obs-text in a value", with(b"X: a\x85b"), "header_value"),
        ("Cyrillic in a value", with("X: қақпа".as_bytes()), "header_value"),
        ("a unicode line end in a value", with("X: a\u{2028}b".as_bytes()), "header_value"),
    ]
}

fn targets() -> Vec<Row> {
    let absolute = |target: &str| line(&format!("POST {target} HTTP/1.1"));
    vec![
        ("a fragment", line("GET /a#b HTTP/1.1"), "target"),
        ("a space in the target", line("GET /a b HTTP/1.1"), "target"),
        ("a tab in the target", line("GET /a\tb HTTP/1.1"), "target"),
        ("a NUL in the target", line("GET /a\0 HTTP/1.1"), "target"),
        ("obs-text in the target", line("GET /қ HTTP/1.1"), "target"),
        ("a quote in the target", line("GET /\"a HTTP/1.1"), "target"),
        ("a backslash in the target", line("GET /\\a HTTP/1.1"), "target"),
        ("two spaces before the target", line("GET  / HTTP/1.1"), "target"),
        ("two spaces after the target", line("GET /  HTTP/1.1"), "target"),
        ("a tab instead of a space", line("GET\t/ HTTP/1.1"), "method"),
        ("no target", line("GET HTTP/1.1"), "target"),
        ("an empty target", line("GET  HTTP/1.1"), "target"),
        ("a relative target", line("GET a/b HTTP/1.1"), "target"),
        ("an asterisk without OPTIONS", line("GET * HTTP/1.1"), "target"),
        ("an authority alone", line("GET a:80 HTTP/1.1"), "target"),
        ("a scheme other than http", absolute("ftp://a/"), "target"),
        ("a scheme without its slashes", absolute("http:a/"), "target"),
        ("an empty authority", absolute("http:///x"), "host"),
        ("a user in the authority", absolute("http://b@a/"), "host"),
        ("an authority other than the host", absolute("http://b/"), "host"),
        ("an authority with another port", absolute("http://a:81/"), "host"),
        ("CONNECT", line("CONNECT a:443 HTTP/1.1"), "method"),
        ("a method in brackets", line("GE(T / HTTP/1.1"), "method"),
        ("a method beyond ASCII", line("GЕT / HTTP/1.1"), "method"),
        ("no method", line(" / HTTP/1.1"), "method"),
        ("HTTP/1.9", line("GET / HTTP/1.9"), "version"),
        ("HTTP/2.0", line("GET / HTTP/2.0"), "version"),
        ("the greeting of HTTP/2", line("PRI * HTTP/2.0"), "version"),
        ("HTTP/0.9", raw("GET /\r\n"), "version"),
        ("HTTP/01.1", line("GET / HTTP/01.1"), "version"),
        ("http in small letters", line("GET / http/1.1"), "version"),
        ("a space after the version", line("GET / HTTP/1.1 "), "version"),
        ("a version with a plus", line("GET / HTTP/+1.1"), "version"),
    ]
}

fn hosts() -> Vec<Row> {
    let host = |value: &str| raw(&format!("GET / HTTP/1.1\r\nHost: {value}\r\n\r\n"));
    vec![
        ("no host", raw("GET / HTTP/1.1\r\n\r\n"), "host"),
        ("two hosts, equal", line("GET / HTTP/1.1\r\nHost: a"), "host"),
        ("two hosts, different", line("GET / HTTP/1.1\r\nHost: b"), "host"),
        ("no host beside an absolute target", raw("GET http://a/ HTTP/1.1\r\n\r\n"), "host"),
        ("an empty host", host(""), "host"),
        ("a user in the host", host("b@a"), "host"),
        ("a list of hosts", host("a, b"), "host"),
        ("a space in the host", host("a b"), "host"),
        ("a path in the host", host("a/b"), "host"),
        ("a port that is none", host("a:80x"), "host"),
        ("a port with a plus", host("a:+80"), "host"),
        ("a port beyond 65535", host("a:65536"), "host"),
        ("two ports", host("a:80:81"), "host"),
        ("an open bracket", host("[::1"), "host"),
        ("text after a bracket", host("[::1]a"), "host"),
        ("a port without a name", host(":80"), "host"),
    ]
}

fn chunks() -> Vec<Row> {
    vec![
        ("a space after a size", chunked("3 \r\nabc\r\n0\r\n\r\n"), "chunk_size"),
        ("a space before a size", chunked(" 3\r\nabc\r\n0\r\n\r\n"), "chunk_size"),
        ("a tab after a size", chunked("3\t\r\nabc\r\n0\r\n\r\n"), "chunk_size"),
        ("a size with 0x", chunked("0x3\r\nabc\r\n0\r\n\r\n"), "chunk_size"),
        ("a size with a plus", chunked("+3\r\nabc\r\n0\r\n\r\n"), "chunk_size"),
        ("a size with a minus", chunked("-3\r\nabc\r\n0\r\n\r\n"), "chunk_size"),
        ("a size with an underscore", chunked("1_0\r\nabc\r\n0\r\n\r\n"), "chunk_size"),
        ("no size", chunked("\r\nabc\r\n0\r\n\r\n"), "chunk_size"),
        ("a size that is no number", chunked("G\r\nabc\r\n0\r\n\r\n"), "chunk_size"),
        ("a size of 2^64 + 3", chunked("10000000000000003\r\nabc\r\n0\r\n\r\n"), "chunk_size"),
        ("a size of seventeen digits", chunked("00000000000000003\r\nabc\r\n"), "chunk_size"),
        ("an extension", chunked("3;a=b\r\nabc\r\n0\r\n\r\n"), "chunk_extension"),
        ("an extension without a name", chunked("3;\r\nabc\r\n0\r\n\r\n"), "chunk_extension"),
        ("an extension on the last chunk", chunked("0;a\r\n\r\n"), "chunk_extension"),
        ("an extension with a line feed", chunked("3;\nabc\r\n0\r\n\r\n"), "chunk_extension"),
        ("a line feed after a size", chunked("3\nabc\r\n0\r\n\r\n"), "bare_lf"),
        ("a carriage return after a size", chunked("3\rabc\r\n0\r\n\r\n"), "bare_cr"),
        ("a line feed after data", chunked("3\r\nabc\n0\r\n\r\n"), "chunk_end"),
        ("no line end after data", chunked("3\r\nabc0\r\n\r\n"), "chunk_end"),
        ("more data than the size", chunked("3\r\nabcd\r\n0\r\n\r\n"), "chunk_end"),
        ("a return alone after data", chunked("3\r\nabc\rx0\r\n\r\n"), "bare_cr"),
        ("a trailer", chunked("0\r\nX: 1\r\n\r\n"), "trailer"),
        ("a length as a trailer", chunked("0\r\nContent-Length: 9\r\n\r\n"), "trailer"),
        ("a line feed as the last line", chunked("0\r\n\n"), "bare_lf"),
        ("a return alone as the last line", chunked("0\r\n\rX"), "bare_cr"),
        ("a request instead of the last line", chunked(&format!("0\r\n{HIDDEN}")), "trailer"),
    ]
}

fn sizes() -> Vec<Row> {
    let long = "x".repeat(8193);
    let many: String = (0..64).map(|number| format!("X-{number}: 1\r\n")).collect();
    let lines = format!("X: {}\r\n", "x".repeat(4000)).repeat(5);
    vec![
        ("a value over 8 KiB", post(&format!("X: {long}\r\n"), ""), "header_value_bytes"),
        ("a target over 8 KiB", line(&format!("GET /{long} HTTP/1.1")), "target_bytes"),
        ("sixty-five headers", post(&many, ""), "headers"),
        ("a head over the limit", post(&lines, ""), "head_bytes"),
        ("a line without an end", raw(&format!("GET /{}", "x".repeat(20_000))), "head_bytes"),
    ]
}
