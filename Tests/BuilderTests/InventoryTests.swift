import Archives
import JSONText
import Linux
import OCI
import Testing

@testable import Builder

@Suite("The inventory of an image")
struct InventoryTests {
    /// A tree with a file of each kind.
    private func withTree(_ files: [String: [UInt8]], _ body: (SharedDescriptor) throws -> Void) throws {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-inventory-")
        defer { try? Files.removeTree(folder) }
        for (path, content) in files {
            let parent = path.split(separator: "/").dropLast().joined(separator: "/")
            try Files.makeDirectories("\(folder)/\(parent)")
            try Files.write("\(folder)/\(path)", content)
        }
        try body(try Files.open(folder, [.readOnly, .directory]).shared())
    }

    private func scan(_ files: [String: String]) throws -> FoundPackages {
        var found = FoundPackages()
        try withTree(files.mapValues { Array($0.utf8) }) { found = try InventoryScan($0).run() }
        return found
    }

    private static let status = """
        Package: curl
        Status: install ok installed
        Maintainer: Curl People <curl@example.org>
        Architecture: amd64
        Source: curl-source (7.88.1-10)
        Version: 7.88.1-10+deb12u5
        Homepage: https://curl.se/
        Description: a tool
         that goes on

        Package: gone
        Status: deinstall ok config-files
        Version: 1

        """

    @Test("has what dpkg installed, and not what it removed")
    func debian() throws {
        let found = try scan([
            "etc/os-release": "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n",
            "var/lib/dpkg/status": Self.status,
            "var/lib/dpkg/status.d/base-files": "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n",
        ])
        #expect(
            found.packages.map(\.url.text) == [
                "pkg:deb/debian/base-files@12.4?arch=amd64&distro=debian-12",
                "pkg:deb/debian/curl@7.88.1-10%2Bdeb12u5?arch=amd64&distro=debian-12&upstream=curl-source%407.88.1-10",
            ])
        #expect(found.packages.last?.supplier == "Curl People <curl@example.org>")
        #expect(found.distribution == "Debian GNU/Linux 12" && found.remarks == [])
    }

    @Test("has what apk installed")
    func alpine() throws {
        let found = try scan([
            "etc/os-release": "ID=alpine\nVERSION_ID=3.20.1\n",
            "lib/apk/db/installed": "C:Q1x\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\nF:lib\nR:ld.so\n\n",
        ])
        #expect(found.packages.map(\.url.text) == ["pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.1"])
        #expect(found.packages.first?.license == "MIT")
    }

    @Test("has what rpm installed, where its database is one of SQLite")
    func rpm() throws {
        let packed = Self.bytes(hex: Self.database)
        let database = try Compression.decompressing(MemorySource(packed)).readAll(limit: 1 << 20)
        try withTree([
            "usr/lib/sysimage/rpm/rpmdb.sqlite": database, "etc/os-release": Array("ID=fedora\nVERSION_ID=38\n".utf8),
        ]) { root in
            let found = try InventoryScan(root).run()
            #expect(
                found.packages.map(\.url.text) == [
                    "pkg:rpm/fedora/bash@5.2.15-3.fc38?arch=x86_64&distro=fedora-38&upstream=bash-5.2.15-3.fc38.src.rpm",
                    "pkg:rpm/fedora/openssl-libs@3.0.9-1.fc38?arch=x86_64&distro=fedora-38&epoch=1"
                        + "&upstream=openssl-3.0.9-1.fc38.src.rpm",
                ])
            #expect(found.remarks == [])
        }
    }

    @Test("survives every rpm database that was changed by one byte, or cut off")
    func hostileDatabases() throws {
        let packed = Self.bytes(hex: Self.database)
        let database = try Compression.decompressing(MemorySource(packed)).readAll(limit: 1 << 20)
        for position in stride(from: 0, to: database.count, by: 7) {
            for value in [0, 1, 0x7f, 0xff] as [UInt8] {
                var changed = database
                changed[position] = value
                let file = try MemoryFile.make(name: "rpm").shared()
                try file.writeAll(changed)
                _ = try? RPMDatabase.packages(file, source: "/x", system: nil)
            }
        }
        for length in [0, 50, 100, 511, 700, 3000] {
            let file = try MemoryFile.make(name: "rpm").shared()
            try file.writeAll(Array(database.prefix(length)))
            #expect(throws: (any Error).self) { try RPMDatabase.packages(file, source: "/x", system: nil) }
        }
    }

    /// An ELF file with Go's section and nothing else.
    private static func program(_ go: String, _ modules: String) -> [UInt8] {
        func number(_ value: Int, _ width: Int) -> [UInt8] {
            (0..<width).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
        func string(_ bytes: [UInt8]) -> [UInt8] {
            var (length, prefix) = (bytes.count, [UInt8]())
            while length > 127 {
                prefix.append(UInt8(length & 127) | 128)
                length >>= 7
            }
            return prefix + [UInt8(length)] + bytes
        }
        let names = Array("\0.shstrtab\0.go.buildinfo\0".utf8)
        let frame = [UInt8](repeating: 1, count: 16)
        var info = [0xff] + Array(" Go buildinf:".utf8) + [8, 2]
        info += [UInt8](repeating: 0, count: 32 - info.count)
        info += string(Array(go.utf8)) + string(frame + Array(modules.utf8) + frame)
        func section(_ name: Int, _ offset: Int, _ size: Int) -> [UInt8] {
            number(name, 4) + number(1, 4) + number(0, 16) + number(offset, 8) + number(size, 8) + number(0, 24)
        }
        let (first, second) = (64, 64 + names.count)
        var header: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1] + [UInt8](repeating: 0, count: 34)
        header += number(second + info.count, 8) + number(0, 10) + number(64, 2) + number(3, 2) + number(1, 2)
        return header + names + info + [UInt8](repeating: 0, count: 64) + section(1, first, names.count)
            + section(11, second, info.count)
    }

    @Test("has the modules that a Go program is made of, and survives every byte of it being changed")
    func goPrograms() throws {
        let modules =
            "path\tx\nmod\tshop.example/x\t(devel)\t\ndep\tgithub.com/a/b\tv1.2.3\th1:=\n"
            + "dep\tgithub.com/c/d\tv1.0.0\n=>\tgithub.com/fork/d\tv1.0.1\th1:=\n"
        let program = Self.program("go1.22.1", modules)
        func packages(_ bytes: [UInt8]) throws -> [String] {
            let file = try MemoryFile.make(name: "go").shared()
            try file.writeAll(bytes)
            return GoProgram.packages(file, source: "/app").map(\.url.text)
        }
        #expect(
            try packages(program) == [
                "pkg:golang/stdlib@1.22.1", "pkg:golang/github.com/a/b@v1.2.3", "pkg:golang/github.com/fork/d@v1.0.1",
            ])
        for position in program.indices {
            for value in [0, 0x7f, 0xff] as [UInt8] {
                var changed = program
                changed[position] = value
                _ = try packages(changed)
            }
        }
        for length in stride(from: 0, to: program.count, by: 5) { _ = try packages(Array(program.prefix(length))) }
    }

    @Test("says of a database it cannot read that it did not")
    func unread() throws {
        let found = try scan(["var/lib/rpm/Packages": "old"])
        #expect(found.remarks == ["/var/lib/rpm/Packages was not read: of rpm's databases only SQLite's form is"])
        let damaged = try scan(["var/lib/rpm/rpmdb.sqlite": "no database"])
        #expect(damaged.remarks.first?.contains("it is no SQLite database") == true)
    }

    @Test(
        "has what package managers of languages chose",
        arguments: [
            (
                "package-lock.json",
                #"{"packages":{"":{"name":"me","version":"1.0.0"},"node_modules/@a/b":{"version":"2.0.0"},"#
                    + #""node_modules/x/node_modules/y":{"version":"3.0.0"},"node_modules/l":{"link":true}}}"#,
                ["pkg:npm/%40a/b@2.0.0", "pkg:npm/y@3.0.0"]
            ),
            (
                "npm-shrinkwrap.json",
                #"{"dependencies":{"a":{"version":"1.0.0","dependencies":{"b":{"version":"2.0.0"}}}}}"#,
                ["pkg:npm/a@1.0.0", "pkg:npm/b@2.0.0"]
            ),
            (
                "yarn.lock",
                "# yarn lockfile v1\n\n\"@babel/core@^7.1.0\", \"@babel/core@^7.2.0\":\n  version \"7.23.0\"\n"
                    + "  resolved \"https://x\"\n\nleft-pad@^1.0.0:\n  version \"1.3.0\"\n",
                ["pkg:npm/%40babel/core@7.23.0", "pkg:npm/left-pad@1.3.0"]
            ),
            (
                "web/yarn.lock",
                "__metadata:\n  version: 6\n\n\"lodash@npm:^4.0.0\":\n  version: 4.17.21\n\n"
                    + "\"me@workspace:.\":\n  version: 0.0.0-use.local\n",
                ["pkg:npm/lodash@4.17.21"]
            ),
            (
                "pnpm-lock.yaml",
                "lockfileVersion: '9.0'\n\npackages:\n\n  '@a/b@1.0.0':\n    resolution: {}\n\n  /c/2.0.0:\n"
                    + "    dev: true\n\n  /d@3.0.0(e@1.0.0):\n    dev: true\n\nsnapshots:\n\n  z@9.0.0:\n",
                ["pkg:npm/%40a/b@1.0.0", "pkg:npm/c@2.0.0", "pkg:npm/d@3.0.0"]
            ),
            (
                "requirements.txt",
                "# comment\nFlask[async]==2.3.2 ; python_version > '3'\nrequests>=2\n-r other.txt\nPyYAML == 6.0 # x\n",
                ["pkg:pypi/flask@2.3.2", "pkg:pypi/pyyaml@6.0"]
            ),
            (
                "poetry.lock",
                "[[package]]\nname = \"Jinja2\"\nversion = \"3.1.2\"\n\n[package.dependencies]\nname = \"no\"\n"
                    + "version = \"no\"\n",
                ["pkg:pypi/jinja2@3.1.2"]
            ),
            (
                "Pipfile.lock", #"{"default":{"six":{"version":"==1.16.0"}},"develop":{}}"#, ["pkg:pypi/six@1.16.0"]
            ),
            (
                "usr/lib/python3/dist-packages/Some_Thing-1.0.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: Some_Thing\nVersion: 1.0\nLicense: MIT\n\nName: not me\n",
                ["pkg:pypi/some-thing@1.0"]
            ),
            (
                "go.sum",
                "github.com/a/b v1.2.3 h1:x=\ngithub.com/a/b v1.2.3/go.mod h1:y=\ngolang.org/x/z v0.1.0/go.mod h1:z=\n",
                ["pkg:golang/github.com/a/b@v1.2.3"]
            ),
            (
                "Cargo.lock",
                "version = 3\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.190\"\nsource = \"registry\"\n",
                ["pkg:cargo/serde@1.0.190"]
            ),
            (
                "Gemfile.lock",
                "GEM\n  remote: https://rubygems.org/\n  specs:\n    rack (3.0.8)\n    rails (7.1.1)\n"
                    + "      rack (>= 2.2.4)\n",
                ["pkg:gem/rack@3.0.8", "pkg:gem/rails@7.1.1"]
            ),
            (
                "composer.lock", #"{"packages":[{"name":"monolog/monolog","version":"3.4.0"}]}"#,
                ["pkg:composer/monolog/monolog@3.4.0"]
            ),
        ] as [(String, String, [String])])
    func languages(path: String, content: String, expected: [String]) throws {
        #expect(try scan(["app/" + path: content]).packages.map(\.url.text) == expected)
    }

    @Test(
        "passes over lock files that are none",
        arguments: ["{", "[1,2", "\0\0\0", "{\"packages\": 3}", "@:\n  version"])
    func hostileLocks(content: String) throws {
        let names = [
            "package-lock.json", "yarn.lock", "poetry.lock", "composer.lock", "Pipfile.lock", "pnpm-lock.yaml",
        ]
        for name in names {
            #expect(try scan([name: content]).packages == [])
        }
    }

    @Test("does not follow links that lead out of the image")
    func links() throws {
        try withTree(["a/b": []]) { root in
            let path = "/proc/self/fd/\(root.raw)"
            try Files.makeDirectories("\(path)/var/lib/dpkg")
            try Files.symlink("/var/lib/dpkg/status", at: "\(path)/var/lib/dpkg/status")
            try Files.symlink("/usr", at: "\(path)/usr")
            #expect(try InventoryScan(root).run().packages == [])
        }
    }

    @Test("is a document of SPDX 2.3 that equal trees have equal")
    func document() throws {
        let found = try scan(["var/lib/dpkg/status": Self.status])
        let inventory = Inventory(found, name: "shop/site", created: Timestamp(seconds: 1_700_000_000))
        let text = JSONValue.object(inventory.json).serialized(.pretty)
        let plain = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> Substring in
            guard let hash = line.firstRange(of: "spdxdocs/stackctl-") else { return line }
            return line[..<hash.upperBound] + "HASH\","
        }
        #expect(plain.joined(separator: "\n") == Self.golden, "\(text)")
    }

    private static func bytes(hex: String) -> [UInt8] {
        let digits = hex.compactMap { $0.hexDigitValue }
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// An rpm database of two packages and a key, gzip in hexadecimal digits; one of its rows is on several pages.
    private static let database = """
        1f8b0800000000000203ed585d6fd250187e4f5bb629e34696ec46f4c4c40c02ad7c0cb6c5c408a612b20e9075265c2d6d77c6e6
        a0050a062fd16b7f807fc35fe5c79d26de9818cf81d3cc9d8b7963bc58fba4a57d7a4a7978df27709e73f8c2389f107cea8d07d6
        0497400284e029c600f414200e9740745704fe3748a03928c14ed06340efe9cbcd415b5ad9cc66517762d97de28ffab48ec73e19
        4d89eb88547ed6d1aba68ecd6acdd0b1309876ad01c9519619a1d5cd540acdcb8b47b62de7c2ea113f384a571eb2155cdec2e933
        773ac08da6a9d7f50e6e771a07d54e17efeb5d5c3d325b8d267ddf81de3473d8ee7b36ae19ad1a6eb64cdc3c328c4c8c3512fd64
        df27be3c44080f6e4b8945ffbf01dd228402eb484ea1e0c743a61762c49940f5d0c0452d0fb3ddca71651bbc21717dbfaf96b4bc
        b6a716b453a7b4abf963471b0f07308b706340fbbf125521d4fd5f8daa10eafeaf45550875ff6f45550875ffa3f95c88b1589b81
        19a00accfe670af9705f52e0638dfdfdd0489204903fb1a9e8e5d292fc99f304e75f384f72fe952f47dde5fc3b1fc79cffe0fc11
        e7bf38df59726583f3278c0779a77f6efbb0083db00c3d5ccf7372e28d2ddc1e7bafd8c7ceeb48817777d8e489eefbd7a88f09ea
        d705b54941ed03416d46509b67dcb6fc33286b45ad50a6621732ff10c8e25cbd6dbc2e658334c7ee5797f7aba5ab596e99ff4da0
        5b847f84794656e0ed4bee0ef51a77c405776c08ee4809eeb827b8e3a1e08e1ce3bd614f1d4eed0bf206885dc8dbdbd4019562be
        78b2e75400f848daf55c42cdf51b5fca6d1500160000
        """

    /// Without the hash in the namespace, which stands for the rest.
    private static let golden = """
        {
          "spdxVersion": "SPDX-2.3",
          "dataLicense": "CC0-1.0",
          "SPDXID": "SPDXRef-DOCUMENT",
          "name": "shop/site",
          "documentNamespace": "https://spdx.org/spdxdocs/stackctl-HASH",
          "creationInfo": {
            "creators": [
              "Tool: stackctl"
            ],
            "created": "2023-11-14T22:13:20Z"
          },
          "packages": [
            {
              "name": "shop/site",
              "SPDXID": "SPDXRef-DocumentRoot",
              "downloadLocation": "NOASSERTION",
              "filesAnalyzed": false,
              "primaryPackagePurpose": "CONTAINER",
              "licenseConcluded": "NOASSERTION",
              "licenseDeclared": "NOASSERTION",
              "copyrightText": "NOASSERTION"
            },
            {
              "name": "curl",
              "SPDXID": "SPDXRef-Package-deb-curl-0b9d306e4413",
              "versionInfo": "7.88.1-10+deb12u5",
              "supplier": "Organization: Curl People <curl@example.org>",
              "downloadLocation": "NOASSERTION",
              "filesAnalyzed": false,
              "homepage": "https://curl.se/",
              "sourceInfo": "acquired package info from installed dpkg database: /var/lib/dpkg/status",
              "licenseConcluded": "NOASSERTION",
              "licenseDeclared": "NOASSERTION",
              "copyrightText": "NOASSERTION",
              "externalRefs": [
                {
                  "referenceCategory": "PACKAGE-MANAGER",
                  "referenceType": "purl",
                  "referenceLocator": "pkg:deb/debian/curl@7.88.1-10%2Bdeb12u5?arch=amd64&upstream=curl-source%407.88.1-10"
                }
              ]
            }
          ],
          "relationships": [
            {
              "spdxElementId": "SPDXRef-DOCUMENT",
              "relationshipType": "DESCRIBES",
              "relatedSpdxElement": "SPDXRef-DocumentRoot"
            },
            {
              "spdxElementId": "SPDXRef-DocumentRoot",
              "relationshipType": "CONTAINS",
              "relatedSpdxElement": "SPDXRef-Package-deb-curl-0b9d306e4413"
            }
          ]
        }
        """
}
