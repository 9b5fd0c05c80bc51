import Diagnostics
import ImageStore
import Linux
import Testing

@Suite("What Debian images are made from")
struct DebianInputTests {
    @Test("both forms of apt's lists are read, and only Debian's own archives of the suite are used")
    func sources() async throws {
        let script = """
            mkdir sources.list.d
            echo '# deb http://old.example/debian bookworm main' > sources.list
            echo 'deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian/ bookworm main contrib # x' >> sources.list
            echo 'deb-src http://deb.debian.org/debian bookworm main' >> sources.list
            echo 'deb https://other.example/linux/debian bookworm stable' > sources.list.d/other.list
            echo 'deb [signed-by=/etc/apt/keyrings/x.gpg] https://x.example/debian bookworm main' > sources.list.d/x.list
            printf 'Types: deb deb-src\\nURIs: http://deb.debian.org/debian-security\\nSuites: bookworm-security\\n trixie-security\\nComponents: main\\n\\nEnabled: no\\nTypes: deb\\nURIs: http://a/debian\\nSuites: bookworm\\nComponents: main\\n' > sources.list.d/s.sources
            """
        try await LayerFixture.withDirectory(script) { directory in
            #expect(
                AptSources.ofHost(suite: "bookworm", directory: directory).map(\.line) == [
                    "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main contrib",
                    "deb http://deb.debian.org/debian-security bookworm-security main",
                ])
            #expect(AptSources.ofHost(suite: "trixie", directory: directory).isEmpty)
            #expect(AptSources.ofHost(suite: "bookworm", directory: directory + "/missing").isEmpty)
        }
    }

    @Test("only installed packages count, those of another architecture with its name")
    func status() {
        let text = """
            Package: b
            Status: install ok installed
            Architecture: amd64
            Version: 1:2.0-1+b1

            Package: gone
            Status: deinstall ok config-files
            Version: 1

            Package: a
            Status: install ok installed
            Architecture: i386
            Version: 3
            Description: text
             Version: no
            """
        #expect(DpkgStatus.installed(text, architecture: "amd64") == ["a:i386=3", "b=1:2.0-1+b1"])
    }

    @Test("a lock is read as it was written, and tells what differs")
    func lock() throws {
        let lock = try DebianLock(lines: ["b=1:2", "@date=5", "a=1"])
        #expect(lock.lines == ["@date=5", "a=1", "b=1:2"])
        #expect(lock.preferences.contains("Package: b\nPin: version 1:2\nPin-Priority: 1001\n"))
        #expect(lock.difference(from: lock, requested: ["a"]) == nil)
        let other = DebianLock(date: 5, installed: ["b=1:3", "c=1"])
        #expect(
            lock.difference(from: other, requested: ["a"])?.notes == [
                "b is locked to 1:2, available is 1:3", "c=1 is needed now and not in the lock",
            ])
        // A package that was added to the list brings others; one that was taken from it is missed by nobody.
        let grown = DebianLock(date: 5, installed: ["a=1", "c=1", "new=1"])
        #expect(lock.difference(from: grown, requested: ["a", "new"]) == nil)
        #expect(lock.difference(from: grown, requested: ["a"])?.hint?.contains("--upgrade") == true)
        #expect(lock.difference(from: other, requested: ["new"])?.notes == ["b is locked to 1:2, available is 1:3"])
        // Nor is anything missed in a lock that was made for another request.
        let changed = try DebianLock(lines: lock.lines + [DebianLock.changedRequest])
        #expect(changed.difference(from: grown, requested: ["a"]) == nil)
        #expect(changed.lines == lock.lines)
        for line in ["a", "=1", "a=", "a=1 2", "@date=x", "@request=x"] {
            #expect(throws: Diagnostic.self) { try DebianLock(lines: [line]) }
        }
    }
}
