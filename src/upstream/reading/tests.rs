//! Answers as agencies write them, whole and cut anywhere, and what is none.

use super::*;

/// What was read of an answer to such a request: status, body, whether all of it came, whether another may
/// follow, and the bytes behind it.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    status: u16,
    body: String,
    is_end: bool,
    is_reusable: bool,
    rest: String,
}

/// Reads what comes in two parts, then the end of the connection.
fn read(method: &Method, answer: &str, cut: usize) -> Result<Read, NoAnswer> {
    let (mut reading, mut bytes) = (Reading::to(method), BytesMut::new());
    let (mut head, mut body) = (None, Vec::new());
    let (first, second) = answer.as_bytes().split_at(cut);
    for part in [first, second] {
        bytes.extend_from_slice(part);
        if head.is_none() {
            head = reading.head(&mut bytes)?;
        }
        while head.is_some()
            && let Piece::Data(data) = reading.data(&mut bytes)?
        {
            body.extend_from_slice(&data);
        }
    }
    let is_end = reading.is_end();
    reading.ended(&bytes)?;
    Ok(Read {
        status: head.map_or(0, |head| head.status.as_u16()),
        body: String::from_utf8(body).unwrap(),
        is_end,
        is_reusable: reading.is_reusable(),
        rest: String::from_utf8(bytes.to_vec()).unwrap(),
    })
}

const OK: &str = "HTTP/1.1 200 OK\r\n";

#[test]
fn an_answer_is_read_alike_wherever_it_is_cut() {
    for (method, answer, body, is_end, is_reusable, rest) in [
        (Method::GET, "content-length: 5\r\n\r\nhello", "hello", true, true, ""),
        (
            Method::GET,
            "content-length: 5, 5\r\nContent-Length: 5\r\n\r\nhello",
            "hello",
            true,
            true,
            "",
        ),
        (Method::GET, "content-length: 5\r\n\r\nhello!", "hello", true, true, "!"),
        (
            Method::GET,
            "content-length: 5\r\nconnection: x, Close\r\n\r\nhello",
            "hello",
            true,
            false,
            "",
        ),
        (Method::GET, "content-length: 0\r\n\r\n", "", true, true, ""),
        (Method::HEAD, "content-length: 5\r\n\r\n", "", true, true, ""),
        (Method::GET, "\r\nhello", "hello", false, false, ""),
        (
            Method::GET,
            "transfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "hello",
            true,
            true,
            "",
        ),
        (
            Method::GET,
            "content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "hello",
            true,
            false,
            "",
        ),
    ] {
        let answer = format!("HTTP/1.1 100 Continue\r\n\r\n{OK}{answer}");
        for cut in 0..=answer.len() {
            let (body, rest) = (body.to_owned(), rest.to_owned());
            let expected = Read { status: 200, body, is_end, is_reusable, rest };
            assert_eq!(read(&method, &answer, cut), Ok(expected), "{answer:?} cut at {cut}");
        }
    }
}

#[test]
fn statuses_without_a_body_have_none_whatever_their_head_says() {
    // A 204 that promises a body, nobody asked for; a 304 tells the length of what it stands for.
    for (status, is_reusable) in [("204 No Content", false), ("304 Not Modified", true)] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\n");
        let read = read(&Method::GET, &answer, 0).unwrap();
        assert_eq!((read.is_reusable, &*read.body), (is_reusable, ""), "{status}");
    }
}

#[test]
fn an_old_answer_keeps_its_connection_only_where_it_says_so() {
    for (says, is_reusable) in [("keep-alive", true), ("x", false), ("keep-alive, close", false)] {
        let answer = format!("HTTP/1.0 200 OK\r\ncontent-length: 1\r\nconnection: {says}\r\n\r\nx");
        assert_eq!(read(&Method::GET, &answer, 0).unwrap().is_reusable, is_reusable, "{says}");
    }
}

#[test]
fn what_is_no_answer_is_refused_wherever_it_is_cut() {
    let long = format!("{OK}x: {}\r\n\r\n", "x".repeat(HEAD_BYTES_MAX));
    let many = format!("{OK}{}\r\n", "x: y\r\n".repeat(HEADERS_MAX + 1));
    for (answer, reason) in [
        ("", "closed_without_answer"),
        ("HTTP/1.1 200 OK\r\ncontent-le", "closed_without_answer"),
        ("HTTP/1.1 100 Continue\r\n\r\n", "closed_without_answer"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "not_http"),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", "not_http"),
        ("HTTP/2.0 200 OK\r\n\r\n", "not_http"),
        ("HTTP/1.1 2OO OK\r\n\r\n", "not_http"),
        ("HTTP/1.1 099 OK\r\n\r\n", "not_http"),
        ("HTTP/1.1 200 OK\r\nx y: z\r\n\r\n", "not_http"),
        ("HTTP/1.1 200 OK\r\nx : z\r\n\r\n", "not_http"),
        ("HTTP/1.1 200 OK\r\nx: y\r\n z\r\n\r\n", "not_http"),
        ("HTTP/1.1 200 OK\r\nx: y\0z\r\n\r\n", "not_http"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n12", "not_http"),
        ("HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n1", "not_http"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0x1\r\n\r\n1", "not_http"),
        ("HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n1", "not_http"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n1", "not_http"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "not_http"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\n1", "not_http"),
        ("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "not_http"),
        ("HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n", "switching_protocols"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n1", "half_answer"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", "half_answer"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "half_answer"),
        (&long, "answer_head_too_large"),
        (&many, "answer_head_too_large"),
    ] {
        let cuts = if answer.len() > 1000 {
            vec![0, 900, answer.len()]
        } else {
            (0..=answer.len()).collect()
        };
        for cut in cuts {
            let read = read(&Method::GET, answer, cut);
            let told = read.as_ref().map_err(|none| none.reason);
            assert_eq!(told.err(), Some(reason), "{answer:.80?} cut at {cut}: {read:?}");
        }
    }
}

/// A head that comes byte by byte is searched once, not once a byte.
#[test]
fn the_end_of_a_head_is_found_from_where_the_search_stopped() {
    let head = "HTTP/1.1 200 OK\r\nx: y\r\n\r\n";
    for searched in 0..head.len() {
        assert_eq!(head_end(head.as_bytes(), searched), Some(head.len()), "{searched}");
    }
    let bare = "HTTP/1.1 200 OK\nx: y\n\n";
    assert_eq!(head_end(bare.as_bytes(), bare.len() - 1), Some(bare.len()));
}
