import Diagnostics
import Linux
import OCI
import Synchronization
import Testing

@testable import ImageStore

/// These install real packages, from the machine's own Debian mirror.
@Suite("Debian images", .serialized)
struct DebianImageTests {
    private let description = DebianImage(suite: "bookworm", packages: ["netbase"])

    @Test("the same packages give the same image on another store, and a built one is not built again")
    func reproducible() async throws {
        let reference = try ImageReference("demo/base")
        try await LayerFixture.withStore { first in
            let lines = Mutex<[String]>([])
            let mounted = Mutex<[String]>([])
            let built = try await first.store.buildDebian(description, reference: reference) { update in
                lines.withLock { $0.append(update.message) }
                let seen = (try? Mounts.table().map(\.target).filter { $0.hasPrefix(first.root) }) ?? ["unreadable"]
                mounted.withLock { $0 += seen }
            }
            #expect(mounted.withLock { $0 }.isEmpty, "what mmdebstrap mounts is its own")
            #expect(!built.cached)
            #expect(
                lines.withLock { $0 } == [
                    "installing Debian bookworm packages", "reading the package lists", "downloading packages",
                    "unpacking packages", "installing essential packages", "installing packages", "writing the layer",
                ])
            #expect(built.lock.contains { $0.hasPrefix("netbase=") })
            #expect(built.lock.contains { $0.hasPrefix("base-files=") })
            let path = try #require(try await first.store.mountLayers(of: built.image).first)
            #expect(Files.exists(path + "/etc/services"))
            #expect(try await LayerFixture.tool("/usr/sbin/chroot", path, "/bin/sh", "-c", "echo works") == "works\n")
            for gone in ["/etc/machine-id", "/etc/hostname", "/etc/resolv.conf"] { #expect(!Files.exists(path + gone)) }

            let again = try await first.store.buildDebian(description, reference: reference)
            #expect(again.cached)
            #expect(again.image.id == built.image.id)
            #expect(again.lock == built.lock)

            try await LayerFixture.withStore { second in
                var locked = description
                locked.lock = built.lock
                let other = try await second.store.buildDebian(locked, reference: nil)
                #expect(!other.cached)
                #expect(other.image.id == built.image.id)
                // The layer's file too, times included.
                let layer = try #require(built.image.layers.first)
                let files = [first, second].map { "\($0.root)/layers/\(layer.hex)/layer.erofs" }
                if Files.exists(files[0]) { try await LayerFixture.tool("/usr/bin/cmp", files[0], files[1]) }
            }
        }
    }

    @Test("a build ends with the one who started it, and leaves only files, which the next start removes")
    func killed() async throws {
        try await LayerFixture.withStore { temporary in
            let directory = temporary.root + "/layers/.incoming/debian-test"
            try Files.makeDirectories(directory, mode: 0o755)
            let request = try DebianRequest(description)
            var running: Mmdebstrap.Running? = try Mmdebstrap(
                request: request, lock: nil, date: 0, sources: [], workDirectory: directory
            ).start()
            let child = try #require(running?.child)
            while try !Files.list(directory).contains(where: { $0.name.hasPrefix("mmdebstrap.") }) {
                try #require(try child.currentStatus() == nil)
                try await EventLoop.shared.sleep(for: .milliseconds(20))
            }
            let children = try Files.readText("/proc/\(child.pid)/task/\(child.pid)/children")
            let first = try #require(children.split(separator: " ").first)
            // As when the process ends: its threads do.
            running = nil
            #expect(try await child.exitStatus() == .signaled(9, coreDumped: false))
            // The first process of a namespace is over when all others of it are.
            let deadline = ContinuousClock.now + .seconds(60)
            func lives() -> Bool { (try? Files.readText("/proc/\(first)/stat")).map { !$0.contains(") Z ") } ?? false }
            while lives(), ContinuousClock.now < deadline { try await EventLoop.shared.sleep(for: .milliseconds(20)) }
            #expect(!lives())
            let reopened = try temporary.reopened()
            #expect(reopened.store.recoveryNotes.isEmpty)
            #expect(!Files.exists(directory))
        }
    }

    @Test("a locked version that the mirror no longer has is named, with what it has")
    func lockGone() async throws {
        try await LayerFixture.withStore { temporary in
            let before = try temporary.files()
            var locked = description
            locked.lock = ["@date=1700000000", "netbase=1.0-impossible"]
            let failure = await #expect(throws: Diagnostic.self) {
                try await temporary.store.buildDebian(locked, reference: nil)
            }
            #expect(failure?.code == StoreCode.lockUnavailable)
            #expect(failure?.summary.contains("netbase is locked to 1.0-impossible, available is 6") == true)
            #expect(try temporary.files() == before)
        }
    }

    @Test("a package that does not exist is an error with mmdebstrap's own words")
    func noSuchPackage() async throws {
        try await LayerFixture.withStore { temporary in
            let wrong = DebianImage(suite: "bookworm", packages: ["no-such-package-anywhere"])
            let failure = await #expect(throws: Diagnostic.self) {
                try await temporary.store.buildDebian(wrong, reference: nil)
            }
            #expect(failure?.code == StoreCode.debianFailed)
            #expect(failure?.notes.contains { $0.contains("no-such-package-anywhere") } == true)
        }
    }

    @Test(
        "what is no package, suite, variant or mirror is refused before anything runs",
        arguments: [
            DebianImage(suite: "book worm", packages: []), DebianImage(suite: "-x", packages: []),
            DebianImage(suite: "bookworm", packages: ["--mode=chrootless"]),
            DebianImage(suite: "bookworm", packages: ["a,b"]),
            DebianImage(suite: "bookworm", packages: [], mirror: "http://x y"),
            DebianImage(suite: "bookworm", packages: [], mirror: "/etc/passwd"),
            DebianImage(suite: "bookworm", packages: [], variant: "esential"),
        ])
    func refused(image: DebianImage) async throws {
        try await LayerFixture.withStore { temporary in
            let failure = await #expect(throws: Diagnostic.self) {
                try await temporary.store.buildDebian(image, reference: nil)
            }
            #expect(failure?.code == StoreCode.badDebianImage)
        }
    }
}
