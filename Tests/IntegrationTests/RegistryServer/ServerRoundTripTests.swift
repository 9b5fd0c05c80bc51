import Archives
import HTTP
import JSONText
import Linux
import OCI
import Registry
import Testing

/// Images that are pushed come back, whoever asks.
@Suite("registry server", .timeLimit(.minutes(3)))
struct ServerRoundTripTests {
    @Test(
        "an image that is pushed comes back byte for byte, whichever way it was sent",
        arguments: [UploadMode.automatic, .monolithic, .chunked(1 << 20)])
    func roundTrip(mode: UploadMode) async throws {
        try await ServerLab.with { lab in
            try await lab.blocking {
                let image = SampleImage()
                let client = try lab.client("team/app")
                try client.ping()
                let digest = try image.push(client, tag: "v1", mode: mode)
                #expect(try client.resolve("v1").digest == digest)
                #expect(try client.manifest("v1").bytes == image.manifest)
                for layer in image.layers {
                    let name = try SampleImage.digest(layer)
                    #expect(try client.blobBytes(name, size: Int64(layer.count)) == layer)
                    #expect(try client.upload(BlobContent(layer)) == .existed)
                }
                let other = try lab.client("other")
                #expect(try !other.exists(SampleImage.digest(image.layers[0])))
                #expect(try other.upload(BlobContent(image.layers[0]), mountingFrom: "team/app") == .mounted)
                #expect(try other.exists(SampleImage.digest(image.layers[0])))
            }
            try lab.verify()
        }
    }

    @Test("skopeo copies images in and out, and lists and deletes them", .enabled(if: Files.exists("/usr/bin/skopeo")))
    func skopeo() async throws {
        try await ServerLab.with { lab in
            let image = SampleImage()
            try await lab.blocking { try image.push(lab.client("a"), tag: "one") }
            func run(_ arguments: String...) async throws -> String {
                let result = try await Spawn.run(
                    SpawnRequest("/usr/bin/skopeo", ["--insecure-policy"] + arguments), timeout: .seconds(150))
                try #require(result.status.isSuccess, "skopeo \(arguments): \(result.errorText)")
                return result.outputText
            }
            let remote = "docker://\(lab.authority)"
            _ = try await run("copy", "--src-tls-verify=false", "\(remote)/a:one", "oci:\(lab.folder)/layout:one")
            _ = try await run(
                "copy", "--dest-tls-verify=false", "oci:\(lab.folder)/layout:one", "\(remote)/b/c:two")
            _ = try await run(
                "copy", "--dest-tls-verify=false", "--src-tls-verify=false", "\(remote)/b/c:two", "\(remote)/d:three")
            let first = try await lab.send("GET", "/v2/a/manifests/one")
            let last = try await lab.send("GET", "/v2/d/manifests/three")
            #expect(first.body == last.body)
            #expect(try await run("list-tags", "--tls-verify=false", "\(remote)/b/c").contains("\"two\""))
            _ = try await run("delete", "--tls-verify=false", "\(remote)/b/c:two")
            #expect(try await lab.send("GET", "/v2/b/c/tags/list").json["tags"]?.arrayValue == [])
            try lab.verify()
        }
    }

    @Test("a chunked upload goes in order, says where it is, and ends with the right digest only")
    func chunks() async throws {
        try await ServerLab.with { lab in
            let bytes = Array("hello, registry".utf8)
            let digest = try SampleImage.digest(bytes)
            let start = try await lab.send("POST", "/v2/a/blobs/uploads/")
            #expect(start.status == 202)
            let place = try #require(start.headers["Location"])
            let first = try await lab.send("PATCH", place, ["Content-Range": "0-4"], body: Array(bytes[..<5]))
            #expect(first.status == 202)
            #expect(first.headers["Range"] == "0-4")
            let early = try await lab.send("PATCH", place, ["Content-Range": "8-9"], body: Array(bytes[8...9]))
            #expect(early.status == 416)
            #expect(early.headers["Range"] == "0-4")
            let wrong = try await lab.send("PATCH", place, ["Content-Range": "5-9"], body: Array(bytes[5...6]))
            #expect(wrong.code == "SIZE_INVALID")
            let status = try await lab.send("GET", place)
            #expect(status.status == 204)
            #expect(status.headers["Range"] == "0-4")
            #expect(try await lab.send("PATCH", place, body: Array(bytes[5..<9])).status == 202)
            let end = try await lab.send("PUT", "\(place)?digest=\(digest)", body: Array(bytes[9...]))
            #expect(end.status == 201)
            #expect(end.headers["Location"] == "/v2/a/blobs/\(digest)")
            #expect(try await lab.send("GET", "/v2/a/blobs/\(digest)").body == bytes)
            #expect(try await lab.send("GET", place).code == "BLOB_UPLOAD_UNKNOWN")

            let second = try #require(try await lab.send("POST", "/v2/a/blobs/uploads/").headers["Location"])
            let refused = try await lab.send("PUT", "\(second)?digest=\(digest)", body: [1, 2, 3])
            #expect(refused.code == "DIGEST_INVALID")
            #expect(try await lab.send("GET", second).status == 404)
            let third = try #require(try await lab.send("POST", "/v2/a/blobs/uploads/").headers["Location"])
            #expect(try await lab.send("DELETE", third).status == 204)
            #expect(try await lab.send("DELETE", third).status == 404)
            // The upload of one repository is none of another.
            let fourth = try #require(try await lab.send("POST", "/v2/a/blobs/uploads/").headers["Location"])
            #expect(try await lab.send("GET", fourth.replacing("/v2/a/", with: "/v2/b/")).status == 404)
        }
    }

    @Test("a blob of sha512 is kept and given like any other")
    func otherAlgorithm() async throws {
        try await ServerLab.with { lab in
            let bytes = Array("sha512".utf8)
            let hash = SHA512()
            hash.update(bytes)
            let digest = "sha512:" + hash.finishHex()
            let answer = try await lab.send("POST", "/v2/a/blobs/uploads/?digest=\(digest)", body: bytes)
            #expect(answer.status == 201)
            #expect(try await lab.send("GET", "/v2/a/blobs/\(digest)").body == bytes)
            let place = try #require(
                try await lab.send("POST", "/v2/b/blobs/uploads/?digest-algorithm=sha512").headers["Location"])
            #expect(try await lab.send("PATCH", place, body: bytes).status == 202)
            #expect(try await lab.send("PUT", "\(place)?digest=\(digest)").status == 201)
            #expect(try await lab.send("HEAD", "/v2/b/blobs/\(digest)").headers["Content-Length"] == "6")
        }
    }

    @Test("parts of a blob are given as they are asked for")
    func ranges() async throws {
        try await ServerLab.with { lab in
            let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
            let path = "/v2/a/blobs/\(try await lab.push(bytes, to: "a"))"
            for (field, status, expected) in [
                ("bytes=10-19", 206, bytes[10...19]), ("bytes=990-", 206, bytes[990...]),
                ("bytes=-5", 206, bytes[995...]), ("bytes=0-5000", 206, bytes[...]),
                ("bytes=1000-", 416, []), ("bytes=1-2,4-5", 200, bytes[...]), ("bytes=x", 200, bytes[...]),
            ] {
                let answer = try await lab.send("GET", path, ["Range": field])
                #expect(answer.status == status, "\(field)")
                if status != 416 { #expect(answer.body == Array(expected), "\(field)") }
            }
            let tag = try #require(try await lab.send("HEAD", path).headers["ETag"])
            #expect(try await lab.send("GET", path, ["If-None-Match": tag]).status == 304)
            let stale = try await lab.send("GET", path, ["Range": "bytes=0-1", "If-Range": "\"other\""])
            #expect(stale.status == 200)
        }
    }

    @Test("lists come in parts, in order, with a link to the next")
    func lists() async throws {
        try await ServerLab.with { lab in
            let image = SampleImage()
            try await lab.blocking {
                for name in ["zebra", "a/b", "a"] { try image.push(lab.client(name), tag: "latest") }
            }
            for tag in ["v2", "v10", "V1", "_x"] {
                let put = try await lab.send(
                    "PUT", "/v2/a/manifests/\(tag)", ["Content-Type": MediaType.ociManifest], body: image.manifest)
                #expect(put.status == 201)
            }
            let first = try await lab.send("GET", "/v2/a/tags/list?n=2")
            #expect(first.json["tags"] == ["V1", "_x"])
            #expect(first.headers["Link"] == "</v2/a/tags/list?n=2&last=_x>; rel=\"next\"")
            let rest = try await lab.send("GET", "/v2/a/tags/list?last=_x")
            #expect(rest.json["tags"] == ["latest", "v10", "v2"])
            #expect(rest.headers["Link"] == nil)
            #expect(try await lab.send("GET", "/v2/a/tags/list?n=0").json["tags"] == [])
            #expect(try await lab.send("GET", "/v2/none/tags/list").code == "NAME_UNKNOWN")
            #expect(try await lab.send("GET", "/v2/_catalog").json["repositories"] == ["a", "a/b", "zebra"])
            #expect(try await lab.send("GET", "/v2/_catalog?n=1&last=a").json["repositories"] == ["a/b"])
        }
    }

    @Test("what is attached to an image is listed with it, and gone when it is deleted")
    func referrers() async throws {
        try await ServerLab.with { lab in
            let image = SampleImage()
            let subject = try await lab.blocking { try image.push(lab.client("a"), tag: "v1") }
            let empty = try await lab.push(Array("{}".utf8), to: "a")
            func artifact(_ type: String?) -> [UInt8] {
                let kind = type.map { "\"artifactType\":\"\($0)\"," } ?? ""
                let descriptor = #"{"mediaType":"application/vnd.oci.empty.v1+json","digest":"\#(empty)","size":2}"#
                return Array(
                    (#"{"schemaVersion":2,"mediaType":"\#(MediaType.ociManifest)",\#(kind)"config":\#(descriptor),"#
                        + #""layers":[\#(descriptor)],"subject":{"mediaType":"\#(MediaType.ociManifest)","#
                        + #""digest":"\#(subject)","size":1},"annotations":{"k":"v"}}"#).utf8)
            }
            var names: [Digest] = []
            for type in ["application/sbom", nil] {
                let bytes = artifact(type)
                let digest = try SampleImage.digest(bytes)
                names.append(digest)
                let put = try await lab.send(
                    "PUT", "/v2/a/manifests/\(digest)", ["Content-Type": MediaType.ociManifest], body: bytes)
                #expect(put.status == 201, "\(put.text)")
                #expect(put.headers["OCI-Subject"] == subject.description)
            }
            let all = try await lab.send("GET", "/v2/a/referrers/\(subject)")
            #expect(all.headers["Content-Type"] == MediaType.ociIndex)
            let found = all.json["manifests"]?.arrayValue ?? []
            #expect(Set(found.compactMap { $0["digest"]?.stringValue }) == Set(names.map(\.description)))
            #expect(
                Set(found.compactMap { $0["artifactType"]?.stringValue })
                    == ["application/sbom", "application/vnd.oci.empty.v1+json"])
            #expect(found.allSatisfy { $0["annotations"]?["k"] == "v" })
            let some = try await lab.send("GET", "/v2/a/referrers/\(subject)?artifactType=application%2Fsbom")
            #expect(some.json["manifests"]?.arrayValue?.count == 1)
            #expect(some.headers["OCI-Filters-Applied"] == "artifactType")
            let listed = try await lab.blocking {
                try (
                    lab.client("a").referrers(to: subject),
                    lab.client("a").referrers(to: subject, artifactType: "application/sbom")
                )
            }
            #expect(Set(listed.0.map(\.digest)) == Set(names))
            #expect(listed.1.map(\.digest) == [names[0]] && listed.1.first?.annotations == ["k": "v"])
            #expect(try await lab.send("DELETE", "/v2/a/manifests/\(names[0])").status == 202)
            #expect(try await lab.send("GET", "/v2/a/referrers/\(subject)").json["manifests"]?.arrayValue?.count == 1)
            let none = try await lab.send("GET", "/v2/a/referrers/sha256:\(String(repeating: "0", count: 64))")
            #expect(none.status == 200)
            #expect(none.json["manifests"] == [])
        }
    }

    @Test("a deleted manifest takes its tags with it, a deleted tag leaves the manifest")
    func deletion() async throws {
        try await ServerLab.with { lab in
            let image = SampleImage()
            let digest = try await lab.blocking { () throws -> Digest in
                try image.push(lab.client("a"), tag: "one")
                return try image.push(lab.client("a"), tag: "two")
            }
            #expect(try await lab.send("DELETE", "/v2/a/manifests/one").status == 202)
            #expect(try await lab.send("GET", "/v2/a/manifests/one").code == "MANIFEST_UNKNOWN")
            #expect(try await lab.send("GET", "/v2/a/manifests/\(digest)").status == 200)
            #expect(try await lab.send("DELETE", "/v2/a/manifests/\(digest)").status == 202)
            #expect(try await lab.send("GET", "/v2/a/tags/list").json["tags"] == [])
            #expect(try await lab.send("DELETE", "/v2/a/manifests/\(digest)").code == "MANIFEST_UNKNOWN")
            let blob = try SampleImage.digest(image.config)
            #expect(try await lab.send("DELETE", "/v2/a/blobs/\(blob)").status == 202)
            #expect(try await lab.send("DELETE", "/v2/a/blobs/\(blob)").code == "BLOB_UNKNOWN")
        }
    }

    @Test("a server that is asked to end answers the request under way, and then ends well")
    func gracefulStop() async throws {
        try await ServerLab.with(["--stop-timeout", "2m"]) { lab in
            let socket = try await AsyncSocket.connect(to: .loopback, port: lab.port)
            defer { socket.close() }
            let body = Array("slow but complete".utf8)
            let digest = try SampleImage.digest(body)
            try await socket.writeAll(
                Array(
                    ("POST /v2/a/blobs/uploads/?digest=\(digest) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)"
                        + "\r\n\r\n").utf8) + Array(body[..<4]))
            try await lab.eventually("the upload is under way") {
                try Files.list(lab.root + "/uploads").count == 1
            }
            try lab.process.send(15)
            try await lab.eventually("the server stops") { try lab.logText().contains("stopping") }
            try await socket.writeAll(Array(body[4...]))
            let answer = String(decoding: try await socket.read(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 201 "))
            #expect(try await lab.process.exitStatus().isSuccess)
        }
    }
}
