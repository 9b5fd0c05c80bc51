import HTTP
import Linux
import Testing

@testable import Registry

@Suite("web addresses")
struct WebAddressTests {
    @Test("parts, defaults and the form for messages")
    func parts() throws {
        let address = try #require(WebAddress("HTTPS://Reg.Example:443/v2/a?X=secret#part"))
        #expect(address.text == "https://reg.example/v2/a?X=secret")
        #expect(address.description == "https://reg.example/v2/a")
        #expect(WebAddress("http://[::1]:5000")?.text == "http://[::1]:5000/")
        #expect(WebAddress("http://h?x")?.text == "http://h/?x")
    }

    @Test(
        "what could mean another host is refused",
        arguments: [
            "", "https", "ftp://a/", "file:///etc/passwd", "https://", "https:///x", "https://a@b/", "https://a:b@c/",
            "https://a:0/", "https://a:65536/", "https://a:x/", "https://a b/", "https://a\u{0}/", "https://a/\r\nX: y",
            "https://a\\@b/", "https://ä/", "https://[::1/", "https://a:b:c/", "//a/b", "/x", "javascript:alert(1)",
            "https://a/" + String(repeating: "x", count: 20_000),
        ])
    func refused(text: String) {
        #expect(WebAddress(text) == nil)
    }

    @Test(
        "locations resolve against where they came from",
        arguments: [
            ("/v2/x?y=z", "https://a:8443/v2/x?y=z"), ("next?b", "https://a:8443/v2/n/next?b"),
            ("?page=2", "https://a:8443/v2/n/list?page=2"), ("//b/c", "https://b/c"), ("http://b:1/c", "http://b:1/c"),
            ("/a:b", "https://a:8443/a:b"),
        ])
    func resolving(location: String, expected: String) throws {
        let base = try #require(WebAddress("https://a:8443/v2/n/list?n=1"))
        #expect(base.resolving(location)?.text == expected)
    }

    @Test("locations that are none", arguments: ["", "#x", "mailto:x", "http://", "/a b", "https://u@h/"])
    func unresolvable(location: String) throws {
        let base = try #require(WebAddress("https://a/v2/"))
        #expect(base.resolving(location) == nil)
    }

    @Test("an origin is scheme, host and port")
    func origins() throws {
        let base = try #require(WebAddress("https://a/x"))
        #expect(try base.hasSameOrigin(as: #require(WebAddress("https://A:443/y"))))
        for other in ["http://a/x", "https://a:444/x", "https://a.b/x", "https://b/x"] {
            #expect(try !base.hasSameOrigin(as: #require(WebAddress(other))))
        }
    }

    @Test(
        "loopback", arguments: ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
    func loopback(host: String) { #expect(LoopbackHost.contains(host)) }

    @Test(
        "not loopback",
        arguments: ["localhost.evil", "127.0.0.1.evil", "128.0.0.1", "0.0.0.0", "::2", "2130706433", "0x7f.1", ""])
    func notLoopback(host: String) { #expect(!LoopbackHost.contains(host)) }
}

@Suite("Link fields")
struct LinkFieldTests {
    @Test(
        "the next page",
        arguments: [
            ("</v2/a/tags/list?last=b&n=2>; rel=\"next\"", "/v2/a/tags/list?last=b&n=2"),
            ("<a>; rel=prev, <b>; title=\"x, <y>; rel=next\"; rel=next", "b"), ("<x,y;z>;rel=\"first next\"", "x,y;z"),
            ("<a>;REL=Next", "a"),
        ])
    func next(value: String, expected: String) { #expect(LinkField.next([value]) == expected) }

    @Test(
        "none",
        arguments: [
            "", "<", "<a", "<a>", "a; rel=next", "<a>; rel=prev", "<a>; nextrel=next", "<a>; rel=\"nextish\"",
            String(repeating: "<", count: 100_000), "<a>; \"rel=next", String(repeating: "<a>,", count: 50_000),
        ])
    func none(value: String) { #expect(LinkField.next([value]) == nil) }
}

@Suite("ranges, waits and errors")
struct AnswerTests {
    @Test("Content-Range")
    func contentRange() {
        #expect(ContentRange("bytes 5-9/10")?.first == 5)
        #expect(ContentRange("bytes 5-9/10")?.size == 10)
        #expect(ContentRange("bytes 0-0/*") != nil)
        for text in ["", "bytes", "bytes 9-5/10", "bytes 0-10/10", "bytes -1-2/3", "bytes */10", "bytes 1-2", "5-9/10"]
        {
            #expect(ContentRange(text) == nil, "\(text)")
        }
    }

    @Test("waits double, keep under the longest, and are half chance")
    func delays() {
        let policy = RetryPolicy()
        #expect(policy.delay(before: 2, random: 0) == .milliseconds(250))
        #expect(policy.delay(before: 2, random: 1) == .milliseconds(500))
        #expect(policy.delay(before: 4, random: 1) == .seconds(2))
        #expect(policy.delay(before: 1_000_000, random: 1) == .seconds(15))
    }

    @Test("Retry-After is kept to up to a limit, in seconds and as a date")
    func retryAfter() {
        let policy = RetryPolicy()
        #expect(policy.delay(before: 2, headers: ["Retry-After": "7"]) == .seconds(7))
        #expect(policy.delay(before: 2, headers: ["Retry-After": "3600"]) == nil)
        #expect(policy.delay(before: 6, headers: ["Retry-After": "1"]) == nil)
        let now = Timestamp(seconds: 1_767_323_045)
        #expect(RetryPolicy.retryAfter("Fri, 02 Jan 2026 03:04:15 GMT", now: now) == .seconds(10))
        for text in ["", "-1", "1e3", "99999999999999999999", "soon", "Fri, 99 Jan 2026 03:04:15 GMT"] {
            #expect(RetryPolicy.retryAfter(text, now: now) == nil, "\(text)")
        }
    }

    @Test("the registry's own list of errors")
    func errorList() {
        let body = #"{"errors":[{"code":"DENIED","message":"no\nway"},{"code":"","message":""},{"x":1},7]}"#
        #expect(ErrorList.parse(Array(body.utf8)).map(\.description) == ["DENIED: no way"])
        #expect(ErrorList.parse(Array(#"{"details":"bad password"}"#.utf8)).map(\.description) == ["bad password"])
    }

    @Test(
        "bodies that are no list give none",
        arguments: [
            "", "<html>", "[]", "{\"errors\":{}}", "{\"errors\":null}", "nul", String(repeating: "[", count: 5_000),
        ])
    func noErrorList(body: String) { #expect(ErrorList.parse(Array(body.utf8)).isEmpty) }

    @Test("text from outside is one bounded line without control characters")
    func shown() {
        #expect(ErrorList.shown(" a\u{1B}[31m\r\n\tb\u{202E} ") == "a [31m b")
        #expect(ErrorList.shown(String(repeating: "x", count: 10_000)).count == 301)
    }

    @Test("a list of errors has at most eight entries")
    func boundedList() {
        let entry = #"{"code":"A","message":"b"},"#
        let body = "{\"errors\":[" + String(repeating: entry, count: 100) + "{}]}"
        #expect(ErrorList.parse(Array(body.utf8)).count == 8)
    }
}
