//! A server that stands in for a system that cannot be had here: it answers by the first line of what it is asked, and
//! keeps what that was.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// What a stub was asked: first line, authorization, body.
pub type Asked = Arc<Mutex<Vec<(String, String, String)>>>;

/// A server that answers every request with a status and a body.
pub fn stub(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> (String, Asked) {
    server(move |first| Some(answer(first)))
}

/// A server that answers, or takes a request and says nothing for ever.
pub fn server(answer: impl Fn(&str) -> Option<(u16, String)> + Send + 'static) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let told = asked.clone();
    std::thread::spawn(move || {
        let mut hanging = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            let header = |name: &str| {
                let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
                line.and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value).to_owned()
            };
            let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            let first = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
            let answer = answer(&first);
            told.lock().unwrap().push((first, header("authorization"), String::from_utf8(body).unwrap()));
            let Some((status, text)) = answer else {
                hanging.push(stream);
                continue;
            };
            let length = text.len();
            let _ =
                write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}");
        }
    });
    (url, asked)
}
